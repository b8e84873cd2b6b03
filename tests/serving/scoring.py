"""Asks models by MLflow's own scoring client, and compares what is answered with what MLflow's own
scoring server makes of the same models and bodies. Arguments: where the model server listens, and
the names of models at @production. Says how many bodies were compared."""

import json
import sys

import mlflow
import pandas as pd
import requests
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

host, port = sys.argv[1].split(":")
compared = 0


def theirs(model, content_type, body):
    """What MLflow's server answers: the status, and the predictions."""
    try:
        schema = model.metadata.get_input_schema()
        found = scoring_server.invocations(body, content_type, model, schema)
    except MlflowException as error:
        return error.get_http_status_code(), None
    return found.status, json.loads(found.response)["predictions"] if found.status == 200 else None


def close(ours, other):
    if isinstance(other, dict):
        return set(ours) == set(other) and all(close(ours[key], other[key]) for key in other)
    if isinstance(other, list):
        return len(ours) == len(other) and all(map(close, ours, other))
    if isinstance(other, (int, float)) and isinstance(ours, (int, float)):
        return abs(ours - other) <= 1e-6 * max(1.0, abs(other))
    return ours == other


def bodies(model, frame):
    """Bodies in every form, right ones and wrong ones."""
    schema = model.metadata.get_input_schema()
    names = schema.input_names()
    first = names[0]
    turned = frame[names[::-1]]
    # It takes no wider numbers in a file than the signature has.
    typed = turned.astype(dict(zip(names, schema.pandas_types())))
    wider = frame.assign(extra="x")
    as_json = "application/json"
    yield as_json, json.dumps({"dataframe_split": turned.to_dict(orient="split")})
    yield as_json, json.dumps({"dataframe_split": wider.to_dict(orient="split")})
    yield as_json + "; charset=utf-8", json.dumps({"dataframe_records": frame.to_dict("records")})
    yield as_json, json.dumps({"inputs": frame.to_dict(orient="list")})
    yield as_json, json.dumps({"inputs": frame.to_dict(orient="list"), "params": {"unknown": 1}})
    yield as_json, json.dumps({"instances": frame.to_dict("records")})
    yield "text/csv", frame.to_csv(index=False)
    yield "text/csv", turned.to_csv(index=True)
    yield "application/vnd.apache.parquet", typed.to_parquet()
    yield as_json, json.dumps({"dataframe_records": [{"extra": 1}]})
    yield as_json, json.dumps({"dataframe_split": {"columns": [first], "data": [[1, 2]]}})
    yield as_json, "{"
    yield as_json, json.dumps({"nothing": []})
    yield "text/plain", "x"
    yield as_json + "; charset=latin-1", "{}"


for name in sys.argv[2:]:
    model = mlflow.pyfunc.load_model(f"models:/{name}@production")
    url = f"http://{host}:{port}/models/{name}@production/invocations"
    frame = pd.DataFrame(json.loads(sys.stdin.readline()))
    for content_type, body in bodies(model, frame):
        status, wanted = theirs(model, content_type, body)
        found = requests.post(url, data=body, headers={"Content-Type": content_type}, timeout=30)
        where = f"{name}: {content_type}: {str(body)[:200]}: {found.text[:300]}"
        if wanted is None:
            assert found.status_code == status, f"{where}: {status} there"
            assert set(found.json()) == {"error_code", "message"}, where
        else:
            assert found.status_code == 200, where
            assert close(found.json()["predictions"], wanted), f"{where}: {wanted} there"
        compared += 1

client = ScoringServerClient(host, port)
client.wait_server_ready(timeout=10)
assert client.get_version() == mlflow.__version__, client.get_version()
for name in sys.argv[2:3]:
    # The default model: what the client of one model at a time asks.
    answer = client.invoke(frame)
    assert len(answer.get_predictions()) == len(frame), answer
print(compared)
