"""What each way of fine-tuning costs and saves: SST-2, WNUT 2017 and SQuAD by [finetuning] method, as a table of scores on
dev (mean and deviation over the seeds), time of training and peak memory. Each run goes to FILE as it ends; those that
are there already are not run again.
usage: compare_methods.py [TASK...] [--methods NAME...] [--file FILE] [--rows N] [--seeds N...] [--set KEY=VALUE]...
--file: default build/bench/methods.jsonl. --rows: of SST-2 (2000); SQuAD takes half of it and the first seed alone, WNUT
2017 is whole. TASK: sst2, wnut17, squad; default all. --set: a key of the suites, for every run."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL, first_rows
from squad_files import first_questions

# The rate is the suite's times this, the head's times that: where little learns it has to go further.
METHODS = {"full": (1, 1), "study": (4, 20), "heads": (20, 20), "top": (2, 2), "biases": (20, 20), "lora": (20, 20)}
SCORES = {"sst2": "accuracy", "wnut17": "f1", "squad": "f1"}
RATES = {"sst2": 5e-5, "wnut17": 1e-4, "squad": 5e-5}
EPOCHS = {"sst2": 3, "wnut17": 3, "squad": 4}


def settings_of(task, rows, folder):
    if task == "sst2":
        return [f"tasks.sst2.train='{first_rows(folder, rows)}'"]
    if task == "squad":
        sets = {}
        for part, count in (("train", rows // 2), ("dev", 800)):
            sets[part] = first_questions(DATA / f"squad/{part}.json", folder, count).rename(folder / f"squad.{part}.json")
        return [f"tasks.squad.{part}='{file}'" for part, file in sets.items()]
    return []


def run(task, method, seed, settings, folder):
    out = folder / "run"
    settings = [*settings, f"finetuning.method={method}", f"optimizer.rate={RATES[task] * METHODS[method][0]}",
                f"optimizer.head_rate={RATES[task] * METHODS[method][1]}",
                f"training.seed={seed}", f"training.epochs={EPOCHS[task]}", "evaluation.every=1000000", "analysis.at_end=false"]
    subprocess.run([BERTH, "run", HERE / f"{task}.toml", "--out", out, *(a for s in settings for a in ("--set", s))],
                   check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL)})
    summary = json.loads((out / "summary.json").read_text())
    return {"score": summary["tasks"][task]["dev"][SCORES[task]]["final"], "seconds": summary["training_seconds"],
            "peak_mb": summary["peak_resident_bytes"] / 2**20, "trained": summary["trained_parameters"]}


def table(task, runs):
    print(f"\n| {task} | {SCORES[task]} | training | peak memory | numbers that learn |\n|---|---|---|---|---|")
    full = statistics.mean(r["seconds"] for r in runs["full"]) if "full" in runs else None
    for method, found in runs.items():
        scores = [r["score"] for r in found]
        deviation = f" ± {statistics.stdev(scores):.4f}" if len(scores) > 1 else ""
        seconds = statistics.mean(r["seconds"] for r in found)
        print(f"| {method} | {statistics.mean(scores):.4f}{deviation} | {seconds:.0f} s{f', {seconds / full:.2f} of full' if full else ''} "
              f"| {statistics.mean(r['peak_mb'] for r in found):.0f} MB | {found[0]['trained']:,} |")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--file", type=pathlib.Path, default=HERE.parents[1] / "build/bench/methods.jsonl")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("tasks", nargs="*", default=[])
    known = parser.parse_args()
    known.file.parent.mkdir(parents=True, exist_ok=True)
    lines = known.file.read_text().splitlines() if known.file.exists() else []
    done = {tuple(r["what"]): r["result"] for r in map(json.loads, lines)}
    for task in known.tasks or SCORES:
        runs = {method: [] for method in known.methods}
        for seed in known.seeds[:1] if task == "squad" else known.seeds:
            for method in known.methods:  # in turn: a machine whose speed drifts is fair to all
                what = (task, known.rows, method, seed, *known.set)
                if what not in done:
                    with tempfile.TemporaryDirectory() as name:
                        folder = pathlib.Path(name)
                        done[what] = run(task, method, seed, settings_of(task, known.rows, folder) + known.set, folder)
                    with known.file.open("a") as file:
                        file.write(json.dumps({"what": what, "result": done[what]}) + "\n")
                    print(*what, done[what], flush=True)
                runs[method].append(done[what])
        table(task, runs)


main()
