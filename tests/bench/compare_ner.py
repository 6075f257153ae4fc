"""WNUT 2017 entity F1 of berth, linear and CRF, and of transformers' Trainer (grouped by length), the same settings, several
seeds, scored by the model after the last epoch.
usage: compare_ner.py [EPOCHS [ROWS [SEED...]]]     ROWS: of the training set, 0: all     needs: as hf_train_ner.py"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL

epochs = sys.argv[1] if len(sys.argv) > 1 else "5"
rows = int(sys.argv[2]) if len(sys.argv) > 2 else 0
seeds = sys.argv[3:] or ["1", "2", "3"]
ENVIRONMENT = {**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL), "HF_HUB_OFFLINE": "1"}
FILES = {name: DATA / "wnut17" / file for name, file in (("train", "wnut17train.conll"), ("dev", "emerging.dev.conll"),
                                                         ("test", "emerging.test.annotated"))}


def first_sentences(folder):
    """The training set, or its first sentences as a file of their own."""
    if rows == 0:
        return FILES["train"]
    kept, sentences, inside = [], 0, False
    for line in FILES["train"].read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.strip():
            sentences += inside
        inside = bool(line.strip())
        if sentences == rows:
            break
        kept.append(line)
    file = pathlib.Path(folder) / "train.conll"
    file.write_text("".join(kept), encoding="utf-8")
    return file


def run_berth(train, seed, *settings):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        chosen = [f"tasks.wnut17.train='{train}'", f"training.seed={seed}", f"training.epochs={epochs}", *settings]
        subprocess.run([BERTH, "run", HERE / "wnut17.toml", "--out", out, *(a for s in chosen for a in ("--set", s))],
                       check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        scores = {name: subprocess.run([BERTH, "evaluate", out, "--checkpoint", "last", "--task", "wnut17", "--data",
                                        FILES[name]], check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout
                  for name in ("dev", "test")}
        summary = json.loads((out / "summary.json").read_text())
    return {**{name: f1_of(text) for name, text in scores.items()}, "rate": summary["examples_per_second"]}


def f1_of(text):
    """The score named f1 in what `berth evaluate` prints."""
    return next(float(line.split()[1]) for line in text.splitlines() if line.split()[:1] == ["f1"])


def run_peer(train, seed):
    output = subprocess.run([sys.executable, HERE / "peer/hf_train_ner.py", MODEL, train, FILES["dev"], FILES["test"],
                             str(10**9), "group", seed, epochs], check=True, capture_output=True, text=True, env=ENVIRONMENT)
    result = json.loads(output.stdout.strip().splitlines()[-1])
    return {"dev": result["dev"]["f1"], "test": result["test"]["f1"], "rate": result["train_examples_per_s"]}


def main():
    runs = {"peer": run_peer,
            "berth": run_berth,
            "berth crf": lambda train, seed: run_berth(train, seed, "tasks.wnut17.options.head='crf'",
                                                       "tasks.wnut17.head_rate=1e-3")}
    results = {name: [] for name in runs}
    with tempfile.TemporaryDirectory() as folder:
        train = first_sentences(folder)
        for seed in seeds:
            for name, run in runs.items():
                results[name].append(run(train, seed))
                print(f"seed {seed}: {name} {results[name][-1]}", flush=True)
    for name, scores in results.items():
        for part in ("dev", "test"):
            values = [s[part] for s in scores]
            print(f"{name}, {part}: F1 {statistics.mean(values):.4f} (deviation "
                  f"{statistics.stdev(values) if len(values) > 1 else 0:.4f}); {statistics.mean(s['rate'] for s in scores):.1f} "
                  "examples a second")


main()
