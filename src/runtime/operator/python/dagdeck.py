"""What a Python task may ask of dagdeck: `import dagdeck`, with nothing to install.

The runner makes this module for the task's process; it is not a package.
"""

import json

_state = {"context": None, "make": None, "pushed": {}}


class AirflowSkipException(Exception):
    """Raised by a task that decides not to do its work."""


class AirflowFailException(Exception):
    """Raised by a task that no other try will mend."""


def progress(fraction, text=""):
    """Says how far the task is: from 0 to 1, or (done, all); `None` only gives the text."""
    if fraction is None:
        figure = "-"
    elif isinstance(fraction, (tuple, list)):
        figure = "%s/%s" % tuple(fraction)
    else:
        figure = repr(float(fraction))
    print("::progress %s %s" % (figure, " ".join(str(text).split())), flush=True)


def asset_event(asset=None, uri=None, alias=None, partition_key=None, extra=None):
    """Says what changed: an outlet by its name, or, through an alias among the outlets, an asset
    by its URI. It takes the place of the event that the outlet would have had."""
    if asset is None and uri is None:
        raise TypeError("name the asset, or its uri")
    said = {"asset": asset, "uri": uri, "alias": alias, "partition_key": partition_key,
            "extra": extra or {}}
    said = {name: value for name, value in said.items() if value is not None}
    print("::asset %s" % json.dumps(said), flush=True)


def xcom_push(key, value):
    """Leaves an output beside what the function returns."""
    if not isinstance(key, str) or not key:
        raise TypeError("the key of an output is a text, not %r" % (key,))
    _state["pushed"][key] = value


def xcom_pull(task_ids=None, **arguments):
    """Reads outputs of other tasks, as `ti.xcom_pull` does."""
    return get_current_context()["ti"].xcom_pull(task_ids, **arguments)


def get_current_context():
    """Returns the context of the task: `ds`, `ti`, `params`, `logical_date` and so on."""
    if _state["context"] is None:
        if _state["make"] is None:
            raise RuntimeError("no task runs here")
        _state["context"] = _state["make"]()
    return _state["context"]
