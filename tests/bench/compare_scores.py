"""SST-2 dev accuracy of berth and of transformers' Trainer (grouped by length), the same settings, several seeds.
usage: compare_scores.py [EPOCHS [SEED...]]     needs: torch transformers datasets accelerate"""
import statistics
import sys

from bench_common import DATA, run_berth, run_peer, standard_error

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
seeds = [int(s) for s in sys.argv[2:]] or [1, 2, 3]
train = DATA / "sst2/train.tsv"
scores = {"berth": [], "peer": []}
for seed in seeds:
    scores["berth"].append(run_berth(train, seed, epochs)["accuracy"])
    print(f"seed {seed}: berth {scores['berth'][-1]:.4f}", flush=True)
    scores["peer"].append(run_peer(train, "group", seed, epochs, 10**9)["accuracy"])
    print(f"seed {seed}: peer {scores['peer'][-1]:.4f}", flush=True)
means = {k: statistics.mean(v) for k, v in scores.items()}
variances = {k: statistics.variance(v) for k, v in scores.items()}
error = standard_error(scores["berth"], scores["peer"])
difference = means["berth"] - means["peer"]
print(f"berth {means['berth']:.4f} (deviation {variances['berth'] ** 0.5:.4f}), peer {means['peer']:.4f} "
      f"(deviation {variances['peer'] ** 0.5:.4f}); difference {difference:+.4f} = {difference / error:+.2f} pooled "
      f"standard errors")
