#!/usr/bin/env bash
# All checks: style, types, arrows between packages, tests. Arguments go to pytest, e.g. -m "not slow" or tests/reweighting.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare_environment requirements-dev.txt
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/lint-imports --no-cache
.venv/bin/mypy &  # one core for ten seconds: beside the tests
types=$!
# Two at a time: most of a test is tracing, which fills one core. Arguments given win: -n 0 for one at a time.
.venv/bin/python -m pytest -q -n 2 --dist worksteal "$@"
wait "$types"
