"""Debiasing's losses and gradients against torch, as the papers' authors write them, and the biased model against
scikit-learn: compare.py PROGRAM."""
import json
import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression

TOLERANCE = 1e-12
rng = np.random.default_rng(5)


def loss_case(method, rows, classes):
    case = {"method": method, "logits": (2 * rng.normal(size=(rows, classes))).tolist(),
            "bias": (rng.choice([0.1, 3, 20]) * rng.normal(size=(rows, classes))).tolist(),
            "targets": rng.integers(classes, size=rows).tolist()}
    if method == "learned_mixin":
        case |= {"hidden": rng.normal(size=(rows, 4)).tolist(), "gate_weight": rng.normal(size=(1, 4)).tolist(),
                 "gate_bias": [int(rng.integers(-2, 3))], "entropy": float(rng.choice([0, 0.03, 1]))}
    if method == "confidence_regularization":
        case["teacher"] = (3 * rng.normal(size=(rows, classes))).tolist()
    if method == "group_dro":
        groups = int(rng.integers(1, 5))
        case |= {"groups": rng.integers(groups, size=rows).tolist(), "sizes": rng.integers(1, 500, size=groups).tolist(),
                 "step_size": float(rng.choice([0.01, 0.5])), "adjustment": float(rng.choice([0, 2])),
                 "moves": int(rng.integers(1, 4))}
    return case


def group_loss(case, plain):
    """LossComputer of the authors' group_DRO, but for groups that a batch lacks: these keep their weight."""
    groups = torch.tensor(case["groups"])
    means = {g: plain[groups == g].mean() for g in range(len(case["sizes"])) if (groups == g).any()}
    weights = torch.ones(len(case["sizes"]), dtype=torch.float64) / len(case["sizes"])
    for _ in range(case["moves"]):
        for g, mean in means.items():
            adjusted = mean.detach() + case["adjustment"] / case["sizes"][g] ** 0.5
            weights[g] = weights[g] * torch.exp(case["step_size"] * adjusted)
        weights = weights / weights.sum()
    return sum(weights[g] * mean for g, mean in means.items()), weights


def expected_loss(case):
    logits = torch.tensor(case["logits"], dtype=torch.float64, requires_grad=True)
    bias = F.log_softmax(torch.tensor(case["bias"], dtype=torch.float64), dim=1)
    targets = torch.tensor(case["targets"])
    result, leaves = {}, {"gradient": logits}
    right = bias.exp().gather(1, targets[:, None])
    method = case["method"]
    if method == "product_of_experts":
        loss = F.cross_entropy(F.log_softmax(logits, 1) + bias, targets)
    elif method == "learned_mixin":
        gate = torch.nn.Linear(4, 1).double()
        gate.weight.data = torch.tensor(case["gate_weight"], dtype=torch.float64)
        gate.bias.data = torch.tensor(case["gate_bias"], dtype=torch.float64)
        scaled = bias * F.softplus(gate(torch.tensor(case["hidden"], dtype=torch.float64)))
        entropy = torch.distributions.Categorical(logits=scaled).entropy().mean()
        loss = F.cross_entropy(F.log_softmax(logits, 1) + scaled, targets) + case["entropy"] * entropy
        leaves |= {"gate_gradient": gate.weight, "gate_bias_gradient": gate.bias}
    elif method == "reweighting":
        weights = (1 - right).squeeze(1)
        loss = (weights * F.cross_entropy(logits, targets, reduction="none")).sum() / weights.sum()
    elif method == "confidence_regularization":
        teacher = F.softmax(torch.tensor(case["teacher"], dtype=torch.float64), 1) ** (1 - right)
        loss = F.cross_entropy(logits, teacher / teacher.sum(1, keepdim=True))
    else:
        loss, result["weights"] = group_loss(case, F.cross_entropy(logits, targets, reduction="none"))
    loss.backward()
    return result | {"loss": loss.detach(), **{name: leaf.grad for name, leaf in leaves.items()}}


def regression_case(sparse):
    rows, columns, classes = 60, int(rng.choice([3, 30, 100])), int(rng.integers(2, 5))
    design = (rng.random((rows, columns)) < 0.1).astype(float) if sparse else rng.normal(size=(rows, columns))
    targets = np.concatenate([np.arange(classes), rng.integers(classes, size=rows - classes)])
    return {"method": "regression", "design": design.tolist(), "targets": targets.tolist(), "classes": classes,
            "sparse": sparse}


def expected_regression(case):
    """Two classes: scikit-learn has one vector of weights w for them, softmax two of half its length, +w / 2 and -w / 2;
    the penalty is then half, as with C = 2."""
    model = LogisticRegression(C=2 if case["classes"] == 2 else 1, tol=1e-10, max_iter=100000)
    model.fit(case["design"], case["targets"])
    return {"log_probabilities": model.predict_log_proba(case["design"])}


def main():
    methods = ["product_of_experts", "learned_mixin", "reweighting", "confidence_regularization", "group_dro"]
    cases = [loss_case(method, int(rng.integers(5, 40)), int(rng.integers(2, 6))) for method in methods * 40]
    cases += [regression_case(sparse) for sparse in (False, True) * 6]
    output = subprocess.run([sys.argv[1]], input="".join(json.dumps(c) + "\n" for c in cases), capture_output=True, text=True,
                            check=True).stdout.splitlines()
    assert len(output) == len(cases)
    worst = {}
    for case, line in zip(cases, output):
        is_regression = case["method"] == "regression"
        found = json.loads(line)
        expected = expected_regression(case) if is_regression else expected_loss(case)
        assert found.keys() == expected.keys(), (found.keys(), expected.keys())
        for name, value in expected.items():
            gap = np.abs(np.ravel(value) - np.ravel(found[name])).max()
            worst[case["method"]] = max(worst.get(case["method"], 0), gap)
            # Both stop where the gradient is small, not where it is 0.
            if not gap <= (1e-4 if is_regression else TOLERANCE * max(1, np.abs(np.ravel(value)).max())):
                sys.exit(f"{case['method']}, {name}: {gap} from the reference\n{json.dumps(case)[:2000]}")
    for method, gap in worst.items():
        print(f"{method}: {gap:.1e} at most from the reference")


main()
