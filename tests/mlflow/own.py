"""Loads the models that pipelines registered, by MLflow alone, and says how far their answers are
from those that dagdeck itself gave right after training (which lie in each model's file). The same of
their ONNX files, in the folder that is the argument, by ONNX Runtime."""

import json
import os
import sys

import mlflow
import numpy as np
import onnxruntime
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


TYPES = {"tensor(string)": str, "tensor(bool)": bool, "tensor(int64)": np.int64}


def by_onnx(path, examples, classes):
    """How far the answers are, and whether the labels are the same."""
    session = onnxruntime.InferenceSession(path)
    given = {}
    for needed in session.get_inputs():
        cells = [example["inputs"][needed.name] for example in examples]
        numbers = needed.type == "tensor(double)"
        cells = [(np.nan if numbers else "") if cell is None else cell for cell in cells]
        kind = TYPES.get(needed.type, np.float64)
        column = np.array(cells, dtype=object if kind is str else kind)
        given[needed.name] = column.reshape(-1, 1)
    answers = session.run(None, given)
    outputs = [example["output"] for example in examples]
    if not classes:
        return far(answers[0][:, 0], [output["value"] for output in outputs]), True
    expected = [[output["probabilities"][name] for name in classes] for output in outputs]
    return far(answers[1], expected), list(answers[0]) == [output["label"] for output in outputs]


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
    path = os.path.join(sys.argv[1], f"{model.name}.onnx")
    if os.path.exists(path):
        apart, same_labels = by_onnx(path, examples, kept["classes"])
        distance, same = max(distance, apart), same and same_labels
    print(json.dumps([model.name, len(examples), same, distance < 1e-6, flavors]))
