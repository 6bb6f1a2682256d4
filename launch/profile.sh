#!/usr/bin/env bash
# Where the time of a training step goes: traces ten steps, prints a summary, leaves the trace for TensorBoard.
#   bash launch/profile.sh [--FLAG=VALUE ...]     flags of ieg_fsr.main, e.g. --dataset=cifar10 --network=resnet32
# The run is two epochs past the warm-up in runs/profile (--model_dir=DIRECTORY for another), which it replaces. Steps 16
# to 25 are traced, in the second epoch of digits (--profile_steps=FIRST,LAST for others).
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare_environment requirements.txt
directory=runs/profile
for flag in "$@"; do
  if [[ $flag == --model_dir=* ]]; then directory=${flag#*=}; fi
done
.venv/bin/python -m ieg_fsr.main --dataset=digits --epochs=2 --reweight_warmup_epochs=0 --model_dir="$directory" \
  --noresume --profile_steps=16,25 "$@"
echo
echo "Profile tab:     .venv/bin/tensorboard --logdir=$directory"
