#!/usr/bin/env bash
# Trains three ways on scikit-learn's digits with 40 % of the labels drawn anew, and compares them.
#   bash launch/demo.sh [RUNS_DIRECTORY]     default: runs/demo; finished runs are not trained again
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare_environment requirements.txt
runs=${1:-runs/demo}

train() {
  local name=$1
  shift
  echo
  .venv/bin/python -m ieg_fsr.main --dataset=digits --noise=0.4 --model_dir="$runs/$name" "$@"
}

train supervised --method=supervised
train supervised_mixup --method=supervised --mixup
train fsr --method=fsr

echo
.venv/bin/python -m ieg_fsr.tables --runs="$runs/supervised,$runs/supervised_mixup,$runs/fsr" --output="$runs" \
  --table=comparison
echo
echo "Picture:         $runs/digits-comparison-noise0.4.png"
echo "Suspect labels:  $runs/fsr/labels.csv"
echo "TensorBoard:     .venv/bin/tensorboard --logdir=$runs"
