# Sourced by the other scripts: goes to the project's root and makes .venv with what the given requirements file lists.
# Nothing is installed twice: a mark in .venv remembers the file's content.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

prepare_environment() {
  local requirements=$1 mark
  mark=.venv/installed-$(cat requirements.txt "$requirements" pyproject.toml | cksum | tr ' ' '-')
  if [ ! -e "$mark" ]; then
    echo "Installing into .venv (about two minutes) ..."
    "${PYTHON:-python3}" -m venv .venv
    # To bytecode on all cores afterwards, for which pip takes one. What a package has for another Python stays as it is,
    # and so does what is not imported: tests of packages, and mypy, which is compiled.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r "$requirements"
    .venv/bin/python -m compileall -qq -j 0 -x '/(tests|mypy|mypyc)/' .venv/lib || true
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
    touch "$mark"
  fi
}
