"""Experiments, runs, metrics, params, tags, inputs, artifacts and searches with MLflow's own client.

Run against a server by MLFLOW_TRACKING_URI; prints what it answers."""

import os
import sys
import tempfile

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

from normal import refused, show

client = MlflowClient()
base = os.environ["MLFLOW_TRACKING_URI"].rstrip("/")
session = requests.Session()
if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
    session.headers["Authorization"] = f"Bearer {token}"


def of(run):
    found = run.to_dictionary()
    # Who ran it and from where is the machine's.
    hidden = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit")
    found["data"]["tags"] = {k: v for k, v in found["data"]["tags"].items() if k not in hidden}
    found["info"].pop("user_id", None)
    return found


def names(runs):
    return [run.info.run_name for run in runs]


def rest(method, path, **kwargs):
    answer = session.request(method, f"{base}/{path}", **kwargs)
    try:
        return answer.status_code, answer.json()
    except ValueError:
        return answer.status_code, answer.text


def experiments():
    show("default experiment", dict(client.get_experiment("0")))
    made = client.create_experiment("churn", tags={"team": "growth", "stage": "a"})
    show("experiment", dict(client.get_experiment(made)))
    client.set_experiment_tag(made, "stage", "b")
    client.delete_experiment_tag(made, "team")
    client.rename_experiment(made, "churn 2")
    show("renamed", dict(client.get_experiment_by_name("churn 2")))
    show("no such name", client.get_experiment_by_name("churn"))
    elsewhere = client.create_experiment("elsewhere", artifact_location="mlflow-artifacts:/shared/x")
    run = client.create_run(elsewhere, run_name="there")
    show("artifacts of elsewhere", run.info.artifact_uri)
    for name in ("alpha", "beta", "Gamma"):
        client.create_experiment(name, tags={"group": "letters", "name": name})
    for filter_string, order in [
        (None, ["name ASC"]),
        ("name LIKE '%a'", ["name DESC"]),
        ("name ILIKE 'G%'", ["name"]),
        ("tags.group = 'letters'", ["creation_time DESC", "name"]),
        ("tags.group = 'letters' AND attribute.name != 'beta'", ["name"]),
        ("tags.missing IS NULL", ["name"]),
        ("tags.group IS NOT NULL", ["name"]),
        ("creation_time > 0", ["experiment_id ASC"]),
        ("last_update_time < 5", None),
        (f"experiment_id IN ('{made}', '0')", ["name"]),
        (f"experiment_id != '{made}'", ["name"]),
    ]:
        found = client.search_experiments(filter_string=filter_string, order_by=order)
        show(f"experiments {filter_string} {order}", [one.name for one in found])
    page = client.search_experiments(max_results=2, order_by=["name"])
    seen = [one.name for one in page]
    while page.token:
        page = client.search_experiments(max_results=2, order_by=["name"], page_token=page.token)
        seen.append([one.name for one in page])
    show("experiments by pages", seen)
    client.delete_experiment(made)
    show("deleted", dict(client.get_experiment(made)))
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        found = client.search_experiments(view_type=view, order_by=["name"])
        show(f"experiments {view}", [one.name for one in found])
    refused("a name that is taken", lambda: client.create_experiment("beta"), words=False)
    refused("a name that a deleted one has", lambda: client.create_experiment("churn 2"), words=False)
    refused("an unknown experiment", lambda: client.get_experiment("999999"))
    refused("an experiment of no number", lambda: client.get_experiment("x1"))
    refused("deleted twice", lambda: client.delete_experiment(made))
    refused("a run of a deleted one", lambda: client.create_run(made))
    refused("a tag of a deleted one", lambda: client.set_experiment_tag(made, "a", "b"))
    refused("an empty name", lambda: client.create_experiment(""))
    refused("a long name", lambda: client.create_experiment("x" * 501))
    refused("a bad tag", lambda: client.set_experiment_tag("0", "a//b", "c"))
    refused("no such tag", lambda: client.delete_experiment_tag("0", "nope"))
    client.restore_experiment(made)
    refused("restored twice", lambda: client.restore_experiment(made))
    show("restored", client.get_experiment(made).lifecycle_stage)
    for text in ("nome = 'x'", "metrics.a > 1", "name > 'x'", "name = 'x' OR name = 'y'"):
        refused(
            f"experiments {text}", lambda t=text: client.search_experiments(filter_string=t), False
        )


