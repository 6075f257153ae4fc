"""Training speed, time to the first step and peak memory against transformers' Trainer: one epoch over the first rows of
SST-2, the three programs in turn, so that a machine whose speed drifts is fair to all.
usage: compare_speed.py [ROWS [REPEATS]]     needs: torch transformers datasets accelerate"""
import statistics
import sys
import tempfile

from bench_common import first_rows, run_berth, run_peer

count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
ratios = {"plain": [], "group": []}
with tempfile.TemporaryDirectory() as folder:
    train = first_rows(folder, count)
    for i in range(repeats):
        for order in ratios:
            ours, theirs = run_berth(train, i, 1), run_peer(train, order, i, 1, count)
            ratios[order].append({k: ours[k] / theirs[k] for k in ours})
            print(f"pair {i} {order}: berth {ours}\n{'':>15} peer {theirs}", flush=True)
for order, pairs in ratios.items():
    medians = {k: statistics.median(p[k] for p in pairs) for k in pairs[0]}
    print(f"{order}: berth / peer, median of {repeats}: examples a second {medians['examples_per_s']:.2f}, "
          f"time to the first step {medians['setup_s']:.3f}, peak memory {medians['peak_mb']:.2f}")
