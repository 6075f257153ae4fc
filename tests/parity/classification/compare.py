"""Compares calibration scores with scikit-learn and numpy, and the temperature with scipy: compare.py PROGRAM [CASES]."""

import json
import subprocess
import sys

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.metrics import brier_score_loss, log_loss

BINS = 15


def make_case(rng, i):
    multi = i % 2 == 1
    texts = int(rng.choice([1, 3, 40, 300]))
    labels = int(rng.choice([2, 3, 12]))
    scale = float(rng.choice([0.1, 1, 5, 40]))
    logits = rng.normal(size=(texts, labels)) * scale
    warmth = float(rng.choice([0.3, 1, 4]))
    if multi:
        truth = [np.flatnonzero(rng.random(labels) < expit(row / scale * warmth)).tolist() for row in logits]
    else:
        noisy = logits / scale * warmth + rng.gumbel(size=logits.shape)
        truth = [[int(label)] for label in noisy.argmax(axis=1)]
    return {"kind": "multi" if multi else "single", "parts": 1 + i % 3, "temperature": float(rng.choice([1, 0.5, 3])),
            "logits": logits.tolist(), "truth": truth}


def log_likelihoods(logits, yes, multi):
    """Of each decision: a text's label, or the yes or no of each label."""
    if multi:
        return -np.logaddexp(0, np.where(yes, -logits, logits)).ravel()
    return log_softmax(logits, axis=1)[yes]


def reference(case):
    multi = case["kind"] == "multi"
    logits = np.array(case["logits"])
    yes = np.zeros(logits.shape, dtype=bool)
    for row, labels in zip(yes, case["truth"]):
        row[labels] = True
    scaled = logits / case["temperature"]
    if multi:
        p = expit(scaled).ravel()
        came_true = yes.ravel()
        confidence = p
        brier = brier_score_loss(came_true, p, labels=[False, True]) if len(set(came_true)) > 1 else None
    else:
        p = np.exp(log_softmax(scaled, axis=1))
        confidence = p.max(axis=1)
        came_true = p.argmax(axis=1) == yes.argmax(axis=1)
        labels = list(range(p.shape[1]))
        brier = brier_score_loss(yes.argmax(axis=1), p, labels=labels, scale_by_half=False) if len(labels) > 2 else None
        if p.min() > 1e-12 and len(labels) > 2:  # scikit-learn clips smaller ones
            assert np.isclose(log_loss(yes.argmax(axis=1), p, labels=labels), -log_likelihoods(scaled, yes, multi).mean())
    if brier is None:
        brier = ((p - yes.reshape(p.shape)) ** 2).sum(axis=-1).mean() if not multi else ((p - came_true) ** 2).mean()
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence, side="left")
    rows = [(int((bins == b).sum()), confidence[bins == b], came_true[bins == b]) for b in range(BINS)]
    ece = sum(n * abs(c.mean() - t.mean()) for n, c, t in rows if n) / len(confidence)
    return {"ece": ece, "brier": brier, "nll": -log_likelihoods(scaled, yes, multi).mean()}, rows, logits, yes, multi


def check(case, ours):
    scores, rows, logits, yes, multi = reference(case)
    for name, value in scores.items():
        if not np.isclose(ours["scores"][name], value, rtol=1e-10, atol=1e-12):
            yield f"{name}: {ours['scores'][name]}; expected {value}"
    for row, (count, confidence, came_true) in zip(ours["table"]["bins"], rows, strict=True):
        same = row["count"] == count
        if same and count:
            same = np.isclose(row["confidence"], confidence.mean()) and np.isclose(row["accuracy"], came_true.mean())
        if not same:
            yield f"bin {row}; expected {count} texts"

    def loss(log_temperature):
        return -log_likelihoods(logits / np.exp(log_temperature), yes, multi).sum()

    bounds = (np.log(0.01), np.log(100))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    best = min(found.fun, loss(bounds[0]), loss(bounds[1]))
    if not loss(np.log(ours["best"])) <= best + 1e-9 * max(1, abs(best)):
        yield f"temperature {ours['best']} costs {loss(np.log(ours['best']))}; scipy's {np.exp(found.x)} costs {best}"
    inside = bounds[0] + 0.01 < found.x < bounds[1] - 0.01
    # Where the loss is flat to rounding, scipy's place is as good as any other.
    is_sharp = loss(found.x + 1e-3) - found.fun > 1e-8 * max(1, abs(found.fun))
    if inside and is_sharp and not np.isclose(np.log(ours["best"]), found.x, atol=1e-3):
        yield f"temperature {ours['best']}; expected {np.exp(found.x)}"


def main():
    rng = np.random.default_rng(17)
    cases = [make_case(rng, i) for i in range(int(sys.argv[2]) if len(sys.argv) > 2 else 200)]
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    run = subprocess.run([sys.argv[1]], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    faults = []
    for i, (case, ours) in enumerate(zip(cases, answers, strict=True)):
        faults += [f"case {i} ({case['kind']}), {fault}" for fault in check(case, ours)]
    print(f"{len(cases)} cases, {len(faults)} differ")
    if faults:
        sys.exit("\n".join(faults[:20]))


if __name__ == "__main__":
    main()
