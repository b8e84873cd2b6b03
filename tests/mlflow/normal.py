"""Prints what an MLflow server answers, so that the answers of two servers can be compared: ids by
the order in which they are first seen, times as a word."""

import json
import math
import re
import sys

from mlflow.exceptions import MlflowException

# A run, a logged model; a number is an experiment only where its field says so.
_ID = re.compile(r"m-[0-9a-f]{32}|[0-9a-f]{32}")
_seen = {}
_TIMES = {
    "start_time",
    "end_time",
    "creation_time",
    "last_update_time",
    "timestamp",
    "creation_timestamp",
    "last_updated_timestamp",
}


def _named(kind, text):
    return _seen.setdefault((kind, text), f"{kind}{sum(1 for k, _ in _seen if k == kind) + 1}")


def _id(match):
    return _named("model" if match.group().startswith("m-") else "run", match.group())


def normal(value, key=None):
    if isinstance(value, dict):
        return {k: normal(v, k) for k, v in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [normal(v, key) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if key in _TIMES and isinstance(value, (int, float)) and value > 1_000_000_000_000:
        return "TIME"
    if key == "experiment_id" and value != "0":
        return _named("experiment", str(value))
    if isinstance(value, str):
        text = _ID.sub(_id, value)
        return re.sub(r"mlflow-artifacts:/([1-9]\d*)", lambda m: f"mlflow-artifacts:/{_named('experiment', m.group(1))}", text)
    return value


def show(what, value):
    print(f"{normal(what)}: {json.dumps(normal(value), sort_keys=True)}", flush=True)


def refused(what, call, words=True):
    """Shows how a server refuses; `words=False` where each server may say it in its own."""
    try:
        call()
        show(what, "not refused")
    except MlflowException as error:
        text = str(error) if words else ""
        show(what, {"code": error.error_code, "words": text})
    except Exception as error:  # what is no refusal of the server is a mistake of the script
        print(f"{what}: {type(error).__name__}: {error}", file=sys.stderr)
        raise
