"""Answers rows with a model that dagdeck trained, as dagdeck itself does: MLflow's python_function.

Needs numpy and pandas, which MLflow brings. `model.json` holds what was learnt; this file only
reads and walks it.
"""

import json

import numpy as np
import pandas as pd

FORMAT = 1
# Engines count in 32 bits; what does not fit is as large as can be, not infinite.
NUMBER_MAX = float(np.finfo(np.float32).max)


def _load_pyfunc(path):
    with open(path, encoding="utf-8") as file:
        model = json.load(file)
    if model["format"] > FORMAT:
        raise ValueError(f"model.json has format {model['format']}; this loader knows {FORMAT}")
    return DagdeckModel(model)


class DagdeckModel:
    """A trained model with its preprocessing."""

    def __init__(self, model):
        self.columns = [column["name"] for column in model["signature"]["inputs"]]
        self.classes = np.array(model["classes"], dtype=object)
        self.encoders = model["preprocess"]
        self.estimator = _estimator(model["estimator"], max(len(self.classes), 1))

    def predict(self, data, params=None):
        """Returns a class or a value for each row; with the param `probabilities`, the
        probability of each class as a column of its own."""
        wants_probabilities = bool((params or {}).get("probabilities"))
        found = self.estimator(self.encode(data))
        if not len(self.classes):
            if wants_probabilities:
                raise ValueError("a regression has no probabilities")
            return found[:, 0]
        if wants_probabilities:
            return pd.DataFrame(found, columns=list(self.classes))
        return self.classes[np.argmax(found, axis=1)]

    def encode(self, data):
        """Returns the numbers that the estimator was trained on."""
        if not isinstance(data, pd.DataFrame):
            data = pd.DataFrame(data, columns=self.columns)
        blocks = [_encode(encoder, data[name]) for name, encoder in zip(self.columns, self.encoders)]
        return np.hstack(blocks) if blocks else np.empty((len(data), 0))


def _encode(encoder, cells):
    if encoder["encoding"] == "number":
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        numbers = np.clip(numbers, -NUMBER_MAX, NUMBER_MAX)
        if encoder["fill"] is not None:
            numbers = np.where(np.isnan(numbers), encoder["fill"], numbers)
        return ((numbers - encoder["shift"]) / encoder["scale"])[:, np.newaxis]
    if encoder["encoding"] == "categories":
        categories = encoder["categories"]
        places = {category: place for place, category in enumerate(categories)}
        other = len(categories) if encoder["other"] else None
        missing = len(categories) + bool(encoder["other"]) if encoder["missing"] else None
        block = np.zeros((len(cells), len(categories) + encoder["other"] + encoder["missing"]))
        for row, cell in enumerate(cells):
            place = places.get(cell, other) if isinstance(cell, str) else missing
            if place is not None:
                block[row, place] = 1.0
        return block
    raise ValueError(f"a column is encoded as {encoder['encoding']!r}, which is unknown here")


def _estimator(learnt, outputs):
    if "learner" in learnt:
        return Boosted(learnt["learner"])
    if "trees" in learnt:
        return Forest(learnt["trees"], outputs)
    if "intercepts" in learnt:
        return Logits(learnt)
    if "intercept" in learnt:
        return Line(learnt)
    raise ValueError(f"an estimator of {sorted(learnt)}, which is unknown here")


class Line:
    """A linear regression."""

    def __init__(self, learnt):
        self.intercept = learnt["intercept"]
        self.coefficients = np.array(learnt["coefficients"])

    def __call__(self, rows):
        return (self.intercept + rows @ self.coefficients)[:, np.newaxis]


class Logits:
    """A logistic regression."""

    def __init__(self, learnt):
        self.intercepts = np.array(learnt["intercepts"])
        self.coefficients = np.array(learnt["coefficients"])

    def __call__(self, rows):
        return _softmax(self.intercepts + rows @ self.coefficients.T)


class Forest:
    """Trees whose answers are averaged."""

    def __init__(self, trees, outputs):
        self.trees = [
            (
                np.array(tree["feature"], dtype=np.int64),
                np.array(tree["threshold"]),
                np.array(tree["child"], dtype=np.int64),
                np.array(tree["answers"]).reshape(-1, outputs),
            )
            for tree in trees
        ]

    def __call__(self, rows):
        return sum(self._walk(tree, rows) for tree in self.trees) / len(self.trees)

    @staticmethod
    def _walk(tree, rows):
        feature, threshold, child, answers = tree
        node = np.zeros(len(rows), dtype=np.int64)
        inner = np.flatnonzero(child[node])
        while len(inner):
            at = node[inner]
            node[inner] = child[at] + (rows[inner, feature[at]] > threshold[at])
            inner = inner[child[node[inner]] != 0]
        return answers[feature[node]]


class Boosted:
    """Boosted trees as XGBoost writes them."""

    def __init__(self, learner):
        param = learner["learner_model_param"]
        model = learner["gradient_booster"]["model"]
        self.objective = learner["objective"]["name"]
        self.outputs = max(int(param["num_class"]), 1)
        base = np.array(json.loads("[" + param["base_score"].strip("[]") + "]"), dtype=np.float64)
        if self.objective == "binary:logistic":
            base = np.log(base / (1.0 - base))
        self.base = np.broadcast_to(base.astype(np.float32), (self.outputs,))
        trees = list(zip(model["trees"], model["tree_info"]))
        best = learner.get("attributes", {}).get("best_iteration")
        if best is not None:
            of_round = self.outputs * int(model["gbtree_model_param"].get("num_parallel_tree", 1))
            trees = trees[: (int(best) + 1) * of_round]
        self.trees = [(self._tree(tree), int(output)) for tree, output in trees]

    @staticmethod
    def _tree(tree):
        return (
            np.array(tree["left_children"], dtype=np.int64),
            np.array(tree["right_children"], dtype=np.int64),
            np.array(tree["split_indices"], dtype=np.int64),
            np.array(tree["split_conditions"], dtype=np.float32),
            np.array(tree["default_left"], dtype=bool),
        )

    def __call__(self, rows):
        rows = np.clip(rows, -NUMBER_MAX, NUMBER_MAX).astype(np.float32)
        margins = np.tile(self.base, (len(rows), 1))
        for tree, output in self.trees:
            margins[:, output] += self._walk(tree, rows)
        if self.objective == "multi:softprob":
            return _softmax(margins.astype(np.float64))
        if self.objective == "binary:logistic":
            positive = 1.0 / (1.0 + np.exp(-margins[:, 0].astype(np.float64)))
            return np.column_stack([1.0 - positive, positive])
        return margins.astype(np.float64)

    @staticmethod
    def _walk(tree, rows):
        left, right, feature, condition, default_left = tree
        node = np.zeros(len(rows), dtype=np.int64)
        inner = np.flatnonzero(left[node] != -1)
        while len(inner):
            at = node[inner]
            value = rows[inner, feature[at]]
            goes_left = np.where(np.isnan(value), default_left[at], value < condition[at])
            node[inner] = np.where(goes_left, left[at], right[at])
            inner = inner[left[node[inner]] != -1]
        return condition[node]


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
