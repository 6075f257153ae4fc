"""What the tensorboard package reads in a run's event files is what metrics.jsonl says, number by number in float32: of
a whole run, of one that was interrupted, of those that were killed at any step and went on, and of one whose event file
was cut off in the middle of a record.
usage: compare_events.py BERTH"""
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import tiny_model  # noqa: E402
from run_folders import cut_after  # noqa: E402

WORDS = {"good": ["a fine day", "we loved it", "good music"], "bad": ["a sad day", "we hated it", "bad music"]}
SUITE = """[model]
path = "model"
max_length = 16
[training]
epochs = 6
batch_size = 10
log_every = 3
[optimizer]
rate = 1e-3
[evaluation]
before = true
every = 4
[checkpoints]
every = 1
keep = 99
[analysis]
at_end = false
[report]
html = false
tensorboard = true
[mixing]
cosine_every = 3
[tasks.mood]
plugin = "classification"
train = "train.tsv"
dev = "dev.tsv"
debias = { group = "place" }
[tasks.other]
plugin = "classification"
train = "dev.tsv"
dev = "dev.tsv"
"""


def write_data(folder):
    tiny_model.write(folder / "model", [text for texts in WORDS.values() for text in texts])
    for name, count in (("train.tsv", 60), ("dev.tsv", 30)):
        rows = [f"{WORDS[label][i % 3]}\t{label}\t{'in' if i % 4 else 'out'}" for i in range(count)
                for label in [("good", "bad")[i % 2]]]
        (folder / name).write_text("\n".join(["text\tlabel\tplace", *rows]) + "\n")
    (folder / "suite.toml").write_text(SUITE)


def berth(program, folder, *arguments):
    result = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, f"{arguments}: {result.returncode}\n{result.stdout}\n{result.stderr}"


def float32(value):
    """As an event has it; NaN, which JSON has as null and which equals nothing, as None."""
    return None if value is None or value != value else struct.unpack("f", struct.pack("f", value))[0]


def points_of(line):
    """{tag: value} of a line of metrics.jsonl."""
    kind, task = line["kind"], line.get("task")
    if kind == "train":
        return {f"train/{task}/loss": line["loss"], "train/rate": line["rate"],
                "train/gradient_norm": line["gradient_norm"]}
    if kind in ("evaluation", "final"):
        prefix = f"{line['set']}/{task}" if kind == "evaluation" else f"final/{task}/{line['set']}"
        points = {f"{prefix}/{score}": value for score, value in line["scores"].items()}
        for group, scores in line.get("groups", {}).items():
            points |= {f"{prefix}/{score}/{group}": value for score, value in scores.items()}
        return points
    if kind == "cosines":
        return {f"cosine/{','.join(pair['tasks'])}": pair["cosine"] for pair in line["between"]}
    return {}


def expected(run):
    """{tag: {step: value}} as metrics.jsonl has it."""
    curves = {}
    for text in (run / "metrics.jsonl").read_text().splitlines():
        line = json.loads(text)
        for tag, value in points_of(line).items():
            curves.setdefault(tag, {})[line["step"]] = float32(value)
    return curves


def seen(run):
    """The same, as TensorBoard has it; a point that is there twice is an error."""
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={SCALARS: 0})
    events.Reload()
    curves = {}
    for tag in events.Tags()[SCALARS]:
        points = events.Scalars(tag)
        curves[tag] = {p.step: float32(p.value) for p in points}
        assert len(curves[tag]) == len(points), f"{run.name}: {tag} has a step twice: {[p.step for p in points]}"
        assert all(p.wall_time > 1.6e9 for p in points)
    return curves


def compare(run):
    """Number of points."""
    ours, theirs = expected(run), seen(run)
    assert ours.keys() == theirs.keys(), f"{run.name}: tags differ: {sorted(ours.keys() ^ theirs.keys())}"
    for tag, curve in ours.items():
        assert curve == theirs[tag], f"{run.name}: {tag}: metrics.jsonl has {curve}, TensorBoard {theirs[tag]}"
    return sum(map(len, ours.values()))


def files(run):
    return sorted((run / "tensorboard").iterdir())


def interrupted(program, folder, run):
    """A run that gets SIGTERM after some steps, and goes on."""
    with subprocess.Popen([program, "run", "suite.toml", "--out", run.name], cwd=folder, stdout=subprocess.PIPE,
                          text=True) as process:
        while "step 4  " not in (line := process.stdout.readline()) and line:
            pass
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    assert process.returncode in (0, 143), process.returncode
    compare(run)
    if process.returncode == 143:
        berth(program, folder, "run", "--resume", run.name)
        assert len(files(run)) == 2
    return compare(run)


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_data(folder)
        whole = folder / "whole"
        berth(program, folder, "run", "suite.toml", "--out", whole.name)
        points = compare(whole)
        curves = expected(whole)
        groups = {tag.split("/")[0] for tag in curves}
        assert groups == {"train", "dev", "final", "cosine"}, sorted(groups)
        assert any(tag.endswith("/good, out") for tag in curves), sorted(curves)
        assert len(files(whole)) == 1
        first = next(iter(EventFileLoader(str(files(whole)[0])).Load()))
        assert first.file_version == "brain.Event:2", first
        steps = json.loads((whole / "summary.json").read_text())["steps"]
        for step in (1, 3, 4, steps // 2, steps - 1, steps):
            run = folder / f"killed-{step}"
            cut_after(step, whole, run)
            if step == 4:  # in the middle of a record
                os.truncate(files(run)[0], files(run)[0].stat().st_size - 7)
            berth(program, folder, "run", "--resume", run.name)
            assert len(files(run)) == 2, files(run)
            assert compare(run) == points
        assert interrupted(program, folder, folder / "interrupted") == points
    print(f"{points} points of {len(curves)} curves, each run's equal to its metrics.jsonl")


main()
