"""Peak memory and seconds to the first step of a streamed training set of ten million lines, against a small file in the
same suite, and against the same file held in memory. Makes the file in a temporary folder (about 340 MB), runs a few steps
each, prints a table in markdown.
usage: streaming.py [--rows N] [--held] [--model FOLDER]
needs: python3 and a build; MiniLM or another model folder, or a tiny model by itself."""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BERTH = pathlib.Path(os.environ.get("BERTH", ROOT / "build/release/bin/berth")).resolve()
SMALL = 20_000
WORDS = ("good", "bad", "day", "food", "music", "place", "warm", "cold", "of", "the", "and", "a", "we", "it")

sys.path.insert(0, str(HERE.parent / "support"))
import tiny_model


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the large file")
    parser.add_argument("--held", action="store_true", help="the large file in memory, too: takes minutes")
    parser.add_argument("--model", type=pathlib.Path, help="a model folder (default: a tiny one)")
    return parser.parse_args()


def write_rows(file, count):
    """Rows of about 40 bytes, the same blocks over and over."""
    rng = random.Random(1)
    block = "".join(f"{' '.join(rng.choices(WORDS, k=7))}\t{rng.choice(['good', 'bad'])}\n" for _ in range(10_000)).encode()
    lines = block.splitlines(keepends=True)
    with file.open("wb") as out:
        out.write(b"text\tlabel\n")
        for _ in range(count // len(lines)):
            out.write(block)
        out.writelines(lines[:count % len(lines)])


def write_suite(folder, model):
    (folder / "suite.toml").write_text(f"""
[model]
path = "{model}"
max_length = 32

[training]
steps = 20
batch_size = 16

[analysis]
at_end = false

[tasks.mood]
plugin = "classification"
train = "small.tsv"
dev = "dev.tsv"
""")


def run(folder, name, *settings):
    start = time.perf_counter()
    subprocess.run([BERTH, "run", "suite.toml", "--out", name, *(a for s in settings for a in ("--set", s))], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL)
    summary = json.loads((folder / name / "summary.json").read_text())
    return {"peak": summary["peak_resident_bytes"], "first": summary["seconds_to_first_step"],
            "whole": time.perf_counter() - start}


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        model = options.model.resolve() if options.model else folder / "model"
        if not options.model:
            tiny_model.write(model, [" ".join(WORDS)])
        write_suite(folder, model)
        for name, count in (("dev", 100), ("small", SMALL), ("large", options.rows)):
            write_rows(folder / f"{name}.tsv", count)
        large = "tasks.mood.train=large.tsv"
        stream = "tasks.mood.stream=true"
        results = {f"{SMALL:,} rows in memory": run(folder, "held"),
                   f"{SMALL:,} rows, streamed": run(folder, "small", stream),
                   f"{options.rows:,} rows, streamed": run(folder, "large", stream, large)}
        if options.held:
            results[f"{options.rows:,} rows in memory"] = run(folder, "large-held", large)
        base = results[f"{SMALL:,} rows, streamed"]
        print(f"{(folder / 'large.tsv').stat().st_size / 1e6:.0f} MB in the large file\n")
        print("| training set | peak memory | of the small streamed one | first step after | the whole run |")
        print("|---|---|---|---|---|")
        for name, result in results.items():
            print(f"| {name} | {result['peak'] / 1e6:.0f} MB | {result['peak'] / base['peak']:.2f} | {result['first']:.2f} s | "
                  f"{result['whole']:.1f} s |")


if __name__ == "__main__":
    main()
