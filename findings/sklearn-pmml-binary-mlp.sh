#!/usr/bin/env bash
# What:      a scikit-learn MLPClassifier of two classes, written to PMML by nyoka and read by
#            sklearn-pmml-model
# Version:   sklearn-pmml-model 1.0.8, nyoka 5.5.0, scikit-learn 1.9.1
# Behavior:  predict_proba is right to the last digits, predict gives the second class for every
#            row: its labels are cut at a probability of 0, not 0.5. Three classes are right.
# Right:     the class of the larger probability, as the written model predicts
# Seen:      39 of 100 rows as the written model, all 100 in class 1; 100 for three
#            classes; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  sklearn-pmml-model==1.0.8 nyoka==5.5.0 scikit-learn==1.9.1 setuptools==80.9.0
cd "$dir"
"$python" -W ignore - <<'PY'
import sys

import numpy as np
import pandas as pd
from nyoka import skl_to_pmml
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn_pmml_model.neural_network import PMMLMLPClassifier

rng = np.random.default_rng(0)
rows = pd.DataFrame(rng.normal(size=(100, 3)), columns=["a", "b", "c"])
score = rows.to_numpy() @ [1, 2, -1]
unchanged = True
for bounds in ([0.0], [-1.0, 1.0]):
    written = MLPClassifier((5,), max_iter=200, random_state=0)
    written.fit(rows, np.digitize(score, bounds))
    skl_to_pmml(Pipeline([("network", written)]), list(rows.columns), "y", "network.pmml")
    read = PMMLMLPClassifier("network.pmml")
    chances, labels = read.predict_proba(rows), read.predict(rows).astype(int)
    close = np.allclose(chances, written.predict_proba(rows), atol=1e-9)
    right = (chances.argmax(axis=1) == written.predict(rows)).all()
    same = (labels == written.predict(rows)).sum()
    print(f"{len(bounds) + 1} classes: equal probabilities {close}, equal labels {same} of 100, "
          f"labels given {np.unique(labels).tolist()}")
    unchanged &= close and right
    unchanged &= (labels == 1).all() and same < 80 if len(bounds) == 1 else same == 100
print("unchanged: two classes, one label" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
