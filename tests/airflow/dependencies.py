"""Runs small DAGs on the real Airflow and prints how their task instances ended, as JSON.

Each task is told beforehand how to end: success, failed or skipped. Run with a fresh AIRFLOW_HOME
after `airflow db migrate`.
"""

import json
import sys
from pathlib import Path
from datetime import datetime, timezone

import airflow
import airflow.dag_processing.dagbag as dagbag
from airflow.sdk import DAG, task, task_group
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException


def end(how, value=None):
    if how == "failed":
        raise AirflowFailException("as told")
    if how == "skipped":
        raise AirflowSkipException("as told")
    return value


def end_each(x, ends):
    return end(ends.get(str(x), "success"), x)


def build(case, name):
    made = {}
    with DAG(name, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
        grouped = [t for t in case["tasks"] if "group" in t]
        plain = [t for t in case["tasks"] if "group" not in t]
        for t in plain[: case.get("first", len(plain))]:
            made[t["id"]] = make(t, made)
        if grouped:
            mapped_group(case, grouped, made)
        for t in plain[case.get("first", len(plain)) :]:
            made[t["id"]] = make(t, made)
        for t in case["tasks"]:
            for up in t.get("after", []):
                made[up] >> made[t["id"]]
    return dag


def mapped_group(case, tasks, made):
    """One group, mapped over a list or over the output of a task; its ends are by element."""

    @task_group(group_id="g")
    def g(x):
        for t in tasks:
            rule = {"trigger_rule": t["rule"]} if "rule" in t else {}
            if t.get("kind") == "branch":
                @task.branch(task_id=t["id"], **rule)
                def choose(x, choose=t["choose"]):
                    return [f"g.{one}" for one in choose[str(x)]]
                made[t["id"]] = choose(x)
            else:
                made[t["id"]] = PythonOperator(
                    task_id=t["id"],
                    python_callable=end_each,
                    op_kwargs={"x": x, "ends": t.get("ends", {})},
                    **rule,
                )

    over = case["group_over"]
    g.expand(x=made[over].output if isinstance(over, str) else over)


def make(t, made):
    kind = t.get("kind")
    rule = {"trigger_rule": t["rule"]} if "rule" in t else {}
    ends = t.get("ends", "success")
    if kind == "branch":
        @task.branch(task_id=t["id"], **rule)
        def choose():
            return t["choose"]
        return choose()
    if kind == "short_circuit":
        @task.short_circuit(task_id=t["id"], ignore_downstream_trigger_rules=t["ignore"], **rule)
        def circuit():
            return False
        return circuit()
    if "over" in t:
        each = PythonOperator.partial(task_id=t["id"], python_callable=end_each, **rule)
        over = t["over"]
        if isinstance(over, str):
            return each.expand(op_kwargs=made[over].output.map(lambda x, e=ends: {"x": x, "ends": e}))
        return each.expand(op_kwargs=[{"x": x, "ends": ends} for x in over])
    value = t.get("gives")
    op = PythonOperator(
        task_id=t["id"], python_callable=end, op_kwargs={"how": ends, "value": value}, **rule
    )
    if t.get("setup"):
        op = op.as_setup()
    if "teardown" in t:
        op = op.as_teardown(on_failure_fail_dagrun=t["teardown"])
    return op


def observe(dag):
    run = dag.test(logical_date=datetime(2026, 1, 1, tzinfo=timezone.utc))
    states = {}
    for ti in sorted(run.get_task_instances(), key=lambda ti: (ti.task_id, ti.map_index)):
        states.setdefault(ti.task_id, {})[str(ti.map_index)] = getattr(ti.state, "value", ti.state)
    return {"run": getattr(run.state, "value", run.state), "tasks": states}


CASES = json.loads(Path(__file__).with_name("dependencies.json").read_text())["cases"]
DAGS = [build(case, f"case_{n}") for n, case in enumerate(CASES)]
globals().update({dag.dag_id: dag for dag in DAGS})

if __name__ == "__main__":
    out = {"airflow": airflow.__version__, "seen": {}}
    for case, dag in zip(CASES, DAGS):
        out["seen"][case["name"]] = observe(dag)
        Path(sys.argv[1]).write_text(json.dumps(out, indent=1))
        # Once is enough to bring all DAGs into the database.
        dagbag.sync_bag_to_db = lambda *args, **kwargs: None
        dagbag.BundleDagBag = lambda *args, **kwargs: None
