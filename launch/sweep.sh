#!/usr/bin/env bash
# Trains all runs of an experiment, one after the other, or JOBS=N at a time.
#   bash launch/sweep.sh FLAG_FILE [NAME=VALUE,VALUE ...] [--FLAG=VALUE ...]
#   bash launch/sweep.sh flags/cifar10_uniform_resnet32.flags seed=0 --data_dir=DIR
# Each "# sweep:" line of the flag file stands for all combinations of its values; NAME=VALUE,... replaces the values of
# one name, or adds one. Flags with dashes go to every run. A run is runs/EXPERIMENT/NAMEVALUE-NAMEVALUE (RUNS=DIRECTORY
# in place of runs/). After a stop, the same command reports finished runs and continues the one that was under way. A
# run that fails does not stop the others: the exit code is 1 then, and the last lines name it.
# With JOBS=N each run has a share of the cores to itself and writes what it says into a file beside its directory, .log.
# Small networks do not fill two cores: on two, JOBS=2 trains more runs an hour. Other numbers of threads add up in
# another order: the same run differs in the last digits, and so after many steps visibly, between values of JOBS.

# Of the directory of the caller, which environment.sh leaves.
flag_file=$(realpath --canonicalize-missing -- "${1:-.}")
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
shift || true
workers=()
stop() {
  local worker
  for worker in "${workers[@]}"; do kill -TERM -- "-$worker" 2>/dev/null || true; done
  exit 130
}
trap stop INT TERM

if [ ! -r "$flag_file" ] || [ -d "$flag_file" ]; then
  echo "launch/sweep.sh: the first argument must be a readable flag file. Received: $flag_file" >&2
  exit 2
fi

jobs=${JOBS:-1}
if [[ ! $jobs =~ ^[1-9][0-9]*$ ]]; then
  echo "launch/sweep.sh: JOBS must be a whole number from 1 up. Received: $jobs" >&2
  exit 2
fi

axes=() flags=()
for word in "$@"; do
  if [[ $word == -* ]]; then flags+=("$word"); else axes+=("$word"); fi
done
for axis in "${axes[@]}"; do
  if [[ $axis != ?*=?* ]]; then
    echo "launch/sweep.sh: an argument must be NAME=VALUE,... or --FLAG=VALUE. Received: $axis" >&2
    exit 2
  fi
done

# The axes of a sweep line, with those of the command line in their places.
merged_axes() {
  local -A given=()
  local axis
  for axis in "${axes[@]}"; do given[${axis%%=*}]=$axis; done
  for axis in "$@"; do
    echo "${given[${axis%%=*}]:-$axis}"
    unset "given[${axis%%=*}]"
  done
  for axis in "${axes[@]}"; do
    if [ -n "${given[${axis%%=*}]:-}" ]; then echo "$axis"; fi
  done
}

# All combinations of axes, a line each: "noise=0.2 seed=1".
combinations() {
  local lines=("") longer axis line value values
  for axis in "$@"; do
    longer=()
    IFS=, read -ra values <<<"${axis#*=}"
    for line in "${lines[@]}"; do
      for value in "${values[@]}"; do longer+=("${line:+$line }${axis%%=*}=$value"); done
    done
    lines=("${longer[@]}")
  done
  printf '%s\n' "${lines[@]}"
}

runs=()
while read -ra line; do
  mapfile -t merged < <(merged_axes "${line[@]}")
  mapfile -t -O "${#runs[@]}" runs < <(combinations "${merged[@]}")
done < <(sed -n 's/^# sweep: *//p' "$flag_file" | grep . || echo)

prepare_environment requirements.txt
experiment=$(basename "$flag_file" .flags)
failures=$(mktemp)
trap 'rm -f "$failures"' EXIT

# Trains the run of a number.
train() {
  local number=$1 settings name directory command
  read -ra settings <<<"${runs[number]}"
  name=${runs[number]//=/}
  directory=${RUNS:-runs}/$experiment/${name// /-}
  command=(python -m ieg_fsr.main --flagfile="$flag_file" "${settings[@]/#/--}" --model_dir="$directory" "${flags[@]}")
  echo
  echo "== $((number + 1)) of ${#runs[@]}: ${command[*]}"
  command=("${pinned[@]}" .venv/bin/"${command[0]}" "${command[@]:1}")
  if [ "$jobs" -eq 1 ]; then
    "${command[@]}" || echo "$directory" >>"$failures"
  else
    mkdir -p "$(dirname "$directory")"
    "${command[@]}" >"$directory.log" 2>&1 || echo "$directory" >>"$failures"
  fi
}

# Trains every run whose number leaves the worker's when divided by the number of workers, on the worker's cores.
work() {
  local worker=$1 number cores
  cores=$(($(nproc) / jobs))
  if [ "$jobs" -gt 1 ] && [ "$cores" -ge 1 ]; then
    export TF_NUM_INTRAOP_THREADS=$cores TF_NUM_INTEROP_THREADS=$cores
    if command -v taskset >/dev/null; then
      pinned=(taskset --cpu-list "$((worker * cores))-$((worker * cores + cores - 1))")
    fi
  fi
  for ((number = worker; number < ${#runs[@]}; number += jobs)); do train "$number"; done
}

pinned=()
if [ "$jobs" -eq 1 ]; then
  work 0
else
  set -m # a process group for each worker, to stop it with what it started
  for ((worker = 0; worker < jobs; worker++)); do
    work "$worker" &
    workers+=($!)
  done
  wait "${workers[@]}"
fi

if [ -s "$failures" ]; then
  printf '\n%s of %s runs failed:\n' "$(wc -l <"$failures")" "${#runs[@]}" >&2
  cat "$failures" >&2
  exit 1
fi
