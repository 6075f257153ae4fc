"""All four tasks in one suite on real data against each of them alone, the same rows, epochs and settings: mixed.toml, and
`berth compare` at the end. Other settings of the mix can be given, to see what helps.
usage: compare_mixed.py [--rows N] [--keep FOLDER] [TASK...] [-- --set key=value...]
--rows: of sst2, squad and snips each (3000; squad takes half of it), wnut17 is whole. TASK: which ones are run alone; all
by default. What follows -- is for the mix."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL
from squad_files import first_questions

TASKS = ["sst2", "wnut17", "squad", "snips"]


def cut(folder, rows):
    for source, name in (("sst2/train.tsv", "sst2.train.tsv"), ("snips/train.jsonl", "snips.train.jsonl")):
        lines = (DATA / source).read_text(encoding="utf-8").splitlines(keepends=True)[:rows]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    for part, count in (("train", rows // 2), ("dev", 800)):
        first_questions(DATA / f"squad/{part}.json", folder, count).rename(folder / f"squad.{part}.json")


def alone(task):
    """The suite with the tables of one task."""
    tables = re.split(r"(?m)^(?=\[)", (HERE / "mixed.toml").read_text(encoding="utf-8"))
    kept = [t for t in tables if not re.match(r"\[(tasks\.(?!%s\b)|mixing)" % task, t)]
    return "".join(kept)


def train(folder, suite, name, *settings):
    out = folder / "runs" / name
    subprocess.run([BERTH, "run", suite, "--out", out, *settings], check=True, stdout=subprocess.DEVNULL, cwd=folder,
                   env={**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL), "BERTH_MIXED": str(folder)})
    summary = json.loads((out / "summary.json").read_text())
    scores = {t: round(entry["sets"]["dev"][entry["primary"]], 4) for t, entry in summary["tasks"].items()}
    print(f"{name}: {scores}, {summary['training_seconds']:.0f} s of training", flush=True)


def main():
    arguments, settings = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, settings = arguments[:at], arguments[at + 1:]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("tasks", nargs="*", default=TASKS)
    known = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (known.keep or pathlib.Path(temporary)).resolve()
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        cut(folder, known.rows)
        train(folder, HERE / "mixed.toml", "mix", *settings)
        for task in known.tasks:
            (folder / f"{task}.toml").write_text(alone(task), encoding="utf-8")
            train(folder, folder / f"{task}.toml", task)
        subprocess.run([BERTH, "compare", "mix", *known.tasks], check=True, cwd=folder / "runs")


main()
