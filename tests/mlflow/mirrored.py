"""Tells all that pipelines tracked, so that a deck and the server that it tells can be compared.

Ids are told as the deck has them: the copies there bear them as tags.
"""

import hashlib
import json
import pathlib
import sys

import mlflow
import pandas
from mlflow import MlflowClient

client = MlflowClient()


def tell(*what):
    print(json.dumps(what, sort_keys=True, default=str))


def own_id(run):
    return run.data.tags.get("dagdeck.run_id", run.info.run_id)


def tags(found):
    hidden = {"dagdeck.run_id", "dagdeck.version", "mlflow.parentRunId"}
    return {key: value for key, value in found.items() if key not in hidden}


def files(run_id, path=None):
    for one in client.list_artifacts(run_id, path):
        if one.is_dir:
            yield from files(run_id, one.path)
        else:
            yield one.path


def digest(run_id, path):
    local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path)
    return hashlib.sha256(pathlib.Path(local).read_bytes()).hexdigest()


experiment = client.get_experiment_by_name("iris")
runs = client.search_runs([experiment.experiment_id], max_results=1000)
by_id = {run.info.run_id: own_id(run) for run in runs}
for run in sorted(runs, key=own_id):
    own, run_id = own_id(run), run.info.run_id
    info = run.info
    tell("run", own, info.run_name, info.status, info.start_time, info.end_time)
    parent = run.data.tags.get("mlflow.parentRunId")
    tell("under", own, by_id.get(parent))
    tell("params", own, run.data.params)
    tell("tags", own, tags(run.data.tags))
    for key in sorted(run.data.metrics):
        history = client.get_metric_history(run_id, key)
        points = sorted((point.step, point.timestamp, point.value) for point in history)
        tell("metric", own, key, points)
    for one in run.inputs.dataset_inputs:
        data = one.dataset
        tell("data", own, data.name, data.digest[:36], data.schema, data.profile)
    for path in sorted(files(run_id)):
        tell("artifact", own, path, digest(run_id, path))

for model in client.search_registered_models():
    versions = client.search_model_versions(f"name='{model.name}'")
    own = {one.version: one.tags.get("dagdeck.version", str(one.version)) for one in versions}
    aliases = {alias: own.get(version) for alias, version in model.aliases.items()}
    tell("model", model.name, model.description, model.tags, aliases)
    for one in sorted(versions, key=lambda one: int(own[one.version])):
        tell("version", own[one.version], by_id.get(one.run_id), one.description,
             one.current_stage, tags(one.tags), one.source.rsplit("/", 1)[-1])

rows = pandas.read_csv(sys.argv[1]).head(20)
model = mlflow.pyfunc.load_model("models:/iris@production")
tell("predicts", [str(one) for one in model.predict(rows.drop(columns=["species"]))])
