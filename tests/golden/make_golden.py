"""Makes figures.json: held-out figures of scikit-learn, XGBoost and LightGBM.

They learn from the same rows with the same parameters as dagdeck's families and are judged on
the same held-out rows: splits.json holds the row numbers, and a test asserts that dagdeck still
splits so. Run it after a change of a data set, of the split or of a default:

    python3 -m venv venv && venv/bin/pip install scikit-learn xgboost lightgbm
    venv/bin/python tests/golden/make_golden.py
"""

import csv
import json
import pathlib
import warnings

import lightgbm
import numpy as np
import sklearn
import xgboost
from sklearn import metrics
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent.parent / "data"
RESAMPLES = 1000
SEED = 42

COMMENT = (
    "A figure's `error` is its standard error: its standard deviation over "
    f"{RESAMPLES} bootstrap resamples of the held-out rows. "
    "Checked by hand with these versions: the `estimator` of dagdeck's model files, written by "
    "families xgboost and lightgbm for the three data sets, loads into xgboost.Booster and gives "
    "dagdeck's predictions for all rows: largest difference 0.0 for titanic and housing, 8.3e-8 "
    "for iris, where dagdeck brings the sum of three probabilities to 1."
)


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def read(name, target, task):
    """Features as dagdeck encodes them: numbers as they are, text one-hot, by name."""
    with open(DATA / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    columns, is_number = [], []
    for column in rows[0]:
        if column == target:
            continue
        fields = [row[column] for row in rows]
        if all(number(field) is not None for field in fields):
            columns.append([float(field) for field in fields])
            is_number.append(True)
        else:
            for category in sorted(set(fields)):
                columns.append([float(field == category) for field in fields])
                is_number.append(False)
    y = [row[target] for row in rows]
    if task == "classification":
        y = np.searchsorted(sorted(set(y)), y)
    return np.array(columns).T, np.array(y, dtype=float), np.array(is_number)


def scaled(x, train, is_number):
    """Numbers to mean 0 and deviation 1 of the training rows; indicators stay."""
    x = x.copy()
    part = x[train][:, is_number]
    x[:, is_number] = (x[:, is_number] - part.mean(axis=0)) / part.std(axis=0)
    return x


def models(task):
    if task == "classification":
        return {
            "xgboost": xgboost.XGBClassifier(tree_method="hist", n_estimators=100, n_jobs=1),
            "lightgbm": lightgbm.LGBMClassifier(n_jobs=1, verbose=-1),
            "random_forest": RandomForestClassifier(random_state=SEED),
            "logistic_regression": LogisticRegression(),
        }
    return {
        "xgboost": xgboost.XGBRegressor(tree_method="hist", n_estimators=100, n_jobs=1),
        "lightgbm": lightgbm.LGBMRegressor(n_jobs=1, verbose=-1),
        "random_forest": RandomForestRegressor(random_state=SEED),
        "linear_regression": LinearRegression(),
    }


def classification(truth, probabilities):
    predicted = probabilities.argmax(axis=1)
    many = probabilities.shape[1] > 2
    return {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "f1_macro": metrics.f1_score(truth, predicted, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(truth, probabilities),
        "roc_auc": metrics.roc_auc_score(
            truth, probabilities if many else probabilities[:, 1], multi_class="ovr"
        ),
    }


def regression(truth, predicted):
    return {
        "r2": metrics.r2_score(truth, predicted),
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "mape": metrics.mean_absolute_percentage_error(truth, predicted),
    }


def judge(task, truth, answers):
    figures = classification if task == "classification" else regression
    found = figures(truth, answers)
    random = np.random.default_rng(SEED)
    resampled = {name: [] for name in found}
    while len(resampled[next(iter(found))]) < RESAMPLES:
        rows = random.integers(0, len(truth), len(truth))
        if task == "classification" and len(set(truth[rows])) < answers.shape[1]:
            continue
        for name, value in figures(truth[rows], answers[rows]).items():
            resampled[name].append(value)
    return {
        name: {"value": float(value), "error": float(np.std(resampled[name]))}
        for name, value in found.items()
    }


def main():
    splits = json.loads((HERE / "splits.json").read_text())
    figures = {}
    for name, split in splits.items():
        task, test = split["task"], np.array(split["test"])
        x, y, is_number = read(name, split["target"], task)
        train = np.setdiff1d(np.arange(len(y)), test)
        figures[name] = {}
        for family, model in models(task).items():
            is_linear = family.endswith("regression")
            matrix = scaled(x, train, is_number) if is_linear else x
            model.fit(matrix[train], y[train])
            answer = model.predict_proba if task == "classification" else model.predict
            figures[name][family] = judge(task, y[test], answer(matrix[test]))
    written = {
        "comment": COMMENT,
        "versions": {
            library.__name__: library.__version__
            for library in (sklearn, xgboost, lightgbm, np)
        },
        "figures": figures,
    }
    (HERE / "figures.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
