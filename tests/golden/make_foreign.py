"""Makes models with the real libraries, and notes what they answer.

    make_foreign.py FOLDER

Each model is a file; `cases.json` lists them: {file, rows, expected}, where a row is a list in the
order of the model's columns, with null for what is missing, and what is expected are the
probabilities of the classes, or the value.
"""

import json
import sys
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn import datasets, ensemble, linear_model, naive_bayes, neural_network, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")
SEED = 7
ROWS = 40
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
cases = []


def note(file, rows, expected):
    rows = [[None if isinstance(v, float) and np.isnan(v) else v for v in row] for row in rows]
    cases.append({"file": file, "rows": rows, "expected": np.asarray(expected).tolist()})


def table(loader, holes=0.0):
    x, y = loader(return_X_y=True)
    x = x.astype(np.float32)
    if holes:
        x[np.random.default_rng(SEED).random(x.shape) < holes] = np.nan
    return x, y


def some(x):
    return x[np.random.default_rng(SEED).permutation(len(x))[:ROWS]]


def answers(model, x):
    return model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)


iris, cancer = table(datasets.load_iris), table(datasets.load_breast_cancer)
diabetes, digits = table(datasets.load_diabetes), table(datasets.load_digits)
names = np.array(["setosa", "versicolor", "virginica"])

# XGBoost: its two formats, two and three classes, values, missing numbers, early stopping.
for name, (x, y), kind in [
    ("two", table(datasets.load_breast_cancer, 0.05), xgboost.XGBClassifier),
    ("three", table(datasets.load_iris, 0.05), xgboost.XGBClassifier),
    ("value", table(datasets.load_diabetes, 0.05), xgboost.XGBRegressor),
]:
    model = kind(n_estimators=60, max_depth=4, random_state=SEED).fit(x, y)
    for ending in ["json", "ubj"]:
        file = f"xgboost-{name}.{ending}"
        model.save_model(folder / file)
        note(file, some(x).tolist(), answers(model, some(x)))

# LightGBM.
for name, (x, y), kind in [
    ("two", table(datasets.load_breast_cancer, 0.05), lightgbm.LGBMClassifier),
    ("three", table(datasets.load_iris, 0.05), lightgbm.LGBMClassifier),
    ("value", table(datasets.load_diabetes, 0.05), lightgbm.LGBMRegressor),
]:
    model = kind(n_estimators=60, random_state=SEED, verbose=-1).fit(x, y)
    file = f"lightgbm-{name}.txt"
    model.booster_.save_model(folder / file)
    note(file, some(x).tolist(), answers(model, some(x)))

# scikit-learn by ONNX.
onnx = {
    "logistic-two": (make_pipeline(StandardScaler(), linear_model.LogisticRegression()), cancer),
    "logistic-names": (linear_model.LogisticRegression(max_iter=500), (iris[0], names[iris[1]])),
    "normalized": (make_pipeline(Normalizer(), linear_model.LogisticRegression()), iris),
    "forest-two": (ensemble.RandomForestClassifier(50, random_state=SEED), cancer),
    "forest-names": (
        ensemble.RandomForestClassifier(30, random_state=SEED),
        (iris[0], names[iris[1]]),
    ),
    "forest-digits": (ensemble.RandomForestClassifier(20, random_state=SEED), digits),
    "forest-value": (ensemble.RandomForestRegressor(50, random_state=SEED), diabetes),
    "extra-trees": (ensemble.ExtraTreesClassifier(30, random_state=SEED), iris),
    "tree": (tree.DecisionTreeClassifier(max_depth=5, random_state=SEED), cancer),
    "tree-value": (tree.DecisionTreeRegressor(max_depth=5, random_state=SEED), diabetes),
    "boosting-two": (ensemble.GradientBoostingClassifier(random_state=SEED), cancer),
    "boosting-three": (ensemble.GradientBoostingClassifier(random_state=SEED), iris),
    "boosting-value": (ensemble.GradientBoostingRegressor(random_state=SEED), diabetes),
    "hist-two": (ensemble.HistGradientBoostingClassifier(random_state=SEED), cancer),
    "hist-value": (ensemble.HistGradientBoostingRegressor(random_state=SEED), diabetes),
    "linear": (linear_model.LinearRegression(), diabetes),
    "ridge": (make_pipeline(MinMaxScaler(), linear_model.Ridge()), diabetes),
    "elastic-net": (linear_model.ElasticNet(alpha=0.01), diabetes),
    "bayes": (naive_bayes.GaussianNB(), iris),
    "network": (
        make_pipeline(
            StandardScaler(),
            neural_network.MLPClassifier(hidden_layer_sizes=(16,), max_iter=300, random_state=SEED),
        ),
        iris,
    ),
    "network-value": (
        make_pipeline(
            StandardScaler(),
            neural_network.MLPRegressor(hidden_layer_sizes=(16, 8), max_iter=300, random_state=SEED),
        ),
        diabetes,
    ),
    "vectors-value": (make_pipeline(StandardScaler(), svm.SVR()), diabetes),
    "vectors": (make_pipeline(StandardScaler(), svm.SVC(probability=True, random_state=SEED)), iris),
}
for name, (model, (x, y)) in onnx.items():
    model.fit(x, y)
    file = f"{name}.onnx"
    wanted = {} if name != "forest-names" else {"options": {id(model): {"zipmap": False}}}
    try:
        (folder / file).write_bytes(to_onnx(model, x[:1], **wanted).SerializeToString())
    except Exception as fault:
        print(f"{name}: {type(fault).__name__}: {str(fault)[:200]}", file=sys.stderr)
        continue
    note(file, some(x).tolist(), answers(model, some(x)))

# A pipeline over columns of several types.
people = pd.DataFrame({
    "class": ["first", "second", "third", "crew"] * 60,
    "sex": (["male"] * 3 + ["female"] * 2) * 48,
    "age": np.where(np.arange(240) % 7 == 0, np.nan, np.arange(240) % 60).astype(np.float32),
    "fare": (np.arange(240) * 37 % 101).astype(np.float32),
})
lived = ((people["sex"] == "female") ^ (np.arange(240) % 5 == 0)).map({True: "yes", False: "no"})
prepared = ColumnTransformer([
    ("words", OneHotEncoder(handle_unknown="ignore"), ["class", "sex"]),
    ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "fare"]),
])
model = make_pipeline(prepared, linear_model.LogisticRegression()).fit(people, lived)
kinds = [(name, StringTensorType([None, 1])) for name in ["class", "sex"]]
kinds += [(name, FloatTensorType([None, 1])) for name in ["age", "fare"]]
(folder / "columns.onnx").write_bytes(
    convert_sklearn(model, initial_types=kinds).SerializeToString()
)
note("columns.onnx", people[:ROWS].values.tolist(), model.predict_proba(people[:ROWS]))

(folder / "cases.json").write_text(json.dumps(cases))
print(f"{len(cases)} models")
