"""What a setting costs or gains: SST-2's first rows with and without it, the same seeds in turn; dev accuracy, examples a
second, peak memory.
usage: compare_settings.py [--rows N] [--epochs N] [--seeds N...] [--common KEY=VALUE...] [--] SETTING...
SETTING: KEY=VALUE, or several joined by semicolons; compared with the run that has none of them."""
import argparse
import statistics
import tempfile

from bench_common import first_rows, run_berth, standard_error


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--common", nargs="*", default=[])
    parser.add_argument("settings", nargs="+")
    known = parser.parse_args()
    sides = {"without": []} | {s: s.split(";") for s in known.settings}
    runs = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        train = first_rows(folder, known.rows)
        for seed in known.seeds:
            for side, settings in sides.items():
                runs[side].append(run_berth(train, seed, known.epochs, settings=[*known.common, *settings]))
                print(f"seed {seed} {side}: {runs[side][-1]}", flush=True)

    def mean(side, key):
        return statistics.mean(r[key] for r in runs[side])

    for side in sides:
        accuracy = {s: [r["accuracy"] for r in runs[s]] for s in ("without", side)}
        line = f"{side}: accuracy {mean(side, 'accuracy'):.4f}"
        if side != "without":
            difference = mean(side, "accuracy") - mean("without", "accuracy")
            error = f", its standard error {standard_error(*accuracy.values()):.4f}" if len(known.seeds) > 1 else ""
            line += f" ({difference:+.4f}{error})"
        line += (f", examples a second x{mean(side, 'examples_per_s') / mean('without', 'examples_per_s'):.2f}"
                 f", peak memory x{mean(side, 'peak_mb') / mean('without', 'peak_mb'):.2f}")
        print(line)


main()
