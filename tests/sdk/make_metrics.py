"""Writes data/metrics.json: small cases with the scores that scikit-learn and scipy give them.

Run with scikit-learn, scipy and numpy: python make_metrics.py
"""

import json
import math
import pathlib
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics

warnings.filterwarnings("ignore")


def averages(truth, prediction):
    scores = {}
    for average in ("micro", "macro", "weighted"):
        p, r, f, _ = metrics.precision_recall_fscore_support(truth, prediction, average=average, zero_division=0)
        scores |= {f"precision_{average}": p, f"recall_{average}": r, f"f1_{average}": f}
    return scores


def single(truth, prediction):
    scores = {"accuracy": metrics.accuracy_score(truth, prediction)}
    scores |= averages(truth, prediction)
    scores["matthews"] = metrics.matthews_corrcoef(truth, prediction)
    return {"kind": "single", "truth": truth, "prediction": prediction, "scores": scores}


def multi(labels, truth, prediction):
    def indicator(rows):
        return np.array([[int(label in row) for label in labels] for row in rows])

    scores = {"accuracy": metrics.accuracy_score(indicator(truth), indicator(prediction))}
    scores |= averages(indicator(truth), indicator(prediction))
    return {"kind": "multi", "labels": labels, "truth": truth, "prediction": prediction, "scores": scores}


def regression(truth, prediction):
    scores = {
        "pearson": stats.pearsonr(truth, prediction).statistic,
        "spearman": stats.spearmanr(truth, prediction).statistic,
        "mse": metrics.mean_squared_error(truth, prediction),
        "mae": metrics.mean_absolute_error(truth, prediction),
    }
    return {"kind": "regression", "truth": truth, "prediction": prediction, "scores": scores}


def finite(scores):
    return {name: float(value) if math.isfinite(value) else None for name, value in scores.items()}


def main():
    rng = np.random.default_rng(0)

    def draw(labels, n):
        return [labels[i] for i in rng.integers(0, len(labels), n)]

    def subsets(labels, n):
        return [[label for label in labels if rng.random() < 0.4] for _ in range(n)]

    abc = ["a", "b", "c"]
    cases = [
        single(draw(abc, 40), draw(abc, 40)),
        single(draw(["0", "1"], 25), draw(["0", "1"], 25)),
        single(draw(["a", "b"], 20), draw(["b", "c", "d"], 20)),
        single(["a"] * 5, ["a"] * 5),
        single(["a"] * 5, ["b"] * 5),
        single(["a", "b", "a", "b"], ["a"] * 4),
        multi(abc, subsets(abc, 30), subsets(abc, 30)),
        multi([*abc, "never"], subsets(abc, 10), subsets(abc, 10)),
        multi(abc, [[]] * 4, subsets(abc, 4)),
        multi(abc, [[]] * 3, [[]] * 3),
        regression(rng.normal(size=20).tolist(), rng.normal(size=20).tolist()),
        regression(rng.integers(0, 4, 30).tolist(), rng.integers(0, 4, 30).tolist()),
        regression([1.0, 2.0], [3.0, 1.0]),
        regression([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]),
        regression([1e200, 2e200, -1e200, 3e199], [1.0, 2.5, -1.0, 0.0]),
    ]
    for case in cases:
        case["scores"] = finite(case["scores"])
    lines = ",\n".join(json.dumps(case) for case in cases)
    path = pathlib.Path(__file__).parent / "data" / "metrics.json"
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
