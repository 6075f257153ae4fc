"""What each way against bias keeps at home and wins elsewhere: trained on rows of MNLI's matched dev set, tested on the
rest of it, on the mismatched one and on rows of HANS, where word overlap misleads. Prints a table of accuracies (mean and
deviation over the seeds). Groups are label x whether the premise has all words of the hypothesis. Each run goes to FILE as
it ends; those that are there already are not run again.
usage: compare_bias.py [METHOD...] [--file FILE] [--rows N] [--hans N] [--test N] [--epochs N] [--bias KIND] [--seeds N...]
[--set KEY=VALUE]...
--file: default build/bench/bias.jsonl. --rows: to train on (4000). --hans: of HANS, as many of each heuristic and label
(3000). --test: at most so many rows of the other sets (all). --epochs: 4. --bias: what the biased model sees (overlap).
--seeds: default 1 2. --set: a key of the suite, for every run. METHOD: default all."""
import argparse
import csv
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL

METHODS = {"plain": "none", "balanced sampling": "balanced", "reweighting": "reweighting",
           "product of experts": "product_of_experts", "learned mixin": "learned_mixin",
           "confidence regularisation": "confidence_regularization", "group DRO": "group_dro"}
SCORES = ("home", "mismatched", "hans", "hans entailment", "hans non-entailment", "worst group at home")


def read(name):
    with (DATA / "nli" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def write(file, rows):
    lines = ["\t".join(row.values()) for row in rows]
    file.write_text("\n".join(["\t".join(rows[0]), *lines]) + "\n", encoding="utf-8")


def words(text):
    return re.findall(r"\w+", text.lower())


def with_overlap(rows):
    return [row | {"overlap": "all words" if set(words(row["hypothesis"])) <= set(words(row["premise"])) else "other words"}
            for row in rows]


def hans_rows(count):
    """As many of each heuristic and label, drawn once and for all."""
    rng, parts = random.Random(0), {}
    for row in read("hans_regen.tsv"):
        parts.setdefault((row["gold_label"], row["heuristic"]), []).append(row)
    return [row for _, part in sorted(parts.items()) for row in rng.sample(part, min(len(part), count // len(parts)))]


def write_sets(folder, known):
    """The same for all seeds: what varies is the training."""
    rows = with_overlap(read("mnli_dev_matched.tsv"))
    random.Random(0).shuffle(rows)
    write(folder / "train.tsv", rows[:known.rows])
    write(folder / "home.tsv", rows[known.rows:][:known.test])
    write(folder / "mismatched.tsv", with_overlap(read("mnli_dev_mismatched.tsv"))[:known.test])
    write(folder / "hans.tsv", hans_rows(known.hans))
    shutil.copy(HERE / "nli.toml", folder / "nli.toml")


def berth(folder, out, settings):
    subprocess.run([BERTH, "run", folder / "nli.toml", "--out", out, *(a for s in settings for a in ("--set", s))], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "BERTH_MINILM": str(MODEL)})


def result_of(out):
    task = json.loads((out / "summary.json").read_text())["tasks"]["nli"]
    scores = {name: task["sets"][name]["accuracy"] for name in ("home", "mismatched", "hans")}
    hits = {"entailment": [], "non-entailment": []}
    for line in (out / "predictions/nli.hans.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        hits[row["gold_label"]].append((row["prediction"] == "entailment") == (row["gold_label"] == "entailment"))
    scores |= {f"hans {label}": statistics.mean(found) for label, found in hits.items()}
    scores["worst group at home"] = task["groups"]["home"][task["worst_group"]["home"]]["accuracy"]
    return scores | {"debias": task.get("debias")}


def run(method, seed, known, folder):
    """Confidence regularisation needs the plain run of its seed, which is kept as long as this program runs."""
    plain = folder / f"plain-{seed}"
    settings = [f"training.seed={seed}", f"training.epochs={known.epochs}", "analysis.at_end=false", *known.set]
    if method in ("plain", "confidence regularisation") and not plain.exists():
        berth(folder, plain, settings)
    if method == "plain":
        return result_of(plain)
    settings += [f"tasks.nli.debias.method={METHODS[method]}", f"tasks.nli.debias.bias={known.bias}"]
    if method == "confidence regularisation":
        settings.append(f"tasks.nli.debias.teacher='{plain}'")
    out = folder / "run"
    shutil.rmtree(out, ignore_errors=True)
    berth(folder, out, settings)
    return result_of(out)


def table(runs):
    print("\n| method | " + " | ".join(SCORES) + " | biased model |\n|" + "---|" * (len(SCORES) + 2))
    for method, found in runs.items():
        cells = []
        for score in SCORES:
            values = [100 * r[score] for r in found]
            cells.append(f"{statistics.mean(values):.1f}" + (f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""))
        bias = [r["debias"]["bias"]["accuracy"] for r in found if (r["debias"] or {}).get("bias")]
        print(f"| {method} | {' | '.join(cells)} | {f'{100 * statistics.mean(bias):.1f} unseen' if bias else ''} |")


def verdict(runs):
    def mean(method, score):
        return 100 * statistics.mean(r[score] for r in runs[method])

    others = [m for m in runs if m != "plain"]
    if "plain" not in runs or not others:
        return
    cheap = [m for m in others if mean("plain", "home") - mean(m, "home") <= 2]
    best = max(cheap or others, key=lambda m: mean(m, "hans non-entailment"))
    gain = mean(best, "hans non-entailment") - mean("plain", "hans non-entailment")
    loss = mean("plain", "home") - mean(best, "home")
    print(f"\nMost non-entailment of HANS without losing much at home: {best}, {gain:+.1f} points against plain, {-loss:+.1f} at "
          f"home. Asked for: +10 with at most 2 lost: {'reached' if gain >= 10 and loss <= 2 else 'not reached'}.")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--file", type=pathlib.Path, default=HERE.parents[1] / "build/bench/bias.jsonl")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--hans", type=int, default=3000)
    parser.add_argument("--test", type=int, default=10**6)
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--bias", default="overlap")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("methods", nargs="*", metavar="METHOD", default=[])
    known = parser.parse_args()
    known.file.parent.mkdir(parents=True, exist_ok=True)
    lines = known.file.read_text().splitlines() if known.file.exists() else []
    done = {tuple(r["what"]): r["result"] for r in map(json.loads, lines)}
    runs = {method: [] for method in known.methods or METHODS}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_sets(folder, known)
        for seed in known.seeds:
            for method in runs:
                what = (method, seed, known.rows, known.hans, known.test, known.epochs, known.bias, *known.set)
                if what not in done:
                    done[what] = run(method, seed, known, folder)
                    with known.file.open("a") as file:
                        file.write(json.dumps({"what": what, "result": done[what]}) + "\n")
                    print(*what, done[what], flush=True)
                runs[method].append(done[what])
    table(runs)
    verdict(runs)


main()
