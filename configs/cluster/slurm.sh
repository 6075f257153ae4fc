#!/usr/bin/env bash
# A suite on two machines of a Slurm cluster, one process a socket: sbatch configs/cluster/slurm.sh SUITE.toml OUT_DIR
# The suite, its data, the model and OUT_DIR lie on a file system that all machines share. Given an OUT_DIR that holds a
# run, it goes on with that: so the same line serves after a time limit.
#SBATCH --job-name=berth
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
set -euo pipefail

suite=$1
out=$2
# Where process 0 runs, for all of them; any port that is free there.
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000))
export MASTER_ADDR MASTER_PORT
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK

start=(srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --cpu-bind=sockets berth run)
if [ -e "$out/checkpoints/last" ]; then
  exec "${start[@]}" --resume "$out"
fi
if [ -e "$out/suite.toml" ]; then
  rm -r "$out" # a job that ended before its first checkpoint
fi
exec "${start[@]}" "$suite" --out "$out"