def logging():
    mlflow.set_experiment("logging")
    with mlflow.start_run(run_name="parent", description="of them all") as parent:
        mlflow.log_params({"depth": 3, "eta": 0.1, "name": "x" * 7_000})
        mlflow.log_metric("loss", 0.5, step=1, timestamp=1_000)
        mlflow.log_metric("loss", 0.4, step=3, timestamp=3_000)
        mlflow.log_metric("loss", 0.45, step=2, timestamp=9_000)
        mlflow.log_metrics({"auc": 0.9, "f1": float("nan")}, step=7)
        mlflow.set_tags({"kind": "boosting", "long": "y" * 9_000})
        with mlflow.start_run(run_name="child", nested=True):
            mlflow.log_metric("auc", 0.8)
        with mlflow.start_run(run_name="child 2", nested=True, tags={"fold": "2"}):
            mlflow.log_param("fold", 2)
    show("parent", of(client.get_run(parent.info.run_id)))
    children = mlflow.search_runs(
        filter_string=f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'",
        output_format="list",
        order_by=["attributes.run_name"],
    )
    show("children", [of(run) for run in children])
    history = client.get_metric_history(parent.info.run_id, "loss")
    show("history", [dict(point) for point in history])
    try:
        with mlflow.start_run(run_name="broken"):
            raise KeyError("x")
    except KeyError:
        show("broken", mlflow.last_active_run().info.status)

    run = client.create_run("0", run_name="batches", start_time=1_000_000_000_500)
    run_id = run.info.run_id
    points = [Metric("m", i / 10, 1_000 + i, i) for i in range(1_000)]
    client.log_batch(run_id, metrics=points)
    client.log_batch(run_id, metrics=points[:3])
    client.log_batch(run_id, params=[Param("a", "1")] * 1, tags=[RunTag("t", "1"), RunTag("t", "2")])
    client.log_batch(
        run_id,
        metrics=[
            Metric("ties", 1.0, 5, 0),
            Metric("ties", 3.0, 5, 0),
            Metric("ties", 2.0, 5, 0),
            Metric("later", 1.0, 9, 0),
            Metric("later", 9.0, 8, 0),
            Metric("negative step", 1.0, 9, -5),
        ],
    )
    show("batches", of(client.get_run(run_id)))
    status, page = rest(
        "GET",
        "api/2.0/mlflow/metrics/get-history",
        params={"run_id": run_id, "metric_key": "m", "max_results": 400},
    )
    seen = [len(page["metrics"])]
    while token := page.get("next_page_token"):
        status, page = rest(
            "GET",
            "api/2.0/mlflow/metrics/get-history",
            params={
                "run_id": run_id,
                "metric_key": "m",
                "max_results": 400,
                "page_token": token,
            },
        )
        seen.append(len(page["metrics"]))
    show("pages of a history", [status, seen, page["metrics"][-1]])
    show("history of nothing", client.get_metric_history(run_id, "none"))
    for path, params in [
        ("metrics/get-history-bulk", {"run_id": [run_id], "metric_key": "ties"}),
        ("metrics/get-history-bulk-interval", {"run_ids": [run_id], "metric_key": "m", "max_results": 7}),
        (
            "metrics/get-history-bulk-interval",
            {"run_ids": [run_id], "metric_key": "m", "start_step": 10, "end_step": 14},
        ),
        ("metrics/get-history-bulk-interval", {"run_ids": [run_id], "metric_key": "m", "start_step": 10}),
        ("metrics/get-history-bulk-interval", {"run_ids": [run_id], "metric_key": "m", "max_results": 0}),
        ("metrics/get-history-bulk-interval", {"metric_key": "m"}),
    ]:
        status, answer = rest("GET", f"ajax-api/2.0/mlflow/{path}", params=params)
        shown = {k: v for k, v in answer.items() if k not in ("sqlstate", "error_class")}
        show(f"{path} {params}", [status, shown])

    client.set_tag(run_id, "mlflow.runName", "by tag")
    show("renamed by its tag", client.get_run(run_id).info.run_name)
    client.update_run(run_id, status="KILLED", name="by update")
    found = client.get_run(run_id)
    show("updated", [found.info.status, found.info.run_name, found.data.tags["mlflow.runName"]])
    client.set_terminated(run_id, end_time=1_000_000_000_900)
    show("terminated", of(client.get_run(run_id))["info"])
    client.delete_tag(run_id, "t")
    named = client.create_run("0", tags={"mlflow.runName": "tagged"}).info.run_name
    show("named by its tag", named)
    words = client.create_run("0").info.run_name.split("-")
    show("a name of chance", [len(words), words[2].isdigit()])

    refused("a param changed", lambda: client.log_param(run_id, "a", "2"))
    client.log_param(run_id, "a", "1")
    refused(
        "params changed",
        lambda: client.log_batch(run_id, params=[Param("a", "2"), Param("new", "1")]),
        words=False,
    )
    show("none of them kept", "new" in client.get_run(run_id).data.params)
    refused(
        "a param twice",
        lambda: client.log_batch(run_id, params=[Param("p", "1"), Param("p", "2")]),
    )
    refused("no such run", lambda: client.get_run("0" * 32))
    refused("no such tag of a run", lambda: client.delete_tag(run_id, "nope"))
    refused("two names", lambda: client.create_run("0", run_name="a", tags={"mlflow.runName": "b"}))
    post = lambda path, body: rest("POST", f"api/2.0/mlflow/{path}", json=body)
    for path, body in [
        ("runs/log-metric", {"run_id": run_id, "key": "a//b", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": run_id, "key": "a;b", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": run_id, "key": "k" * 251, "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": run_id, "key": "a", "value": 1}),
        ("runs/log-metric", {"run_id": run_id, "key": "a", "timestamp": 1}),
        ("runs/log-metric", {"key": "a", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": run_id, "key": "a", "value": "12.5", "timestamp": "7", "step": "2"}),
        ("runs/log-parameter", {"run_id": run_id, "key": "../a", "value": "1"}),
        ("runs/log-parameter", {"run_id": run_id, "key": "", "value": "1"}),
        ("runs/log-parameter", {"run_id": run_id, "key": "no value"}),
        ("runs/set-tag", {"run_id": run_id, "key": "t" * 251, "value": "1"}),
        ("runs/set-tag", {"run_id": run_id, "key": "/x", "value": "1"}),
        ("runs/update", {"run_id": run_id, "status": "DONE"}),
        ("runs/update", {"run_id": run_id, "run_name": 5}),
        ("runs/get", {}),
        ("runs/search", {"max_results": 0}),
        ("runs/search", {"experiment_ids": ["x"]}),
        ("runs/log-batch", {"run_id": run_id, "metrics": [{"key": "a", "value": 1, "timestamp": 1}] * 1_001}),
        ("runs/log-batch", {"run_id": run_id, "params": [{"key": f"p{i}", "value": "1"} for i in range(101)]}),
        ("runs/log-batch", {"run_id": run_id, "tags": [{"key": f"p{i}", "value": "1"} for i in range(101)]}),
        (
            "runs/log-batch",
            {
                "run_id": run_id,
                "metrics": [{"key": "a", "value": 1, "timestamp": 1}] * 950,
                "tags": [{"key": f"p{i}", "value": "1"} for i in range(51)],
            },
        ),
        ("runs/log-batch", {"run_id": run_id, "metrics": [{"key": "x/../y", "value": 1, "timestamp": 1}]}),
        ("runs/log-batch", {"run_id": run_id, "unknown": {"a": 1}}),
        ("experiments/get", {}),
        ("experiments/create", {"name": ""}),
        ("experiments/create", {"name": 5}),
    ]:
        status, answer = post(path, body) if "get" not in path else rest("GET", f"api/2.0/mlflow/{path}")
        shown = {k: v for k, v in answer.items() if k in ("error_code", "message")}
        show(f"{path} {str(body)[:90]}", [status, shown])
    status, answer = post("runs/search", {"page_token": "nonsense!"})
    show("a token of nobody's", [status, answer["error_code"]])
    client.delete_run(run_id)
    show("deleted run", client.get_run(run_id).info.lifecycle_stage)
    refused("a metric of a deleted run", lambda: client.log_metric(run_id, "a", 1))
    refused("a param of a deleted run", lambda: client.log_param(run_id, "z", 1))
    refused("a tag of a deleted run", lambda: client.set_tag(run_id, "z", 1))
    refused("an update of a deleted run", lambda: client.update_run(run_id, status="FAILED"))
    client.restore_run(run_id)
    client.log_param(run_id, "z", 1)
    show("restored run", client.get_run(run_id).info.lifecycle_stage)


def searching():
    experiment = client.create_experiment("searching")
    rows = [
        ("a", {"acc": 0.91, "loss": 1.5}, {"model": "xgboost", "depth": "3"}, {"team": "red"}),
        ("b", {"acc": 0.95}, {"model": "XGBoost"}, {"team": "Blue", "a b": "1"}),
        ("c", {"acc": 0.80, "val loss": 2.0}, {"model": "random_forest", "depth": "5"}, {}),
        ("d", {"acc": float("nan")}, {"model": "light%gbm"}, {"team": "red"}),
        ("e", {}, {}, {"team": "it's"}),
        ("f", {"acc": 0.91}, {"depth": "3"}, {"team": "green"}),
    ]
    made = {}
    for at, (name, metrics, params, tags) in enumerate(rows):
        start = 1_000_000_000_000 + (at // 2) * 1_000
        run = client.create_run(experiment, run_name=name, start_time=start, tags=tags)
        made[name] = run.info.run_id
        for key, value in metrics.items():
            client.log_metric(run.info.run_id, key, value, timestamp=5)
        for key, value in params.items():
            client.log_param(run.info.run_id, key, value)
        if name in "abc":
            client.set_terminated(run.info.run_id, "FAILED" if name == "b" else "FINISHED", start + 50)

    def search(filter_string, order_by=("attributes.run_name",), view=ViewType.ACTIVE_ONLY, **more):
        return client.search_runs(
            [experiment], filter_string, run_view_type=view, order_by=list(order_by), **more
        )

    filters = [
        "",
        "metrics.acc > 0.9",
        "metrics.acc >= 0.91 and metrics.acc < 0.95",
        "metrics.acc != 0.91",
        "metrics.acc = 0.91",
        "metric.acc <= .91",
        "metrics.`val loss` > 1",
        'metrics."val loss" > 1',
        "metrics.none > 0",
        "metrics.acc > -1e3",
        "params.model = 'xgboost'",
        "params.model != 'xgboost'",
        "params.model LIKE '%gb%'",
        "params.model ILIKE 'XGB%'",
        "params.model LIKE 'random\\_%'",
        "params.model LIKE '%[x]%'",
        "parameter.depth = '3'",
        'param.depth = "3"',
        "params.depth IS NULL",
        "params.depth IS NOT NULL",
        "tags.team = 'red' AND params.depth = '3'",
        "tags.team ilike 'B%'",
        "tag.team != 'red'",
        "tags.`a b` = '1'",
        "tags.team IS NULL",
        "tags.team = \"it's\"",
        "tags.mlflow.runName = 'a'",
        "attributes.status = 'FINISHED'",
        "status != 'RUNNING'",
        "attribute.run_name = 'c'",
        "run_name LIKE '%e%'",
        "attributes.start_time > 1000000000000",
        "start_time <= 1000000001000 and end_time > 0",
        "created >= 1000000002000",
        f"run_id = '{made['a']}'",
        f"attributes.run_id IN ('{made['a']}', '{made['d']}')",
        f"run_id NOT IN ('{made['a']}', '{made['d']}')",
        "artifact_uri LIKE 'mlflow-artifacts:/%'",
        "params.model = 'x'' OR 1=1 --'",
    ]
    for text in filters:
        show(f"runs {text}", names(search(text)))
    orders = [
        [],
        ["metrics.acc DESC"],
        ["metrics.acc ASC"],
        ["metric.acc"],
        ["metrics.acc DESC", "attributes.run_name DESC"],
        ["params.model"],
        ["params.`model` DESC"],
        ["params.depth ASC", "metrics.loss DESC"],
        ["tags.team", "run_name"],
        ["attributes.start_time ASC", "run_name"],
        ["start_time DESC", "run_name DESC"],
        ["attributes.end_time", "run_name"],
        ["status DESC", "run_name"],
        ["metrics.`val loss`", "run_name"],
    ]
    for order in orders:
        # Of equals the id decides, which is chance.
        found = search("", [*order, "attributes.run_name"] if len(order) == 1 else order)
        shown = names(found) if order else [run.info.start_time for run in found]
        show(f"runs by {order}", shown)
    page = search("", ["attributes.run_name"], max_results=4)
    seen = [names(page)]
    while page.token:
        page = search("", ["attributes.run_name"], max_results=4, page_token=page.token)
        seen.append(names(page))
    show("runs by pages", seen)
    client.delete_run(made["c"])
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        show(f"runs {view}", names(search("", view=view)))
    show("of no experiment", names(client.search_runs(["987654"])))
    show("of two", names(client.search_runs([experiment, "0"], "attributes.run_name IN ('x')" if False else "attributes.run_name = 'a'")))
    for text in [
        "metrics.acc > 'x'",
        "metrics.acc LIKE '1'",
        "params.model > 'x'",
        "params.model = xgboost",
        "attributes.nope = 'x'",
        "nope.x = 'y'",
        "metrics.acc > 1 OR metrics.acc < 0",
        "metrics.acc >",
        "(metrics.acc > 1)",
        "status IN ('FINISHED')",
        "run_id IN ('a', 5)",
        "run_id IN ()",
        "attributes.run_id IS NULL",
        "tags.a = 'x",
        "datasets.nope = 'x'",
    ]:
        refused(f"runs {text}", lambda t=text: search(t), words=False)
    for order in ["nope.x", "metrics.acc UP", "attributes.nope", "metrics.acc DESC DESC"]:
        refused(f"runs by {order}", lambda o=order: search("", [o]), words=False)


def inputs():
    import pandas

    mlflow.set_experiment("inputs")
    frame = pandas.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]})
    data = mlflow.data.from_pandas(frame, source="s3://bucket/iris.csv", name="iris", targets="y")
    with mlflow.start_run(run_name="learns") as run:
        mlflow.log_input(data, context="training", tags={"who": "ada"})
        mlflow.log_input(data, context="training")
    with mlflow.start_run(run_name="tests"):
        mlflow.log_input(data, context="testing")
    show("inputs", client.get_run(run.info.run_id).inputs.to_dictionary())
    for text in [
        "dataset.name = 'iris'",
        "datasets.context = 'training'",
        "dataset.context LIKE 'test%'",
        "dataset.name = 'iris' AND dataset.context = 'training'",
        f"dataset.digest = '{data.digest}'",
        "dataset.name ILIKE 'IR%' and attributes.run_name = 'tests'",
        "dataset.name != 'iris'",
    ]:
        found = mlflow.search_runs(filter_string=text, output_format="list", order_by=["run_name"])
        show(f"runs {text}", names(found))


