#!/usr/bin/env bash
# Trains all runs of an experiment: bash launch/sweep.sh FLAG_FILE [NAME=VALUE,...] [--FLAG=VALUE ...], see launch/sweep.py.
exec "${PYTHON:-python3}" "$(dirname "${BASH_SOURCE[0]}")/sweep.py" "$@"
