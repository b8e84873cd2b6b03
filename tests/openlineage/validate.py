"""Reads events, a line of JSON each, as the classes that OpenLineage generates from its published
schemas (the package openlineage-python): what is required is there, nothing else is, each value is
of its type, and each facet names the schema that it follows."""

import importlib
import json
import pkgutil
import sys
import types
import typing

import attr
from openlineage.client import event_v2, generated

MODULES = [
    importlib.import_module(f"{generated.__name__}.{module.name}")
    for module in pkgutil.iter_modules(generated.__path__)
]
BASES = [
    getattr(importlib.import_module(f"{generated.__name__}.base"), name)
    for name in ["RunFacet", "JobFacet", "DatasetFacet", "InputDatasetFacet", "OutputDatasetFacet"]
]
seen = set()


def facet_class(at, value, base):
    """Finds the class whose schema the facet names; it must be of the kind that stands here."""
    url = value["_schemaURL"]
    for module in MODULES:
        found = getattr(module, url.rsplit("/", 1)[-1], None)
        if found is not None and found._get_schema() == url:
            assert issubclass(found, base), f"{at}: {url} is no {base.__name__}"
            seen.add(found.__name__)
            return found
    raise AssertionError(f"{at}: nobody publishes {url}")


def read(at, value, hint, module):
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is typing.Any:
        return value
    if origin in (typing.Union, types.UnionType):
        hints = [one for one in args if one is not type(None)]
        assert value is not None, f"{at}: null says nothing"
        return read(at, value, hints[0], module)
    if origin is list:
        assert isinstance(value, list), f"{at}: {value!r} is no list"
        return [read(f"{at}[{n}]", one, args[0], module) for n, one in enumerate(value)]
    if origin is dict:
        assert isinstance(value, dict), f"{at}: {value!r} is no object"
        return {key: read(f"{at}.{key}", one, args[1], module) for key, one in value.items()}
    if hint in BASES:
        hint = facet_class(at, value, hint)
    if attr.has(hint):
        return structure(at, value, hint)
    if getattr(hint, "__members__", None):
        return hint(value)
    is_fit = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    assert is_fit, f"{at}: {value!r} is no {hint.__name__}"
    return value


def structure(at, value, cls):
    assert isinstance(value, dict), f"{at}: {value!r} is no object"
    attr.resolve_types(cls)
    fields, known = {}, {"_producer", "_schemaURL", "schemaURL"}
    for field in attr.fields(cls):
        if field.name in known:
            continue
        known.add(field.name)
        if field.name in value:
            here = f"{at}.{field.name}"
            fields[field.alias] = read(here, value[field.name], field.type, cls.__module__)
        else:
            assert field.default is not attr.NOTHING, f"{at} lacks {field.name}"
    assert set(value) <= known, f"{at} has {set(value) - known}"
    for key in ["producer", "_producer"]:
        if key in value:
            assert ":" in value[key], f"{at}.{key} is no URI"
    return cls(**fields)


count = 0
for number, line in enumerate(open(sys.argv[1]), 1):
    event = json.loads(line)
    read_event = structure(f"line {number}", event, event_v2.RunEvent)
    assert event["schemaURL"] == read_event.schemaURL, event["schemaURL"]
    count += 1
print(count, *sorted(seen))
