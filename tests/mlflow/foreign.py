"""Logs models of XGBoost, LightGBM and scikit-learn (as ONNX) by MLflow's own functions, registers
and promotes them, and says what Python answers by each: a line of JSON a model, {name, rows,
expected}. A model of a pickle is registered too: it must be refused when it is to serve."""

import json
import warnings

import lightgbm
import mlflow
import mlflow.lightgbm
import mlflow.onnx
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn import datasets, linear_model
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
client = mlflow.MlflowClient()
mlflow.set_experiment("other tools")
x, y = datasets.load_iris(return_X_y=True, as_frame=True)
x = x.astype(np.float32)
values, prices = datasets.load_diabetes(return_X_y=True, as_frame=True)
signature = infer_signature(x, np.zeros((1, 3), np.float32))


def promote(name, logged):
    version = mlflow.register_model(logged.model_uri, name)
    client.set_registered_model_alias(name, "production", version.version)


def say(name, rows, expected):
    print(json.dumps({
        "name": name,
        "rows": rows[:20].values.tolist(),
        "columns": list(rows.columns),
        "expected": np.asarray(expected[:20]).tolist(),
    }))


with mlflow.start_run():
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=3).fit(x, y)
    logged = mlflow.xgboost.log_model(
        model,
        name="xgboost",
        signature=signature,
        metadata={"classes": ["setosa", "versicolor", "virginica"]},
    )
    promote("flowers-xgboost", logged)
    say("flowers-xgboost", x, model.predict_proba(x))

    booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(values, prices), 20)
    logged = mlflow.xgboost.log_model(
        booster, name="values", signature=infer_signature(values, prices), model_format="json"
    )
    promote("values-xgboost", logged)
    say("values-xgboost", values, booster.predict(xgboost.DMatrix(values)))

    model = lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(x, y)
    logged = mlflow.lightgbm.log_model(model.booster_, name="lightgbm", signature=signature)
    promote("flowers-lightgbm", logged)
    say("flowers-lightgbm", x, model.predict_proba(x))

    model = make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(x.values, y)
    graph = to_onnx(model, x.values[:1], options={id(model): {"zipmap": False}})
    logged = mlflow.onnx.log_model(graph, name="onnx", signature=signature)
    promote("flowers-onnx", logged)
    say("flowers-onnx", x, model.predict_proba(x.values))

    logged = mlflow.sklearn.log_model(
        model, name="sklearn", signature=signature, serialization_format="cloudpickle"
    )
    promote("flowers-pickle", logged)
