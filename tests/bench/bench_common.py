"""Running berth and transformers' Trainer on the same SST-2 rows with the same settings."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def environment(name, meaning):
    if name not in os.environ:
        sys.exit(f"{name} is not set: {meaning}")
    return pathlib.Path(os.environ[name]).resolve()


DATA = environment("BERTH_DATA", "the folder that holds sst2/train.tsv and sst2/dev.tsv")
MODEL = environment("BERTH_MINILM", "MiniLM's model folder; apps/setup --model makes build/deps/minilm")
BERTH = pathlib.Path(os.environ.get("BERTH", HERE.parents[1] / "build/release/bin/berth")).resolve()


def standard_error(a, b):
    """Of the difference of the means of as many runs each."""
    return ((statistics.variance(a) + statistics.variance(b)) / len(a)) ** 0.5


def first_rows(folder, count):
    """The first rows of the training set, as a file of its own."""
    lines = (DATA / "sst2/train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)[:count]
    file = pathlib.Path(folder) / "train.tsv"
    file.write_text("".join(lines), encoding="utf-8")
    return file


def freeze_setting(layers):
    """The embeddings and that many layers stay as they are; 0: all learns."""
    return "optimizer.freeze=" + (f"['embeddings', 'layers.0-{layers - 1}']" if layers else "[]")


def run_berth(train, seed, epochs, settings=()):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        subprocess.run([BERTH, "run", HERE / "sst2.toml", "--out", out, "--set", f"tasks.sst2.train='{train}'",
                        "--set", f"training.seed={seed}", "--set", f"training.epochs={epochs}",
                        *(argument for setting in settings for argument in ("--set", setting))],
                       check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL)})
        summary = json.loads((out / "summary.json").read_text())
    return {"examples_per_s": summary["examples_per_second"], "setup_s": summary["seconds_to_first_step"],
            "peak_mb": summary["peak_resident_bytes"] / 2**20,
            "accuracy": summary["tasks"]["sst2"]["dev"]["accuracy"]["final"]}


def run_peer(train, order, seed, epochs, count, frozen_layers=0):
    freeze = ["embeddings"] * (frozen_layers > 0) + [f"encoder.layer.{i}." for i in range(frozen_layers)]
    output = subprocess.run(
        [sys.executable, HERE / "peer/hf_train_classification.py", MODEL, train, DATA / "sst2/dev.tsv", str(count), order,
         str(seed), str(epochs), "5e-5", ",".join(freeze)],
        check=True, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}).stdout
    result = json.loads(output.strip().splitlines()[-1])
    return {"examples_per_s": result["train_examples_per_s"], "setup_s": result["setup_s"],
            "peak_mb": result["peak_rss_mb"], "accuracy": result["accuracy"]}