def artifacts():
    mlflow.set_experiment("artifacts")
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        run_id = run.info.run_id
        os.makedirs(f"{folder}/files/deep")
        for name, content in [("a.txt", b"a"), ("deep/b.bin", bytes(range(256)) * 4_096)]:
            with open(f"{folder}/files/{name}", "wb") as file:
                file.write(content)
        mlflow.log_artifacts(f"{folder}/files", "all")
        mlflow.log_artifact(f"{folder}/files/a.txt")
        mlflow.log_text("été", "texts/é à.txt")
        mlflow.log_dict({"k": [1, 2]}, "config.json")
        mlflow.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")
        for path in (None, "all", "all/deep", "none", "a.txt", "texts"):
            found = client.list_artifacts(run_id, path)
            shown = [(one.path, one.is_dir, one.file_size) for one in found]
            show(f"artifacts {path}", sorted(shown))
        got = client.download_artifacts(run_id, "all", folder)
        with open(f"{got}/deep/b.bin", "rb") as file:
            show("came back", file.read() == bytes(range(256)) * 4_096)
        show("a text", mlflow.artifacts.load_text(f"runs:/{run_id}/texts/é à.txt"))
        show("a dict", mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/config.json"))
        show("a table", mlflow.load_table("table.json", run_ids=[run_id]).to_dict("list"))
        refused("no such artifact", lambda: mlflow.artifacts.load_text(f"runs:/{run_id}/none"), False)
        root = "/".join(run.info.artifact_uri.split("/")[1:])
        files = f"api/2.0/mlflow-artifacts/artifacts/{root}"
        url = f"{base}/{files}/all/deep/b.bin"
        part = session.get(url, headers={"Range": "bytes=10-19"})
        show("a range", [part.status_code, list(part.content), part.headers["Content-Range"]])
        show("deleted", rest("DELETE", f"{files}/all/deep"))
        show("what is left", [one.path for one in client.list_artifacts(run_id, "all")])
        for path in ("..%2f..%2fx", "%2e%2e/x", "a/%2e%2e/%2e%2e/b"):
            # As they are: a client that means well would tidy them up.
            request = requests.Request("PUT", base, data=b"x", headers=session.headers).prepare()
            request.url = f"{base}/api/2.0/mlflow-artifacts/artifacts/{path}"
            answer = session.send(request)
            show(f"up to {path}", answer.status_code in (400, 404))


def autologging():
    import numpy
    from sklearn.linear_model import LogisticRegression

    mlflow.set_experiment("autolog")
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    x = numpy.array([[0.0], [1.0], [2.0], [3.0]] * 5)
    with mlflow.start_run() as run:
        LogisticRegression(C=0.5).fit(x, (x[:, 0] > 1).astype(int))
    mlflow.sklearn.autolog(disable=True)
    found = client.get_run(run.info.run_id)
    metrics = {key: round(value, 6) for key, value in found.data.metrics.items()}
    show("autolog", [found.data.params, metrics, found.data.tags["estimator_name"]])
    show("its artifacts", sorted(one.path for one in client.list_artifacts(run.info.run_id)))


def server():
    show("health", rest("GET", "health"))
    show("version", rest("GET", "version"))
    show("no such route", rest("POST", "api/2.0/mlflow/nope")[0])


PARTS = [experiments, logging, searching, inputs, artifacts, autologging, server]

if __name__ == "__main__":
    wanted = sys.argv[1:]
    for part in PARTS:
        if not wanted or part.__name__ in wanted:
            part()
