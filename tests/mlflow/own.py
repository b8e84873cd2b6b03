"""Loads the models that pipelines registered, by MLflow alone, and says how far their answers are
from those that dagdeck itself gave right after training (which lie in each model's file)."""

import json
import os

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient

client = MlflowClient()


def far(found, expected):
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    return float(np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))))


def frame(examples, signature):
    rows = pd.DataFrame([example["inputs"] for example in examples])
    for column in signature.inputs:
        if column.type.name == "double":
            rows[column.name] = rows[column.name].astype(float)
    return rows


for model in sorted(client.search_registered_models(max_results=1000), key=lambda m: m.name):
    uri = f"models:/{model.name}/1"
    loaded = mlflow.pyfunc.load_model(uri)
    folder = mlflow.artifacts.download_artifacts(uri)
    kept = json.load(open(os.path.join(folder, "model.json"), encoding="utf-8"))
    examples = kept["examples"]
    rows = frame(examples, loaded.metadata.signature)
    if kept["classes"]:
        labels = [example["output"]["label"] for example in examples]
        found = loaded.predict(rows, params={"probabilities": True})
        expected = [[e["output"]["probabilities"][c] for c in found.columns] for e in examples]
        same = list(loaded.predict(rows)) == labels
        distance = far(found, expected)
    else:
        expected = [example["output"]["value"] for example in examples]
        distance = far(loaded.predict(rows), expected)
        same = True
    flavors = sorted(loaded.metadata.flavors)
    if "xgboost" in flavors:
        import xgboost

        booster = mlflow.xgboost.load_model(uri)
        # It takes the numbers that preprocessing makes.
        numbers = loaded._model_impl.encode(rows)
        raw = booster.predict(xgboost.DMatrix(numbers.astype(np.float32)))
        if kept["classes"]:
            raw = np.column_stack([1 - raw, raw]) if raw.ndim == 1 else raw
        distance = max(distance, far(raw, expected))
    print(json.dumps([model.name, len(examples), same, distance < 1e-6, flavors]))
