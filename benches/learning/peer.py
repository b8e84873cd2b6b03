"""Fits one library's classifier on the same numbers, and prints what it took and how good it is.

Arguments: folder, library, rows, columns, threads. The folder holds `values` (float32, row after
row), `classes` (bytes), and the same of what is held out (`held_values`, `held_classes`).
"""

import json
import sys
import time

import numpy as np
from sklearn.metrics import roc_auc_score

folder, library, rows, columns, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])


def table(prefix):
    values = np.fromfile(f"{folder}/{prefix}values", dtype=np.float32).reshape(-1, columns)
    return values, np.fromfile(f"{folder}/{prefix}classes", dtype=np.uint8)


values, classes = table("")
values, classes = values[:rows], classes[:rows]
if library == "xgboost":
    from xgboost import XGBClassifier

    model = XGBClassifier(tree_method="hist", n_estimators=100, n_jobs=threads)
else:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=100, n_jobs=threads, verbose=-1)
begin = time.perf_counter()
model.fit(values, classes)
fit = time.perf_counter() - begin

held_values, held_classes = table("held_")
auc = roc_auc_score(held_classes, model.predict_proba(held_values)[:, 1])
print(json.dumps({"fit": fit, "auc": auc}))
