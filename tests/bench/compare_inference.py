"""Evaluation of SST-2's dev set in float32: berth's against the Trainer's own, transformers sorted by length, and
onnxruntime sorted by length, the programs in turn.
usage: compare_inference.py [REPEATS]     needs: torch transformers datasets accelerate onnx onnxscript onnxruntime"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from bench_common import BERTH, DATA, HERE, MODEL, first_rows


def berth(folder):
    """The median of five evaluations between training steps, reading and tokenizing not included."""
    out = pathlib.Path(folder) / "run"
    subprocess.run([BERTH, "run", HERE / "sst2.toml", "--out", out, "--set", f"tasks.sst2.train='{first_rows(folder, 64)}'",
                    "--set", "training.steps=6", "--set", "evaluation.every=1"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "BERTH_DATA": str(DATA), "BERTH_MINILM": str(MODEL)})
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return statistics.median([l["examples"] / l["seconds"] for l in lines if l["kind"] == "evaluation"][1:])


def peer():
    output = subprocess.run([sys.executable, HERE / "peer/hf_infer.py", MODEL, DATA / "sst2/dev.tsv", "5"], check=True,
                            capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}).stdout
    return json.loads(output.strip().splitlines()[-1])


ratios = {}
for i in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
    with tempfile.TemporaryDirectory() as temporary:
        ours = berth(temporary)
    theirs = peer()
    print(f"pair {i}: berth {ours:.1f} examples/s, peers {theirs}", flush=True)
    for name, speed in theirs.items():
        ratios.setdefault(name, []).append(ours / speed)
for name, values in ratios.items():
    print(f"berth / {name}: {statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})")
