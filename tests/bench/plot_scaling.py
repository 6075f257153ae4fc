"""Time and peak memory of a training step against the tokens of its batch and against the encoder's layers, with a straight
line through each: whatever grows faster than the work would bend them. Prints the numbers, draws them to OUT.svg.
usage: plot_scaling.py OUT.svg [REPEATS]
needs: STEP_LIMIT, the program of that name; matplotlib, numpy"""
import json
import os
import subprocess
import sys

import matplotlib
import numpy as np

LENGTH = 128
TOKENS = [512, 1024, 2048, 4096, 8192, 16384, 32768]
LAYERS = [2, 4, 6, 8, 12, 16, 20, 24]


def step(layers, tokens, repeats):
    """Of an encoder as wide as MiniLM; a process of its own each, for its peak memory."""
    command = [os.environ["STEP_LIMIT"], f"{layers}x384", str(tokens // LENGTH), str(LENGTH), str(repeats), "all"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def line(x, y):
    """Least squares on relative distances, and the largest of them: small batches count as much as large ones."""
    x, y = np.array(x, float), np.array(y, float)
    slope, start = np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1) / y[:, None], np.ones_like(y), rcond=None)[0]
    return slope, start, np.abs((slope * x + start) / y - 1).max()


def draw(axes, x, y, label, unit):
    slope, start, off = line(x, y)
    print(f"{label}: {start:.4g} + {slope:.4g} {unit}, at most {100 * off:.0f}% from the line")
    axes.plot(x, y, "o", label="measured")
    axes.plot(x, slope * np.array(x) + start, "-", label=f"{start:.3g} + {slope:.3g} {unit}")
    axes.set(title=label, ylim=0, xlim=0)
    axes.grid(alpha=0.3)
    axes.legend()


def main():
    if len(sys.argv) not in (2, 3) or "STEP_LIMIT" not in os.environ:
        sys.exit(__doc__)
    repeats = int(sys.argv[2]) if len(sys.argv) == 3 else 3
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "berth"  # the same numbers give the same file
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(2, 2, figsize=(11, 8), layout="constrained")
    for column, (name, values, settings) in enumerate([
            ("tokens, 6 layers of 384", TOKENS, [(6, t) for t in TOKENS]),
            ("layers of 384, 4,096 tokens", LAYERS, [(n, 4096) for n in LAYERS])]):
        found = []
        for layers, tokens in settings:
            found.append(step(layers, tokens, repeats))
            print(f"{layers} layers, {tokens} tokens: {found[-1]}", flush=True)
        unit = f"a {name.split()[0].rstrip('s,')}"
        draw(axes[0][column], values, [f["step_ms"] for f in found], f"ms a step against {name}", unit)
        draw(axes[1][column], values, [f["peak_mb"] for f in found], f"peak memory (MB) against {name}", unit)
    figure.savefig(sys.argv[1], metadata={"Date": None})


main()
