"""Compares the diagnosis of data with scipy, scikit-learn and cleanlab on random cases: compare.py PROGRAM."""

import json
import subprocess
import sys

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from scipy.special import kolmogorov
from scipy.stats import chi2_contingency, ks_2samp
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression


def lengths(rng):
    def draw(mean):
        return (2 + rng.poisson(mean, size=int(rng.choice([1, 5, 80, 2000])))).tolist()

    first, second = draw(12), draw(float(rng.choice([12, 12.5, 20])))

    def check(ours):
        statistic = ks_2samp(first, second).statistic
        n, m = len(first), len(second)
        return np.allclose([ours["statistic"], ours["p"]], [statistic, kolmogorov(statistic * np.sqrt(n * m / (n + m)))],
                           rtol=1e-9, atol=1e-15)

    return {"lengths": [first, second]}, check


def labels(rng):
    names = [f"label {i}" for i in range(rng.integers(2, 12))]
    both = []
    for size in rng.choice([1, 6, 100, 3000], size=2):
        both.append(rng.choice(names, p=rng.dirichlet(np.full(len(names), 5.0)), size=int(size)).tolist())
    seen = sorted(set(both[0]) | set(both[1]))
    table = np.array([[part.count(name) for name in seen] for part in both])

    def check(ours):
        chi_square, p = (0, 1) if len(seen) == 1 else chi2_contingency(table, correction=False)[:2]
        shares = table / table.sum(axis=1, keepdims=True)
        expected = [chi_square, p, np.abs(shares[0] - shares[1]).sum() / 2]
        return np.allclose([ours["chi_square"], ours["p"], ours["total_variation"]], expected, rtol=1e-9, atol=1e-12)

    return {"labels": both}, check


def count_matrix(texts, vocabulary):
    return np.array([np.bincount(text, minlength=vocabulary) for text in texts])


def floor(rng):
    vocabulary, count = 60, int(rng.choice([2, 3, 7]))
    topics = rng.dirichlet(np.full(vocabulary, 0.2), size=count)
    classes = np.concatenate([np.arange(count), rng.integers(0, count, size=150)])
    texts, others = ([rng.choice(vocabulary, p=topics[c], size=rng.integers(1, 15)).tolist() for c in part]
                     for part in (classes, rng.integers(0, count, size=40)))
    seen = np.unique(np.concatenate(texts))

    def check(ours):
        weigh = TfidfTransformer(sublinear_tf=True)
        rows = weigh.fit_transform(count_matrix(texts, vocabulary)[:, seen])
        model = LogisticRegression(tol=1e-9, max_iter=5000).fit(rows, classes)
        expected = model.predict_proba(weigh.transform(count_matrix(others, vocabulary)[:, seen]))
        return np.allclose(ours["probabilities"], expected, atol=1e-5)

    return {"texts": texts, "classes": classes.tolist(), "count": count, "others": others}, check


def issues(rng):
    count, size = int(rng.choice([2, 3, 8])), int(rng.choice([20, 300]))
    given = np.concatenate([np.arange(count), rng.integers(0, count, size=size)])
    sharp = rng.normal(size=(len(given), count))
    true = np.where(rng.random(len(given)) < 0.85, given, rng.integers(0, count, size=len(given)))
    sharp[np.arange(len(given)), true] += rng.choice([1, 3])
    p = np.exp(sharp) / np.exp(sharp).sum(axis=1, keepdims=True)

    def check(ours):
        expected = find_label_issues(given, p, filter_by="confident_learning", min_examples_per_class=0, n_jobs=1,
                                     return_indices_ranked_by="normalized_margin")
        found = [row[0] for row in ours["issues"]]
        margins = 2 * get_label_quality_scores(given, p, method="normalized_margin", adjust_pred_probs=False) - 1
        return (found == list(expected) and [row[1] for row in ours["issues"]] == p[found].argmax(axis=1).tolist()
                and np.allclose([row[2] for row in ours["issues"]], margins[found]))

    return {"probabilities": p.tolist(), "given": given.tolist()}, check


def main():
    rng = np.random.default_rng(11)
    makers = [lengths] * 60 + [labels] * 60 + [floor] * 12 + [issues] * 60
    cases = [(maker.__name__, *maker(rng)) for maker in makers]
    lines = "".join(json.dumps(case) + "\n" for _, case, _ in cases)
    run = subprocess.run([sys.argv[1]], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    faults = [f"case {i}, {name}: {str(ours)[:300]}" for i, ((name, _, check), ours)
              in enumerate(zip(cases, answers, strict=True)) if not check(ours)]
    found = sum(len(ours.get("issues", [])) for ours in answers)
    print(f"{len(cases)} cases, {found} label issues, {len(faults)} differ")
    if faults or not found:
        sys.exit("\n".join(faults[:20]) or "no label issues")


if __name__ == "__main__":
    main()
