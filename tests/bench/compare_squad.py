"""SQuAD 1.1 EM and F1 of berth and of transformers' Trainer (run_qa's recipe), the same questions and settings, several
seeds; both sides' answers are scored by the official script.
usage: compare_squad.py [QUESTIONS [EPOCHS [SEED...]]]     needs: torch transformers datasets accelerate tf-models-official
The dev set can be cut with SQUAD_DEV=N, for trying. PADDING=masked keeps padding out of the peer's softmax, as packing keeps
it out of berth's; "dynamic", as it comes, is the default. START=same: both begin with the same head, take the windows in
the file's order, and have no dropout, so that no chance is left and the scores themselves have to agree."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL, standard_error
from squad_files import first_questions, official_scores


PADDING = os.environ.get("PADDING", "dynamic")
SAME_START = os.environ.get("START") == "same"
FIXED = ["training.shuffle=false", "model.dropout=0", "model.attention_dropout=0", "checkpoints.initial=true",
         "checkpoints.keep=2"]


def run_berth(train, dev, seed, epochs, folder):
    out = pathlib.Path(folder) / f"run-{seed}"
    subprocess.run([BERTH, "run", HERE / "squad.toml", "--out", out, "--set", f"tasks.squad.train='{train}'",
                    "--set", f"tasks.squad.dev='{dev}'", "--set", f"training.seed={seed}",
                    "--set", f"training.epochs={epochs}",
                    *(argument for setting in FIXED if SAME_START for argument in ("--set", setting))],
                   check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL)})
    summary = json.loads((out / "summary.json").read_text())
    scores = official_scores(dev, json.loads((out / "predictions/squad.dev.official.json").read_text()))
    ours = summary["tasks"]["squad"]["sets"]["dev"]
    assert abs(100 * ours["f1"] - scores["f1"]) < 1e-6 and abs(100 * ours["exact"] - scores["exact"]) < 1e-6, (ours, scores)
    return {**scores, "windows_per_s": round(summary["examples_per_second"], 1)}


def run_peer(train, dev, seed, epochs, folder):
    model, fixed = MODEL, []
    if SAME_START:  # berth ran before
        model, fixed = pathlib.Path(folder) / f"start-{seed}", ["5e-5", "fixed"]
        run = pathlib.Path(folder) / f"run-{seed}"
        subprocess.run([BERTH, "export", run, "--task", "squad", "--checkpoint", run / "checkpoints/step-0", "--to", model],
                       check=True, stdout=subprocess.DEVNULL)
    output = subprocess.run([sys.executable, HERE / "peer/hf_train_qa.py", model, train, dev, PADDING, str(seed),
                             str(epochs), *fixed], check=True, capture_output=True, text=True,
                            env={**os.environ, "HF_HUB_OFFLINE": "1"}).stdout
    result = json.loads(output.strip().splitlines()[-1])
    return {"exact": result["exact"], "f1": result["f1"], "windows_per_s": result["train_windows_per_s"]}


count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
epochs = float(sys.argv[2]) if len(sys.argv) > 2 else 2
seeds = [int(s) for s in sys.argv[3:]] or [1, 2, 3]
scores = {"berth": [], "peer": []}
with tempfile.TemporaryDirectory() as folder:
    train = first_questions(DATA / "squad/train.json", folder, count)
    dev = DATA / "squad/dev.json"
    if "SQUAD_DEV" in os.environ:
        (pathlib.Path(folder) / "dev").mkdir()
        dev = first_questions(dev, pathlib.Path(folder) / "dev", int(os.environ["SQUAD_DEV"]))
    for seed in seeds:
        for side, run in (("berth", lambda: run_berth(train, dev, seed, epochs, folder)),
                          ("peer", lambda: run_peer(train, dev, seed, epochs, folder))):
            scores[side].append(run())
            print(f"seed {seed}: {side} {scores[side][-1]}", flush=True)
speeds = [a["windows_per_s"] / b["windows_per_s"] for a, b in zip(scores["berth"], scores["peer"])]
print(f"berth / peer: windows a second {statistics.median(speeds):.2f} ({min(speeds):.2f} to {max(speeds):.2f})")
for name in ("exact", "f1"):
    ours, theirs = ([s[name] for s in scores[side]] for side in ("berth", "peer"))
    line = f"{name}: berth {statistics.mean(ours):.2f}, peer {statistics.mean(theirs):.2f}"
    if len(seeds) > 1:
        line += f"; difference {statistics.mean(ours) - statistics.mean(theirs):+.2f}, its standard error {standard_error(ours, theirs):.2f}"
    print(line)
