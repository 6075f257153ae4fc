"""What several processes gain: two against one on this machine; the bytes of a step; two "machines" (network namespaces
joined by a cable of limited bandwidth) against a model of the step's time; and that model drawn past them.
usage: data_parallel.py [--suite SUITE.toml] [--steps N] [--rounds N] [--plot OUT.svg] [PART...]
PART: of speed, bytes, network, plan; all by default. network and bytes need root, ip and tc; --plot needs matplotlib.
needs: BERTH_MINILM and a build, as apps/setup --model and apps/quickstart make them"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from cable import Cable

ROOT = HERE.parents[1]
BERTH = pathlib.Path(os.environ.get("BERTH", ROOT / "build/release/bin/berth")).resolve()
MODEL = pathlib.Path(os.environ["BERTH_MINILM"]).resolve()
SETTINGS = [f"model.path='{MODEL}'", "training.epochs=1000", "evaluation.every=1000000", "analysis.at_end=false", "report.html=false",
            "training.log_every=1000000", "training.threads=1"]
CABLES = [None, 2000, 1000, 500, 250, 100]  # Mbit/s


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], "speed", "bytes", "network", "plan"])
    parser.add_argument("--suite", type=pathlib.Path, default=ROOT / "configs/qa.toml")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32, help="sequences a step, of all processes")
    parser.add_argument("--plot", type=pathlib.Path)
    return parser.parse_args()


class Runs:
    def __init__(self, options, folder):
        self.options, self.folder, self.count = options, pathlib.Path(folder), 0

    def command(self, settings):
        self.count += 1
        out = self.folder / f"run-{self.count}"
        return out, [BERTH, "run", self.options.suite, "--out", out,
                     *(a for s in (*SETTINGS, f"training.batch_size={self.options.batch}", f"training.steps={self.options.steps}",
                                   *settings) for a in ("--set", s))]

    def run(self, *settings, processes=1):
        """Its summary."""
        out, command = self.command(settings)
        subprocess.run([*command, "--processes", str(processes)], check=True, stdout=subprocess.DEVNULL)
        return json.loads((out / "summary.json").read_text())

    def run_apart(self, cable, *settings):
        out, command = self.command(settings)
        with subprocess.Popen(cable.on(1, *command), env={**os.environ, **cable.place(1, 29511)},
                              stdout=subprocess.DEVNULL) as other:
            subprocess.run(cable.on(0, *command), env={**os.environ, **cable.place(0, 29511)}, check=True,
                           stdout=subprocess.DEVNULL)
        if other.returncode != 0:
            sys.exit("process 1 failed")
        return json.loads((out / "summary.json").read_text())


class LimitedCable(Cable):
    def limit(self, megabits):
        for name, end in zip(self.names, self.ends):
            tc = ["tc", "-n", name, "qdisc"]
            subprocess.run([*tc, "delete", "dev", end, "root"], stderr=subprocess.DEVNULL)
            if megabits is not None:
                subprocess.run([*tc, "add", "dev", end, "root", "tbf", "rate", f"{megabits}mbit", "burst", "256kb", "latency",
                                "100ms"], check=True)

    def sent(self):
        """Bytes that each end has sent so far."""
        counters = [f"/sys/class/net/{end}/statistics/tx_bytes" for end in self.ends]
        return [int(subprocess.run(self.on(i, "cat", file), check=True, capture_output=True).stdout)
                for i, file in enumerate(counters)]


def step_time(summary):
    return summary["training_seconds"] / summary["steps"]


def speed(runs):
    print("2 processes with 1 thread against 1 process with 2 threads: the same steps")
    ratios = []
    for _ in range(runs.options.rounds):
        one, two = runs.run("training.threads=2"), runs.run(processes=2)
        ratios.append(step_time(one) / step_time(two))
        print(f"  {step_time(one) * 1e3:.0f} ms, {step_time(two) * 1e3:.0f} ms: {ratios[-1]:.2f}x")
    print(f"  median {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})")


def dense_numbers(summary):
    """What learns besides the table of words, of which only the rows of a batch travel."""
    config = json.loads((MODEL / "config.json").read_text())
    return summary["trained_parameters"] - config["vocab_size"] * config["hidden_size"]


def step_bytes(runs, cable):
    """Bytes that a process sends in a step: what the cable carried in twice the steps, less that in these."""
    cable.limit(None)
    carried = []
    for factor in (1, 2):
        before = cable.sent()
        summary = runs.run_apart(cable, f"training.steps={factor * runs.options.steps}")
        carried.append([after - b for after, b in zip(cable.sent(), before)])
    return [(two - one) / runs.options.steps for one, two in zip(*carried)], summary


def bytes_part(runs):
    with LimitedCable() as cable:
        sent, summary = step_bytes(runs, cable)
    dense = 4 * dense_numbers(summary)
    print(f"bytes of a step: {sent[0] / 1e6:.2f} and {sent[1] / 1e6:.2f} MB sent by the two; a ring sends 2 (N - 1) / N = 1 times")
    print(f"  {dense / 1e6:.2f} MB of dense gradients, and the rows of the words in the batch; the rest is TCP's")


class Model:
    """Seconds of a step, for N processes of one thread.
    compute = a tokens / N + b: b is what each does for itself, the optimizer's step above all.
    A ring sends 2 (N - 1) / N of the gradients' bytes, in 2 (N - 1) messages a bucket. Part of that goes on during backward:
    backward is two thirds of the computing, but the first gradients come with the end of the last layer, and packing them
    takes time of the same core; a third fits what was measured. What takes longer is waited for. The rows of words come
    after it."""
    HIDDEN = 1 / 3     # of the computing
    EFFICIENCY = 0.93  # of a cable, with TCP; measured

    def __init__(self, a, b, tokens, dense, sparse, bucket=8 * 2**20):
        self.a, self.b, self.tokens, self.dense, self.sparse, self.bucket = a, b, tokens, dense, sparse, bucket

    def seconds(self, n, megabits, milliseconds, tokens=None):
        tokens = tokens or self.tokens
        compute = self.a * tokens / n
        if n == 1:
            return compute + self.b
        speed = self.EFFICIENCY * megabits * 1e6 / 8
        ring = 2 * (n - 1) / n
        latency = milliseconds / 1e3
        rounds = 2 * (n - 1) * latency
        dense = ring * self.dense / speed + rounds * max(1, self.dense / self.bucket)
        after = ring * self.sparse / speed + 4 * rounds  # the rows, which they are, kinds of gradients, the loss
        return compute + self.b + max(0, dense - self.HIDDEN * compute) + after


def measured_model(runs, sparse):
    """a and b from steps of the whole batch and of half of it."""
    whole, half = [], []
    for _ in range(max(2, runs.options.rounds // 2)):
        whole.append(runs.run())
        half.append(runs.run(f"training.batch_size={runs.options.batch // 2}"))
    tokens = [statistics.median(s["tokens_per_second"] * step_time(s) for s in group) for group in (whole, half)]
    times = [statistics.median(step_time(s) for s in group) for group in (whole, half)]
    a = (times[0] - times[1]) / (tokens[0] - tokens[1])
    b = times[0] - a * tokens[0]
    print(f"one process, one thread: {times[0] * 1e3:.0f} ms a step of {tokens[0]:.0f} tokens, {times[1] * 1e3:.0f} ms of "
          f"{tokens[1]:.0f}: {a * 1e6:.0f} us a token and {b * 1e3:.0f} ms a step")
    return Model(a, max(b, 0), tokens[0], 4 * dense_numbers(whole[0]), sparse)


def network(runs):
    with LimitedCable() as cable:
        sent, summary = step_bytes(runs, cable)
        model = measured_model(runs, max(0, statistics.mean(sent) - 4 * dense_numbers(summary)))
        print("| cable | measured | the model says | one process |\n|---|---|---|---|")
        for megabits in CABLES:
            cable.limit(megabits)
            measured = statistics.median(step_time(runs.run_apart(cable)) for _ in range(max(1, runs.options.rounds // 2)))
            predicted = model.seconds(2, megabits or 40000, 0)
            name = "this machine's memory" if megabits is None else f"{megabits} Mbit/s"
            print(f"| {name} | {measured * 1e3:.0f} ms | {predicted * 1e3:.0f} ms | "
                  f"{model.seconds(1, 1, 0) * 1e3:.0f} ms |")
    return model


def plan(model, file):
    """The speed of N processes, as a multiple of one's: on one batch, and with a batch for each."""
    counts = [1, 2, 4, 8, 16, 32, 64]
    cables = [(1000, 0.1), (10000, 0.05), (100000, 0.01)]  # Mbit/s, milliseconds one way
    panels = {}
    for cores in (1, 16):  # of each process; more compute as many times as fast
        one = Model(model.a / cores, model.b / cores, model.tokens, model.dense, model.sparse)
        alone = one.seconds(1, 1, 0)
        shared = {n: [alone / one.seconds(n, m, d) for m, d in cables] for n in counts}
        each = {n: [n * alone / one.seconds(n, m, d, n * one.tokens) for m, d in cables] for n in counts}
        names = [f"{m // 1000} Gbit/s" for m, _ in cables]
        print(f"\n{cores} core(s) a process: one batch for all, and a batch for each\n"
              f"| processes | {' | '.join(names)} | {' | '.join(f'{name}, each' for name in names)} |\n|" + "---|" * (1 + 2 * len(names)))
        for n in counts:
            print(f"| {n} | " + " | ".join(f"{x:.1f}x" for x in (*shared[n], *each[n])) + " |")
        panels[f"one batch for all, {cores} core(s) a process"] = shared
        panels[f"a batch for each, {cores} core(s) a process"] = each
    if file is not None:
        draw(panels, counts, [m for m, _ in cables], file)


def draw(panels, counts, speeds, file):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    pyplot.rcParams["svg.hashsalt"] = "berth"
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 7), sharex=True, sharey=True)
    for axis, (title, rows) in zip(axes.flat, panels.items()):
        axis.plot(counts, counts, color="grey", linewidth=0.8, linestyle="--", label="as many times")
        for i, speed in enumerate(speeds):
            axis.plot(counts, [rows[n][i] for n in counts], marker="o", label=f"{speed // 1000} Gbit/s")
        axis.set(xscale="log", yscale="log", title=title)
        axis.set_xticks(counts, counts)
        axis.minorticks_off()
    for axis in axes[1]:
        axis.set_xlabel("processes")
    for axis in axes[:, 0]:
        axis.set_ylabel("speed of one process")
    axes[0][0].legend()
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def main():
    options = arguments()
    parts = options.parts or ["speed", "bytes", "network", "plan"]
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(options, folder)
        if "speed" in parts:
            speed(runs)
        if "bytes" in parts:
            bytes_part(runs)
        if "network" in parts or "plan" in parts:
            model = network(runs)
            if "plan" in parts:
                plan(model, options.plot)


main()
