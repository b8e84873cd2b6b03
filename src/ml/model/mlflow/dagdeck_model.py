"""Answers rows with a model that dagdeck trained, as dagdeck itself does: MLflow's python_function.

Needs numpy and pandas, which MLflow brings. `model.json` holds what was learnt; this file only
reads and walks it.
"""

import json

import numpy as np
import pandas as pd

FORMAT = 1
WORD_BUCKETS = 64
MASK = (1 << 64) - 1
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
    if encoder["encoding"] == "date":
        parts = zip(encoder["parts"], _parts(cells))
        return np.hstack([_encode(part, pd.Series(values)) for part, values in parts])
    if encoder["encoding"] == "words":
        return np.array([_words(cell) for cell in cells]).reshape(-1, WORD_BUCKETS)
    raise ValueError(f"a column is encoded as {encoder['encoding']!r}, which is unknown here")


def _parts(cells):
    """Returns year, month, day, weekday, hour and days since 1970 of each date."""
    stamps = pd.to_datetime(pd.Series(list(cells), dtype=object), utc=True, format="ISO8601")
    seconds = (stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    of = stamps.dt
    hours = of.hour + of.minute / 60.0
    return [of.year, of.month, of.day, of.dayofweek + 1, hours, seconds / 86400.0]


def _words(text):
    """Returns the words of a text, hashed into places and brought to length 1."""
    places = np.zeros(WORD_BUCKETS)
    if isinstance(text, str):
        for word in "".join(c if c.isalnum() else " " for c in text).split():
            code = 0xCBF29CE484222325
            for byte in word.lower().encode():
                code = ((code ^ byte) * 0x100000001B3) & MASK
            code ^= code >> 32
            code = ((code * 0x9E3779B97F4A7C15) & MASK) ^ (code >> 29)
            places[code % WORD_BUCKETS] += 1.0 if code >> 63 == 0 else -1.0
    length = np.sqrt((places * places).sum())
    return places / length if length > 0 else places


def _estimator(learnt, outputs):
    if "learner" in learnt:
        return Boosted(learnt["learner"])
    if "trees" in learnt:
        return Forest(learnt["trees"], outputs)
    if "machines" in learnt:
        return Machines(learnt, outputs)
    if "answers" in learnt:
        return Neighbors(learnt, outputs)
    if "classes" in learnt:
        return NaiveBayes(learnt["classes"])
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


class NaiveBayes:
    """Gaussian naive Bayes."""

    def __init__(self, classes):
        self.priors = np.array([of["prior"] for of in classes])
        self.means = np.array([of["means"] for of in classes])
        self.variances = np.array([of["variances"] for of in classes])

    def __call__(self, rows):
        off = (rows[:, np.newaxis, :] - self.means) ** 2 / self.variances
        sums = (np.log(2.0 * np.pi * self.variances) + off).sum(axis=2)
        return _softmax(np.log(self.priors) - 0.5 * sums)


class Neighbors:
    """The nearest rows answer; those as far as the last one share its place."""

    def __init__(self, learnt, outputs):
        self.count = learnt["count"]
        self.by_distance = learnt["by_distance"]
        self.power = learnt["power"]
        self.values = np.array(learnt["values"]).reshape(-1, learnt["width"])
        self.answers = np.array(learnt["answers"])
        self.outputs = outputs

    def __call__(self, rows):
        return np.array([self._answer(row) for row in rows]).reshape(-1, self.outputs)

    def _answer(self, row):
        far = (np.abs(self.values - row) ** self.power).sum(axis=1)
        last = np.partition(far, self.count - 1)[self.count - 1]
        nearer = far < last * (1.0 - 1e-12)
        tied = ~nearer & (far <= last * (1.0 + 1e-12))
        weights = nearer + tied * (self.count - nearer.sum()) / max(tied.sum(), 1)
        if self.by_distance:
            same = far == 0.0
            with np.errstate(divide="ignore"):
                near = same if same.any() else far ** (-1.0 / self.power)
            weights = np.where(weights > 0.0, weights * near, 0.0)
        total = weights.sum()
        fair = total > 0.0 and np.isfinite(total)
        shares = weights / total if fair else np.full(len(far), 1.0 / len(far))
        if self.outputs == 1:
            return [shares @ self.answers]
        return np.bincount(self.answers.astype(np.int64), shares, self.outputs)


class Machines:
    """Support vector machines, one for each pair of classes."""

    def __init__(self, learnt, outputs):
        self.kernel = learnt["kernel"]
        self.vectors = np.array(learnt["vectors"]).reshape(-1, learnt["width"])
        self.machines = learnt["machines"]
        self.outputs = outputs

    def __call__(self, rows):
        near = self._near(rows)
        margins = []
        for machine in self.machines:
            at = np.array(machine["vectors"], dtype=np.int64)
            sums = near[:, at] @ np.array(machine["coefficients"])
            margins.append(machine["bias"] + np.where(np.isfinite(sums), sums, 0.0))
        margins = np.column_stack(margins)
        if self.outputs == 1:
            return margins
        slopes = np.array([machine["sigmoid"]["slope"] for machine in self.machines])
        shifts = np.array([machine["sigmoid"]["shift"] for machine in self.machines])
        with np.errstate(over="ignore"):
            chances = 1.0 / (1.0 + np.exp(slopes * margins + shifts))
        chances = np.clip(chances, 1e-7, 1.0 - 1e-7)
        return np.array([_couple(row, self.outputs) for row in chances])

    def _near(self, rows):
        kind = self.kernel["kernel"]
        if kind == "rbf":
            off = ((rows[:, np.newaxis, :] - self.vectors) ** 2).sum(axis=2)
            return np.exp(-self.kernel["gamma"] * off)
        products = rows @ self.vectors.T
        if kind == "linear":
            return products
        return (self.kernel["gamma"] * products + self.kernel["coef0"]) ** self.kernel["degree"]


def _couple(pairs, count):
    """Makes of the chances of pairs those of the classes (Wu, Lin and Weng)."""
    if count == 2:
        return np.array([pairs[0], 1.0 - pairs[0]])
    chances = np.zeros((count, count))
    chances[np.triu_indices(count, 1)] = pairs
    chances += np.tril(1.0 - chances.T, -1)
    square = -chances.T * chances
    np.fill_diagonal(square, (chances.T**2).sum(axis=1) - np.diag(chances) ** 2)
    found = np.full(count, 1.0 / count)
    for _ in range(max(count, 100)):
        products = square @ found
        whole = found @ products
        if (np.abs(products - whole) < 0.005 / count).all():
            break
        for at in range(count):
            change = (whole - products[at]) / square[at, at]
            found[at] += change
            scale = 1.0 + change
            whole = (whole + change * (change * square[at, at] + 2.0 * products[at])) / scale**2
            products = (products + change * square[at]) / scale
            found /= scale
    return found


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
