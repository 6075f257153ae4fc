"""Exact match of the seq2seq plugin on SNIPS or COGS: with its pointer-generator, as a pure pointer, as a generator, and
transformers' EncoderDecoderModel with the generator's rates; 95% bootstrap intervals over the examples.
usage: compare_seq2seq.py {snips|cogs} [ROWS [EPOCHS [KIND...]]]     needs: torch transformers datasets accelerate
ROWS: of the training set (0: all of snips, 6,000 of cogs). KIND: pointer-generator, pointer, generator, peer; all by
default. SEEDS in the environment: "1 2 3" for three runs each, whose means are taken."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL

TASKS = {"snips": {"files": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"}, "rows": 0, "epochs": 10,
                   "longest": 40},
         "cogs": {"files": {"train": "train.tsv", "dev": "dev.tsv", "gen": "gen_samples.tsv"}, "rows": 6000, "epochs": 3,
                  "longest": 200}}
KINDS = ["pointer-generator", "pointer", "generator", "peer"]
RATE, HEAD_RATE = 1e-4, 5e-4


def first_rows(folder, name, rows):
    file = DATA / name / TASKS[name]["files"]["train"]
    if rows == 0:
        return file
    cut = pathlib.Path(folder) / file.name
    cut.write_text("".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[:rows]), encoding="utf-8")
    return cut


def run_berth(name, kind, train, epochs, seed, folder):
    out = pathlib.Path(folder) / f"{kind}-{seed}"
    sets = [s for s in TASKS[name]["files"] if s != "train"]
    vocabulary = "targets" if kind == "generator" else "symbols"
    subprocess.run([BERTH, "run", HERE / f"{name}.toml", "--out", out, "--set", f"tasks.{name}.train='{train}'",
                    "--set", f"tasks.{name}.options.vocabulary='{vocabulary}'",
                    "--set", f"training.seed={seed}", "--set", f"training.epochs={epochs}", "--set", f"optimizer.rate={RATE}",
                    "--set", f"tasks.{name}.head_rate={HEAD_RATE}", "--set", f"tasks.{name}.options.kind='{kind}'"],
                   check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL), "BERTH_COGS_TRAIN": str(train)})
    summary = json.loads((out / "summary.json").read_text())
    right = {}
    for s in sets:
        answers = map(json.loads, (out / f"predictions/{name}.{s}.jsonl").read_text(encoding="utf-8").splitlines())
        right[s] = [a["prediction"] == " ".join(a["target"].split()) for a in answers]
    return right, summary["examples_per_second"]


def run_peer(name, train, epochs, seed):
    task = TASKS[name]
    sets = [f"{s}={DATA / name / file}" for s, file in task["files"].items() if s != "train"]
    output = subprocess.run(
        [sys.executable, HERE / "peer/hf_train_seq2seq.py", MODEL, train, str(seed), str(epochs), str(RATE), str(HEAD_RATE),
         str(task["longest"]), *sets], check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    result = json.loads(output.stdout.strip().splitlines()[-1])
    return result["right"], result["train_examples_per_s"]


def interval(runs, draws=2000):
    """Mean over runs and examples, and where 95% of the means of resampled examples lie; an example's runs stay together."""
    rng = random.Random(1)
    shares = [sum(run[i] for run in runs) / len(runs) for i in range(len(runs[0]))]
    means = sorted(sum(rng.choices(shares, k=len(shares))) / len(shares) for _ in range(draws))
    return f"{sum(shares) / len(shares):7.1%} [{means[int(0.025 * draws)]:.1%}, {means[int(0.975 * draws)]:.1%}]"


def main():
    name = sys.argv[1]
    task = TASKS[name]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    epochs = float(sys.argv[3]) if len(sys.argv) > 3 else task["epochs"]
    kinds = sys.argv[4:] or KINDS
    sets = [s for s in task["files"] if s != "train"]
    print(f"{'':>18}" + "".join(f"{s:>26}" for s in sets) + f"{'examples/s':>12}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        train = first_rows(folder, name, rows or task["rows"])
        for kind in kinds:
            pooled, speeds = {s: [] for s in sets}, []
            for seed in os.environ.get("SEEDS", "1").split():
                right, speed = (run_peer(name, train, epochs, seed) if kind == "peer"
                                else run_berth(name, kind, train, epochs, seed, folder))
                speeds.append(speed)
                for s in sets:
                    pooled[s].append(right[s])
            print(f"{kind:>18}" + "".join(f"{interval(pooled[s]):>26}" for s in sets)
                  + f"{sum(speeds) / len(speeds):12.1f}", flush=True)


main()
