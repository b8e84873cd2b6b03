"""Works with the registry as people do, by the real client, and tells what it was answered.

Run with MLFLOW_TRACKING_URI set, once against `mlflow server` and once against dagdeck; the two
must say the same.
"""

import os
import sys

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.models import infer_signature
from normal import refused, show
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

URI = os.environ["MLFLOW_TRACKING_URI"]
TOKEN = os.environ.get("MLFLOW_TRACKING_TOKEN")
client = MlflowClient()

# What agrees by its sense only is left out of the comparison: MLflow answers INTERNAL_ERROR to a
# stage that cannot archive and to an unknown attribute of logged models, and finds no logged model
# by its status; dagdeck refuses the first two as invalid and finds the third.


def of_version(version):
    return {
        "name": version.name,
        "version": version.version,
        "stage": version.current_stage,
        "description": version.description,
        "run_id": version.run_id,
        "run_link": version.run_link,
        "source": version.source,
        "status": version.status,
        "tags": version.tags,
        "aliases": sorted(version.aliases),
    }


def of_model(model):
    return {
        "name": model.name,
        "description": model.description,
        "tags": model.tags,
        "aliases": model.aliases,
        "latest": [of_version(version) for version in model.latest_versions],
    }


def of_logged(model):
    return {
        "model_id": model.model_id,
        "name": model.name,
        "status": str(model.status),
        "type": model.model_type,
        "run": model.source_run_id,
        "params": model.params,
        "tags": {k: v for k, v in model.tags.items() if not k.startswith("mlflow.")},
        "metrics": [
            (m.key, m.value, m.step, m.dataset_name, m.dataset_digest) for m in model.metrics or []
        ],
    }


def refuse(what, ask, *args, words=False, **kwargs):
    refused(what, lambda: ask(*args, **kwargs), words)


def raw(method, path, **kwargs):
    headers = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}
    answer = requests.request(method, f"{URI}/api/2.0/mlflow/{path}", headers=headers, timeout=60, **kwargs)
    body = answer.json()
    if answer.status_code != 200:
        return [answer.status_code, body.get("error_code"), body.get("message")]
    for found in body.values():
        if isinstance(found, dict):
            found.get("tags", []).sort(key=lambda tag: tag["key"])
    return [answer.status_code, body]


def models():
    model = client.create_registered_model("iris", tags={"owner": "ada"}, description="leaves")
    show("create", of_model(model))
    refuse("create twice", client.create_registered_model, "iris")
    refuse("no name", client.create_registered_model, "")
    show("get", of_model(client.get_registered_model("iris")))
    refuse("get none", client.get_registered_model, "none")
    show("update", of_model(client.update_registered_model("iris", "three species")))
    client.set_registered_model_tag("iris", "team", "garden")
    client.set_registered_model_tag("iris", "owner", "grace")
    client.delete_registered_model_tag("iris", "team")
    client.delete_registered_model_tag("iris", "never there")
    show("tags", of_model(client.get_registered_model("iris")))
    for name in ["wine", "wheat", "Wine2"]:
        client.create_registered_model(name, tags={"kind": name[0]})
    for text in [
        None,
        "name = 'wine'",
        "name LIKE 'w%'",
        "name ILIKE 'w%'",
        "name != 'iris'",
        "tags.kind = 'w'",
        "tags.kind != 'w'",
        "name LIKE 'w%' AND tags.kind = 'w'",
        "tags.`kind` LIKE 'W%'",
    ]:
        found = client.search_registered_models(text)
        show(f"search {text}", [model.name for model in found])
    for order in [["name DESC"], ["name ASC"], ["last_updated_timestamp DESC"], ["timestamp"]]:
        found = client.search_registered_models(order_by=order)
        show(f"order {order}", [model.name for model in found])
    for text in ["nome = 'x'", "name > 'x'", "name = x", "metrics.a > 1", "name = 'a' OR name = 'b'"]:
        refuse(f"filter {text}", client.search_registered_models, text)
    page = client.search_registered_models(max_results=3)
    rest = client.search_registered_models(max_results=3, page_token=page.token)
    show("pages", [[m.name for m in page], [m.name for m in rest], bool(page.token), bool(rest.token)])
    refuse("too many", client.search_registered_models, max_results=100000)
    client.rename_registered_model("Wine2", "port")
    show("rename", of_model(client.get_registered_model("port")))
    refuse("rename none", client.rename_registered_model, "Wine2", "x")
    refuse("rename to one", client.rename_registered_model, "port", "wine")
    client.delete_registered_model("port")
    refuse("delete none", client.delete_registered_model, "port")


