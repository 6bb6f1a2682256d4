#!/usr/bin/env bash
# Trains what the tables of digits hold and makes them: runs/digits_tables, results/digits.
#   bash launch/digits_tables.sh [SEED ...]      default: 0 1 2; JOBS=2 trains two at a time (see launch/sweep.sh)
# After a stop, the same command goes on; finished runs are not trained again. RUNS and RESULTS name other directories.
for seed in "$@"; do
  if [[ ! $seed =~ ^[0-9]+$ ]]; then
    echo "launch/digits_tables.sh: a seed must be a whole number from 0 up. Received: $seed" >&2
    exit 2
  fi
done
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
seeds=${*:-0 1 2}

code=0
bash launch/sweep.sh launch/digits_tables.flags seed="${seeds// /,}" || code=$?
# Tables are made of what there is, but not after a stop.
if [ "$code" -gt 1 ]; then exit "$code"; fi
.venv/bin/python -m ieg_fsr.tables --runs="${RUNS:-runs}/digits_tables" --output="${RESULTS:-results/digits}"
exit "$code"
