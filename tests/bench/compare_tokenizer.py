"""Tokenizing SQuAD's contexts on one thread, berth and the Rust tokenizers in turn; the number of tokens has to be equal.
usage: compare_tokenizer.py [REPEATS]     needs: tokenizers"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from bench_common import DATA, HERE, MODEL
from tokenizers import Tokenizer

os.environ["TOKENIZERS_PARALLELISM"] = "false"
PROGRAM = pathlib.Path(os.environ.get("TOKENIZE_SPEED", HERE.parents[1] / "build/release/tests/tokenize_speed"))


def contexts():
    articles = json.loads((DATA / "squad/train.json").read_text(encoding="utf-8"))["data"]
    return [" ".join(p["context"].split("\n")) for a in articles for p in a["paragraphs"]]


def peer(lines, size):
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    best, tokens = float("inf"), 0
    for _ in range(3):
        start = time.perf_counter()
        encoded = tokenizer.encode_batch(lines)  # with offsets, as berth's
        best, tokens = min(best, time.perf_counter() - start), sum(len(e.ids) for e in encoded)
    return {"mb_per_s": size / best / 1e6, "tokens": tokens}


lines = contexts()
size = sum(len(l.encode()) + 1 for l in lines)
ratios = []
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "contexts.txt"
    file.write_text("".join(l + "\n" for l in lines), encoding="utf-8")
    for i in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
        ours = json.loads(subprocess.run([PROGRAM, MODEL, file, "3"], check=True, capture_output=True, text=True).stdout)
        theirs = peer(lines, size)
        assert ours["tokens"] == theirs["tokens"], (ours, theirs)
        ratios.append(ours["mb_per_s"] / theirs["mb_per_s"])
        print(f"pair {i}: berth {ours['mb_per_s']:.1f} MB/s, tokenizers {theirs['mb_per_s']:.2f} MB/s", flush=True)
print(f"berth / tokenizers: {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
