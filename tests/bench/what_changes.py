"""What fine-tuning changes inside MiniLM, and where, on three tasks: SST-2, WNUT 2017 and SQuAD, each with a set from
another source beside its dev set. Trains each, and prints of each layer: how far its weights went, how alike its states
are to those before on dev and on the other set (CKA, RSA), what the score loses with it put back, and what a linear
probe reads from it before and after. For Merchant et al. 2020, "What Happens To BERT Embeddings During Fine-tuning?".
usage: what_changes.py [--rows N] [--examples N] [--keep FOLDER] [--set KEY=VALUE]... [TASK...]
--rows: of SST-2 (2000), half as many questions of SQuAD; WNUT 2017 is whole. --examples: of each set that are looked at
(400). --keep: where the runs go; those that are there already are not run again.
--set: a key of the suites."""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL, first_rows
from squad_files import first_questions


def settings_of(task, rows, folder):
    if task == "sst2":
        return [f"tasks.sst2.train='{first_rows(folder, rows)}'", f"tasks.sst2.sets.reviews.path='{DATA}/imdb_cad/new/test.tsv'",
                'tasks.sst2.sets.reviews.data.columns=["label", "text"]', 'tasks.sst2.sets.reviews.data.header="yes"',
                'tasks.sst2.sets.reviews.data.label_map={Negative="0", Positive="1"}']
    if task == "wnut17":  # the suite has its test set, which is from other sources than train and dev
        return []
    sets = {part: first_questions(DATA / f"squad/{part}.json", folder, count).rename(folder / f"squad.{part}.json")
            for part, count in (("train", rows // 2), ("dev", 400))}
    return [f"tasks.squad.{part}='{file}'" for part, file in sets.items()]


def run(task, arguments, out):
    environment = {**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL)}
    if not (out / "summary.json").exists():
        with tempfile.TemporaryDirectory() as name:
            settings = [*settings_of(task, arguments.rows, pathlib.Path(name)), "analysis.at_end=false", *arguments.set]
            subprocess.run([BERTH, "run", HERE / f"{task}.toml", "--out", out,
                            *(a for s in settings for a in ("--set", s))], check=True, stdout=subprocess.DEVNULL,
                           env=environment)
            subprocess.run([BERTH, "analyze", out, "--examples", str(arguments.examples)], check=True,
                           stdout=subprocess.DEVNULL, env=environment)
    return json.loads((out / "analysis.json").read_text())


def show(value, sign=""):
    return "" if value is None else f"{value:{sign}.3f}"


def table(task, analysis):
    found = analysis["tasks"][task]
    changes = next(s["changes"] for s in analysis["weights"] if s["step"] == found["checkpoint_step"])
    whole = {c["group"]: c for c in changes if c["kind"] == "all"}
    ranks = {g: [c["update_rank"]["effective"] for c in changes if c["group"] == g and "update_rank" in c] for g in whole}
    sets = found["sets"]
    print(f"\n| {task} ({found['score']} {found['trained']:.3f}) | distance | rank | "
          + " | ".join(f"{s}: CKA | RSA" for s in sets) + " | put back | probe before | after |")
    print("|" + "---|" * (6 + 2 * len(sets)))
    for stage, group in enumerate(whole):
        states = [show(values[key][stage] if stage < len(values[key]) else None)
                  for values in sets.values() for key in ("cka", "rsa")]
        put_back = found["with_pretrained"].get(group)
        probes = [found.get("probes", {}).get(side, [])[stage:stage + 1] for side in ("pretrained", "trained")]
        rank = f"{sum(ranks[group]) / len(ranks[group]):.0f}" if ranks[group] else ""
        print(f"| {group} | {100 * whole[group]['relative_distance']:.2f}% | {rank} | " + " | ".join(states)
              + f" | {show(None if put_back is None else put_back - found['trained'], '+')} | "
              + " | ".join(show(p[0] if p else None) for p in probes) + " |")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--keep", type=pathlib.Path, default=HERE.parents[1] / "build/bench/what_changes")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("tasks", nargs="*", default=[])
    arguments = parser.parse_args()
    for task in arguments.tasks or ["sst2", "wnut17", "squad"]:
        table(task, run(task, arguments, arguments.keep / task))


main()
