"""Compares the kit's meters with scikit-learn and scipy on random and hostile cases: compare.py PROGRAM [CASES]."""

import importlib.util
import json
import math
import pathlib
import subprocess
import sys

import numpy as np

TOLERANCE = 1e-12


def reference():
    path = pathlib.Path(__file__).parents[2] / "sdk" / "make_metrics.py"
    spec = importlib.util.spec_from_file_location("make_metrics", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NAMES = ["0", "1", "10", "a", "A", "ä", "中", "label with spaces", 'quote"', "back\\slash", "tab\t", "😀", ""]


def random_single(rng, make):
    n = int(rng.choice([1, 2, 3, 10, 200]))
    true_labels = rng.choice(NAMES, size=rng.integers(1, len(NAMES)), replace=False)
    predicted_labels = true_labels if rng.random() < 0.7 else rng.choice(NAMES, size=3, replace=False)
    truth = rng.choice(true_labels, size=n)
    prediction = rng.choice(predicted_labels, size=n)
    keep = rng.random(n) < rng.random()
    return make.single(truth.tolist(), np.where(keep, truth, prediction).tolist())


def random_multi(rng, make):
    n = int(rng.choice([1, 2, 10, 100]))
    # One label alone makes an indicator that scikit-learn takes for binary labels, so at least two.
    labels = NAMES[: int(rng.integers(2, len(NAMES)))]
    shares = rng.random(2) ** 2

    def rows(share):
        return [[label for label in labels if rng.random() < share] for _ in range(n)]

    return make.multi(labels, rows(shares[0]), rows(shares[1]))


def random_regression(rng, make):
    n = int(rng.choice([2, 3, 10, 300]))
    kind = rng.integers(0, 7)
    x = rng.normal(size=n)
    y = rng.normal(size=n) + rng.normal() * x
    if kind == 1:  # many ties
        x, y = np.round(x), np.round(y)
    elif kind == 2:  # constants
        y = np.full(n, 0.1)
    elif kind == 3:  # very large
        x, y = x * 1e250, y * 1e-250
    elif kind == 4:  # far from zero
        x = x + 1e6
    elif kind == 5:  # the same
        y = x.copy()
    elif kind == 6:  # the opposite, with an outlier
        y = -x
        y[0] = 1e9
    return make.regression(x.tolist(), y.tolist())


def differs(name, ours, theirs, case):
    if theirs is None or not math.isfinite(theirs):
        return ours is not None
    if ours is None:
        return True
    tolerance = TOLERANCE * max(1.0, abs(theirs))
    if name == "pearson":
        # What both lose when they subtract the mean from numbers that are far from zero.
        for column in (np.array(case["truth"], dtype=float), np.array(case["prediction"], dtype=float)):
            spread = np.abs(column - column.mean()).max()
            tolerance += 1e-15 * len(column) * abs(column.mean()) / spread
    return abs(ours - theirs) > tolerance


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1500
    make = reference()
    rng = np.random.default_rng(20)
    makers = [random_single, random_multi, random_regression]
    cases = [makers[i % 3](rng, make) for i in range(count)]
    for i, case in enumerate(cases):
        case["parts"] = 1 + i % 4
    lines = "".join(json.dumps({k: v for k, v in case.items() if k != "scores"}) + "\n" for case in cases)
    output = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout
    answers = [json.loads(line) for line in output.splitlines()]
    if len(answers) != len(cases):
        sys.exit(f"{len(cases)} cases, but {len(answers)} answers")

    values = 0
    largest = 0.0
    faults = []
    for i, (case, ours) in enumerate(zip(cases, answers)):
        theirs = make.finite(case["scores"])
        if ours.keys() != theirs.keys():
            sys.exit(f"case {i}: the scores are {list(ours)}; expected {list(theirs)}")
        for name, value in theirs.items():
            values += 1
            if differs(name, ours[name], value, case):
                faults.append(f"case {i} ({case['kind']}), {name}: {ours[name]}; expected {value}")
            elif value is not None:
                largest = max(largest, abs(ours[name] - value) / max(1.0, abs(value)))
    print(f"{len(cases)} cases, {values} scores, {len(faults)} differ; the largest accepted difference is {largest:.2g}")
    if faults:
        sys.exit("\n".join(faults[:20]))


if __name__ == "__main__":
    main()