def train():
    data = load_iris(as_frame=True)
    fitted = LogisticRegression(max_iter=500).fit(data.data, data.target)
    signature = infer_signature(data.data, fitted.predict(data.data))
    mlflow.set_experiment("flowers")
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_metric("accuracy", fitted.score(data.data, data.target))
        info = mlflow.sklearn.log_model(
            fitted, name="model", signature=signature, registered_model_name="iris",
            params={"C": 1.0}, model_type="classifier", tags={"colour": "blue"},
        )
    return run.info.run_id, info, fitted, data.data


def versions(run_id, info, fitted, rows):
    show("registered", of_version(client.get_model_version("iris", "1")))
    again = mlflow.register_model(info.model_uri, "iris", tags={"again": "yes"})
    show("register_model", of_version(again))
    third = mlflow.register_model(f"runs:/{run_id}/model", "iris")
    show("runs:/", of_version(third))
    refuse("version none", client.get_model_version, "iris", "99")
    refuse("version word", client.get_model_version, "iris", "one")
    show("describe", of_version(client.update_model_version("iris", "1", "the first")))
    client.set_model_version_tag("iris", "1", "checked", "yes")
    client.set_model_version_tag("iris", "1", "passing", "by")
    client.delete_model_version_tag("iris", "1", "passing")
    show("version tags", of_version(client.get_model_version("iris", "1")))
    refuse("tag of none", client.set_model_version_tag, "iris", "99", "a", "b")
    client.set_registered_model_alias("iris", "production", "1")
    client.set_registered_model_alias("iris", "challenger", "2")
    show("by alias", of_version(client.get_model_version_by_alias("iris", "production")))
    client.set_registered_model_alias("iris", "production", "2")
    show("moved", of_model(client.get_registered_model("iris")))
    refuse("alias none", client.get_model_version_by_alias, "iris", "nobody")
    refuse("alias of none", client.set_registered_model_alias, "iris", "production", "99")
    for alias in ["latest", "v3", "a b", ""]:
        refuse(f"alias {alias!r}", client.set_registered_model_alias, "iris", alias, "1")
    client.delete_registered_model_alias("iris", "challenger")
    client.delete_registered_model_alias("iris", "nobody")
    show("aliases", of_model(client.get_registered_model("iris")))
    for uri in ["models:/iris@production", "models:/iris/1", info.model_uri, f"runs:/{run_id}/model"]:
        loaded = mlflow.pyfunc.load_model(uri)
        show(f"load {uri}", bool((loaded.predict(rows) == fitted.predict(rows)).all()))
    refuse("load none", mlflow.pyfunc.load_model, "models:/iris@nobody")
    show("download uri", client.get_model_version_download_uri("iris", "1"))


def stages():
    show("stage", of_version(client.transition_model_version_stage("iris", "1", "Staging")))
    client.transition_model_version_stage("iris", "2", "staging", archive_existing_versions=True)
    show("archived", [of_version(v) for v in client.get_latest_versions("iris")])
    show("latest of", [v.version for v in client.get_latest_versions("iris", ["Staging"])])
    refuse("stage none", client.transition_model_version_stage, "iris", "1", "Nowhere")
    refuse("latest none", client.get_latest_versions, "none")


def search_versions(run_id):
    for text in [
        None,
        "name = 'iris'",
        "name LIKE 'ir%'",
        f"run_id = '{run_id}'",
        f"run_id IN ('{run_id}', 'x')",
        "version_number > 1",
        "version_number = 1",
        "version_number <= 2 AND name = 'iris'",
        "tags.checked = 'yes'",
        "tags.again = 'yes'",
        "source_path LIKE '%nothing%'",
    ]:
        found = client.search_model_versions(text)
        show(f"versions {text}", sorted((v.name, int(v.version)) for v in found))
    for order in [["version_number ASC"], ["version_number DESC"], ["name", "version_number DESC"]]:
        found = client.search_model_versions("name = 'iris'", order_by=order)
        show(f"versions by {order}", [v.version for v in found])
    for text in ["version_number > 'x'", "stage = 'Staging'", "run_id > 'a'"]:
        refuse(f"versions {text}", client.search_model_versions, text)
    page = client.search_model_versions("name = 'iris'", max_results=2, order_by=["version_number"])
    rest = client.search_model_versions(
        "name = 'iris'", max_results=2, order_by=["version_number"], page_token=page.token
    )
    show("version pages", [[v.version for v in page], [v.version for v in rest], bool(rest.token)])


