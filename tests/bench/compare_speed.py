"""Training speed, time to the first step and peak memory against transformers' Trainer: SST-2's first rows, berth and the
Trainer in turn, so that a machine whose speed drifts is fair to both. `plain` is the Trainer as it comes, `group` with its
batches grouped by length.
usage: compare_speed.py [--rows N] [--repeats N] [--epochs N] [--frozen LAYERS] [ORDER...]
--frozen: embeddings and that many of the first layers are frozen on both sides. ORDER: plain, group; both by default.
needs: torch transformers datasets accelerate"""
import argparse
import statistics
import tempfile

from bench_common import first_rows, freeze_setting, run_berth, run_peer


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--frozen", type=int, default=0)
    parser.add_argument("orders", nargs="*", default=["plain", "group"])
    known = parser.parse_args()
    if not set(known.orders) <= {"plain", "group"}:
        parser.error(f"ORDER is plain or group, not {known.orders}")
    ratios = {order: [] for order in known.orders}
    with tempfile.TemporaryDirectory() as folder:
        train = first_rows(folder, known.rows)
        for i in range(known.repeats):
            for order in ratios:
                ours = run_berth(train, i, known.epochs, [freeze_setting(known.frozen)])
                theirs = run_peer(train, order, i, known.epochs, known.rows, known.frozen)
                ratios[order].append({k: ours[k] / theirs[k] for k in ours})
                print(f"pair {i} {order}: berth {ours}\n{'':>15} peer {theirs}", flush=True)
    for order, pairs in ratios.items():
        def spread(key, digits):
            values = [p[key] for p in pairs]
            return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
        print(f"{order}: berth / peer, median of {known.repeats} and range: examples a second {spread('examples_per_s', 2)}, "
              f"time to the first step {spread('setup_s', 3)}, peak memory {spread('peak_mb', 2)}")


main()
