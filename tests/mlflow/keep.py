"""Has MLflow keep something of everything (`keep.py make`), and tells all that is kept
(`keep.py tell`): the same before and after it was taken over, and given back."""

import hashlib
import os
import sys

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import ViewType
from normal import show
from sklearn.linear_model import LinearRegression

client = MlflowClient()


def make():
    mlflow.set_experiment("flowers")
    mlflow.set_experiment_tag("garden", "north")
    rows = np.arange(12.0).reshape(6, 2)
    fitted = LinearRegression().fit(rows, rows @ [1.0, 2.0])
    with mlflow.start_run(run_name="parent", tags={"note": "two\nlines"}) as run:
        mlflow.log_params({"depth": 3, "words": "x" * 300})
        for step, value in enumerate([0.5, float("nan"), float("inf"), 0.25]):
            mlflow.log_metric("a/b", value, step=step)
        mlflow.log_text("hello", "notes/a b.txt")
        mlflow.log_input(mlflow.data.from_numpy(rows, name="rows"), context="training")
        model = mlflow.sklearn.log_model(fitted, name="line", params={"C": 1})
        mlflow.log_metric("r2", 0.75, model_id=model.model_id)
        for n in range(3):
            with mlflow.start_run(run_name=f"child {n}", nested=True):
                mlflow.log_metric("loss", n)
    client.create_registered_model("line", tags={"owner": "ada"}, description="a line " * 40)
    for uri in [model.model_uri, f"runs:/{run.info.run_id}/notes"]:
        version = client.create_model_version(
            "line",
            model.model_uri if uri.startswith("models") else f"{run.info.artifact_uri}/notes",
            run_id=run.info.run_id,
            model_id=model.model_id if uri.startswith("models") else None,
            tags={"k": "v"},
        )
    client.update_model_version("line", "1", "the first: one")
    client.set_registered_model_alias("line", "production", "1")
    client.set_registered_model_alias("line", "challenger", version.version)
    client.transition_model_version_stage("line", "2", "Staging")
    gone = client.create_run(client.get_experiment_by_name("flowers").experiment_id)
    client.set_terminated(gone.info.run_id, "FAILED")
    client.delete_run(gone.info.run_id)
    client.create_experiment("empty")


def files(run_id, path=None):
    for found in client.list_artifacts(run_id, path):
        if found.is_dir:
            yield from files(run_id, found.path)
        else:
            local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=found.path)
            with open(local, "rb") as file:
                yield found.path, hashlib.sha256(file.read()).hexdigest()[:12]


def tell():
    for experiment in sorted(client.search_experiments(ViewType.ALL), key=lambda e: e.name):
        tags = {k: v for k, v in experiment.tags.items() if not k.startswith("mlflow.")}
        show("experiment", [experiment.name, experiment.lifecycle_stage, tags])
        runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
        for run in sorted(runs, key=lambda r: (r.info.start_time, r.info.run_name)):
            of_run(run)
        models = client.search_logged_models([experiment.experiment_id])
        for model in sorted(models, key=lambda m: m.name):
            metrics = sorted((m.key, m.value, m.step, m.dataset_name) for m in model.metrics or [])
            tags = {k: v for k, v in model.tags.items() if not k.startswith("mlflow.")}
            told = [model.model_id, model.name, str(model.status), model.source_run_id or ""]
            show("logged", told + [model.params, tags, metrics])
    for model in sorted(client.search_registered_models(), key=lambda m: m.name):
        aliases = {alias: str(at) for alias, at in sorted(model.aliases.items())}
        show("model", [model.name, model.description, model.tags, aliases])
        versions = client.search_model_versions(f"name = '{model.name}'")
        for v in sorted(versions, key=lambda v: int(v.version)):
            told = [v.name, str(v.version), v.run_id, v.description or "", v.current_stage, v.tags]
            show("version", told)
    line = mlflow.pyfunc.load_model("models:/line@production")
    show("predicts", line.predict(np.array([[1.0, 2.0]])).round(6).tolist())


def of_run(run):
    info, data = run.info, run.data
    show("run", [info.run_id, info.run_name, info.status, info.lifecycle_stage, info.start_time,
                 info.end_time])
    tags = {k: v for k, v in data.tags.items() if k != "mlflow.log-model.history"}
    show("data", [data.params, tags, data.metrics])
    for key in sorted(data.metrics):
        history = client.get_metric_history(info.run_id, key)
        # A folder has a point twice where the client sent it again.
        show(key, sorted({(m.step, str(m.value), m.timestamp) for m in history}))
    inputs = run.inputs.dataset_inputs if run.inputs else []
    show("learnt from", [[i.dataset.name, i.dataset.digest, [t.value for t in i.tags]] for i in inputs])
    outputs = run.outputs.model_outputs if run.outputs else []
    show("made", [[o.model_id, o.step] for o in outputs])
    if info.lifecycle_stage == "active":
        show("files", sorted(files(info.run_id)))


if __name__ == "__main__":
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    make() if sys.argv[1] == "make" else tell()