def logged(info):
    experiment = mlflow.get_experiment_by_name("flowers").experiment_id
    show("logged", of_logged(client.get_logged_model(info.model_id)))
    made = client.create_logged_model(
        experiment, name="by hand", tags={"a": "1"}, params={"depth": "3"}, model_type="tree"
    )
    show("made", of_logged(made))
    show("ready", of_logged(client.finalize_logged_model(made.model_id, "READY")))
    client.set_logged_model_tags(made.model_id, {"a": "2", "b": "3"})
    client.delete_logged_model_tag(made.model_id, "b")
    refuse("tag none", client.delete_logged_model_tag, made.model_id, "b")
    client.log_model_params(made.model_id, {"width": "9"})
    with mlflow.start_run(run_name="judge"):
        mlflow.log_metric("auc", 0.5, step=1, model_id=made.model_id)
        mlflow.log_metric("auc", 0.75, step=2, model_id=made.model_id)
        mlflow.log_metric("auc", 0.25, step=1, model_id=info.model_id)
    show("found", of_logged(client.get_logged_model(made.model_id)))
    for text in [
        None,
        "name = 'by hand'",
        "metrics.auc > 0.6",
        "metrics.auc > 0.1",
        "params.depth = '3'",
        "tags.a = '2'",
        "model_type = 'tree'",
        "name LIKE 'mod%'",
    ]:
        found = client.search_logged_models([experiment], filter_string=text)
        show(f"logged {text}", sorted(model.name for model in found))
    for by, ascending in [("metrics.auc", True), ("metrics.auc", False), ("creation_timestamp", True)]:
        order = [{"field_name": by, "ascending": ascending}]
        found = client.search_logged_models([experiment], order_by=order)
        show(f"logged by {by} {ascending}", [model.name for model in found])
    client.delete_logged_model(made.model_id)
    refuse("logged gone", client.get_logged_model, made.model_id)
    refuse("logged none", client.get_logged_model, "m-none")
    refuse("logged nowhere", client.create_logged_model, "123456789")
    refuse("logged name", client.create_logged_model, experiment, name="a/b")


def wire():
    show("raw get", raw("GET", "registered-models/get", params={"name": "wine"}))
    show("raw none", raw("GET", "registered-models/get", params={"name": "none"}))
    show("raw nameless", raw("GET", "registered-models/get"))
    show("raw version", raw("GET", "model-versions/get", params={"name": "iris", "version": "1"}))
    show("raw word", raw("GET", "model-versions/get", params={"name": "iris", "version": "x"}))
    show("raw alias", raw("GET", "registered-models/alias", params={"name": "iris", "alias": "no"}))
    show("raw empty", raw("GET", "model-versions/search", params={"filter": "name = 'nothing'"}))
    show("raw create", raw("POST", "registered-models/create", json={"name": "wine"}))
    show("raw tag", raw("POST", "registered-models/set-tag", json={"name": "wine", "key": "k", "value": "v"}))
    show("raw stray", raw("POST", "registered-models/set-tag", json={"name": "wine", "key": "k", "value": "v", "more": 1}))
    show("raw no value", raw("POST", "registered-models/set-tag", json={"name": "wine", "key": "k"}))
    show("raw logged", raw("GET", "logged-models/m-none"))
    show("raw path", raw("POST", "model-versions/create", json={"name": "wine", "source": "/etc/passwd"}))
    show("raw dots", raw("POST", "model-versions/create", json={"name": "wine", "source": "mlflow-artifacts:/1/../../x"}))


def deletion():
    client.delete_registered_model_alias("iris", "production")
    client.delete_model_version("iris", "2")
    refuse("deleted", client.get_model_version, "iris", "2")
    refuse("delete twice", client.delete_model_version, "iris", "2")
    show("left", sorted(int(v.version) for v in client.search_model_versions("name = 'iris'")))
    client.delete_registered_model("iris")
    refuse("model gone", client.get_registered_model, "iris")
    show("none left", [v.version for v in client.search_model_versions("name = 'iris'")])


def main():
    mlflow.set_registry_uri(URI)
    models()
    run_id, info, fitted, rows = train()
    versions(run_id, info, fitted, rows)
    stages()
    search_versions(run_id)
    logged(info)
    wire()
    deletion()


if __name__ == "__main__":
    sys.exit(main())
