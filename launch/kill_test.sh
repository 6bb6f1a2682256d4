#!/usr/bin/env bash
# Kills a short run N times (20) at random moments and compares what it ends with: bash launch/kill_test.sh 20
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare_environment requirements-dev.txt
KILLS=${1:-20} .venv/bin/python -m pytest -q -rP tests/survival_test.py
