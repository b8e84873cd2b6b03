"""The context of a task, made of what the deck handed over: small objects with Airflow's names.

Outputs of other tasks are read from the project's store when they are asked for, and only read.
"""

import datetime
import itertools
import json
import os
import types
import urllib.parse


def make(order, pushed):
    given = dict(order["context"])
    dates = given.pop("dates")
    context = dict(given)
    context.update({name: moment(text) for name, text in dates.items()})
    run = given["dag_run"]
    for name in ("logical_date", "data_interval_start", "data_interval_end", "run_after",
                 "queued_at", "start_date"):
        run[name] = moment(run.get(name))
    context["dag_run"] = types.SimpleNamespace(**run)
    context["dag"] = types.SimpleNamespace(**given["dag"])
    context["task"] = types.SimpleNamespace(**given["task"])
    context["ti"] = context["task_instance"] = TaskInstance(order, context, pushed)
    texts = given["var"]
    context["var"] = {"value": Variables(texts, str), "json": Variables(texts, json.loads)}
    return context


def moment(text):
    if text is None:
        return None
    at = datetime.datetime.fromisoformat(text)
    return at.astimezone(datetime.timezone.utc)


class Variables:
    def __init__(self, texts, read):
        self._texts, self._read = texts, read

    def get(self, name, default=None):
        return self._read(self._texts[name]) if name in self._texts else default

    def __getitem__(self, name):
        return self._read(self._texts[name])

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._texts:
            raise AttributeError("there is no variable `%s`" % name)
        return self._read(self._texts[name])


class TaskInstance:
    def __init__(self, order, context, pushed):
        self._order, self._pushed = order, pushed
        self.dag_run = context["dag_run"]
        self.task = context["task"]
        for name, value in order["context"]["ti"].items():
            setattr(self, name, value)

    def xcom_push(self, key, value):
        if not isinstance(key, str) or not key:
            raise TypeError("the key of an output is a text, not %r" % (key,))
        self._pushed[key] = value

    def xcom_pull(self, task_ids=None, dag_id=None, key="return_value", include_prior_dates=False,
                  *, map_indexes=..., default=None, run_id=None):
        one_task = task_ids is None or isinstance(task_ids, str)
        tasks = [task_ids or self.task_id] if one_task else list(task_ids)
        one_index = map_indexes is ... or map_indexes is None or isinstance(map_indexes, int)
        rows = {}
        for task in tasks:
            rows[task] = self._rows(task, dag_id, run_id, key, include_prior_dates)
        if map_indexes is ...:
            found = []
            for task in tasks:
                found.extend(rows[task].values() if rows[task] else [default])
        else:
            wanted = [-1 if map_indexes is None else map_indexes] if one_index else list(map_indexes)
            found = [rows[task].get(i, default) for task, i in itertools.product(tasks, wanted)]
        return found[0] if one_task and one_index and len(found) == 1 else found

    def _rows(self, task_id, dag_id, run_id, key, include_prior_dates):
        own = dag_id in (None, self.dag_id) and run_id in (None, self.run_id)
        if own and task_id == self.task_id and key in self._pushed:
            return {self.map_index: self._pushed[key]}
        import sqlite3

        state = os.path.join(self._order["project"], ".dagdeck")
        path = urllib.parse.quote(os.path.join(state, "dagdeck.db"))
        dag_id, run_id = dag_id or self.dag_id, run_id or self.run_id
        select = ("select map_index, value, path from xcom where dag_id = ? and dag_run_id = ?"
                  " and task_id = ? and key = ? order by map_index")
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10)
        try:
            found = db.execute(select, (dag_id, run_id, task_id, key)).fetchall()
            if not found and include_prior_dates:
                before = ("select r.dag_run_id from dag_run r where r.dag_id = ? and r.logical_date <"
                          " (select logical_date from dag_run where dag_id = ? and dag_run_id = ?)"
                          " and exists (select 1 from xcom x where x.dag_id = r.dag_id and"
                          " x.dag_run_id = r.dag_run_id and x.task_id = ? and x.key = ?)"
                          " order by r.logical_date desc limit 1")
                prior = db.execute(before, (dag_id, self.dag_id, self.run_id, task_id, key)).fetchone()
                if prior:
                    found = db.execute(select, (dag_id, prior[0], task_id, key)).fetchall()
        finally:
            db.close()
        return {index: value_of(state, value, path) for index, value, path in found}


def value_of(state, value, path):
    if path is None:
        return json.loads(value)
    runs = os.path.realpath(os.path.join(state, "runs"))
    full = os.path.realpath(os.path.join(state, path))
    if os.path.commonpath([runs, full]) != runs:
        raise ValueError("the output's file `%s` lies outside of the project's state" % path)
    with open(full) as file:
        return json.load(file)
