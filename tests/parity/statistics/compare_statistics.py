"""Compares core/statistics with scipy on random cases: compare_statistics.py PROGRAM."""

import json
import subprocess
import sys
import warnings

import numpy as np
from scipy import stats

TOLERANCE = 1e-6
RESAMPLES = 4000


def sample_case(rng):
    values = rng.normal(rng.normal(), 10.0 ** rng.integers(-3, 3), size=rng.integers(2, 30))
    level = float(rng.choice([0.5, 0.9, 0.95, 0.99]))
    low, high = stats.t.interval(level, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
    return {"kind": "sample", "values": values.tolist(), "level": level}, {
        "mean": values.mean(), "deviation": values.std(ddof=1), "low": low, "high": high,
        "quantile": np.quantile(values, level)}


def groups_case(rng):
    groups = [rng.normal(rng.normal() * 0.5, rng.random() + 0.1, size=rng.integers(2, 12))
              for _ in range(rng.integers(2, 7))]
    if rng.random() < 0.3:  # many ties, as scores on small sets have
        groups = [np.round(group, 1) for group in groups]
    spread = stats.levene(*groups)
    effect = stats.f_oneway(*groups)
    everything = np.concatenate(groups)
    between = sum(len(group) * (group.mean() - everything.mean()) ** 2 for group in groups)
    return {"kind": "groups", "groups": [group.tolist() for group in groups]}, {
        "levene": spread.statistic, "levene_p": spread.pvalue, "f": effect.statistic, "f_p": effect.pvalue,
        "eta_squared": between / ((everything - everything.mean()) ** 2).sum()}


def paired_case(rng):
    """Right and wrong answers of two systems, or scores that are no such thing."""
    n = int(rng.integers(60, 300))
    if rng.random() < 0.5:
        first = (rng.random(n) < 0.8).astype(float)
        second = np.where(rng.random(n) < 0.85, first, (rng.random(n) < 0.7).astype(float))
    else:
        first = rng.normal(size=n)
        second = first * 0.5 + rng.normal(0.08, 0.6, size=n)
    options = {"n_resamples": RESAMPLES, "vectorized": True, "rng": rng}
    alone = stats.bootstrap((first,), np.mean, method="percentile", **options).confidence_interval
    both = stats.bootstrap((first, second), lambda a, b, axis=-1: a.mean(axis) - b.mean(axis), paired=True,
                           method="percentile", **options)
    found = first.mean() - second.mean()
    exchanged = stats.permutation_test((first, second), lambda a, b, axis=-1: a.mean(axis) - b.mean(axis),
                                       permutation_type="samples", **options)
    far = np.abs(both.bootstrap_distribution - found) >= abs(found) - 1e-12
    # Where the sample is its own population, the ends of an interval scatter by about this much (the density of a
    # normal distribution at its 97.5% point is 0.058), and a share by its binomial deviation; and scipy's do, too.
    end = 6 * np.sqrt(2 * 0.025 * 0.975 / RESAMPLES) / 0.058
    return {"kind": "paired", "first": first.tolist(), "second": second.tolist(), "resamples": RESAMPLES}, {
        "low": (alone.low, end * first.std() / np.sqrt(n) + 1 / n),
        "high": (alone.high, end * first.std() / np.sqrt(n) + 1 / n),
        "difference": found,
        "difference_low": (both.confidence_interval.low, end * (first - second).std() / np.sqrt(n) + 1 / n),
        "difference_high": (both.confidence_interval.high, end * (first - second).std() / np.sqrt(n) + 1 / n),
        "bootstrap_p": (far.mean(), share_tolerance(far.mean())),
        "randomisation_p": (exchanged.pvalue, share_tolerance(exchanged.pvalue))}


def share_tolerance(share):
    return 6 * np.sqrt(2 * max(share * (1 - share), 1e-3) / RESAMPLES)


def main():
    rng = np.random.default_rng(7)
    cases = [make(rng) for make, count in ((sample_case, 200), (groups_case, 200), (paired_case, 20))
             for _ in range(count)]
    lines = "".join(json.dumps(case) + "\n" for case, _ in cases)
    output = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout
    answers = [json.loads(line) for line in output.splitlines()]
    if len(answers) != len(cases):
        sys.exit(f"{len(cases)} cases, but {len(answers)} answers")
    faults = []
    values = 0
    for i, ((case, expected), ours) in enumerate(zip(cases, answers)):
        if ours.keys() != expected.keys():
            sys.exit(f"case {i}: the numbers are {list(ours)}; expected {list(expected)}")
        for name, value in expected.items():
            value, tolerance = value if isinstance(value, tuple) else (value, TOLERANCE * max(1.0, abs(value)))
            values += 1
            if ours[name] is None or not abs(ours[name] - value) <= tolerance:
                faults.append(f"case {i} ({case['kind']}), {name}: {ours[name]}; expected {value} +- {tolerance:.2g}")
    print(f"{len(cases)} cases, {values} numbers, {len(faults)} differ")
    if faults:
        sys.exit("\n".join(faults[:20]))


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
