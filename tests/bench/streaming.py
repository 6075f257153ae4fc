"""Peak memory and seconds to the first step of a streamed training set of ten million lines, against a small file in the
same suite, against the same file held in memory, and in the feature cache. "Its own" is memory that is no part of a file, as
/proc tells it every few milliseconds: pages of a file that is mapped go when there is no room for them. Makes the file in a
temporary folder (about 340 MB, and 850 MB of cache), runs a few steps each, prints a table in markdown.
usage: streaming.py [--rows N] [--held] [--cache] [--model FOLDER]
needs: python3 and a build; MiniLM or another model folder, or a tiny model by itself."""
import argparse
import contextlib
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
    parser.add_argument("--cache", action="store_true", help="the large file in the feature cache, too, twice")
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


def own_memory(pid):
    """Bytes that are no part of a file, now."""
    with contextlib.suppress(OSError, StopIteration):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("RssAnon:")).split()[1])
    return 0


def run(folder, name, *settings):
    start = time.perf_counter()
    own = 0
    with subprocess.Popen([BERTH, "run", "suite.toml", "--out", name, *(a for s in settings for a in ("--set", s))], cwd=folder,
                          stdout=subprocess.DEVNULL) as program:
        while program.poll() is None:
            own = max(own, own_memory(program.pid))
            time.sleep(0.005)
    if program.returncode != 0:
        sys.exit(f"{name}: exit {program.returncode}")
    summary = json.loads((folder / name / "summary.json").read_text())
    return {"peak": summary["peak_resident_bytes"], "own": own, "first": summary["seconds_to_first_step"],
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
        if options.cache:
            cache = "training.feature_cache=cache"
            results[f"{options.rows:,} rows, written to the feature cache"] = run(folder, "large-made", large, cache)
            results[f"{options.rows:,} rows, found in the feature cache"] = run(folder, "large-found", large, cache)
            size = sum(file.stat().st_size for file in (folder / "cache").iterdir())
            print(f"{size / 1e6:.0f} MB in the feature cache")
        base = results[f"{SMALL:,} rows, streamed"]
        print(f"{(folder / 'large.tsv').stat().st_size / 1e6:.0f} MB in the large file\n")
        print("| training set | peak memory | of the small streamed one | its own | first step after | the whole run |")
        print("|---|---|---|---|---|---|")
        for name, result in results.items():
            print(f"| {name} | {result['peak'] / 1e6:.0f} MB | {result['peak'] / base['peak']:.2f} | "
                  f"{result['own'] / 1e6:.0f} MB | {result['first']:.2f} s | {result['whole']:.1f} s |")


if __name__ == "__main__":
    main()
