#!/usr/bin/env bash
# Builds wheel and source distribution, installs each into empty environments, and trains digits there.
#   bash launch/wheel_test.sh [PYTHON ...]     default: python3.11, python3.12 and python3.13, those that are found
# The wheel is tried under every Python, the source distribution under the first one. Needs a package index, and 3 GB of
# disk at a time below TMPDIR; some minutes for each environment. DIST=DIRECTORY keeps what was built.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

pythons=("$@")
if [ ${#pythons[@]} -eq 0 ]; then
  for version in 3.11 3.12 3.13; do
    # A launcher of pyenv may be there without its Python.
    if "python$version" -c "" 2>/dev/null; then pythons+=("python$version"); fi
  done
fi
if [ ${#pythons[@]} -eq 0 ]; then
  echo "launch/wheel_test.sh: no python3.11, python3.12 or python3.13 was found; name one. Received: nothing" >&2
  exit 2
fi
for python in "${pythons[@]}"; do
  if ! "$python" -c "" 2>/dev/null; then
    echo "launch/wheel_test.sh: an argument must be a Python that runs. Received: $python" >&2
    exit 2
  fi
done

work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

quiet_pip() {
  "$work/environment/bin/python" -m pip --quiet --disable-pip-version-check "$@"
}

new_environment() {
  rm -rf "$work/environment"
  "$1" -m venv "$work/environment"
}

# Installs a distribution and uses it as a user would, from a directory that holds nothing of the project.
try() {
  local python=$1 distribution=$2
  echo
  echo "== $(basename "$distribution") on $("$python" --version)"
  new_environment "$python"
  quiet_pip install "$distribution"
  quiet_pip check
  rm -rf "$work/elsewhere"
  mkdir "$work/elsewhere"
  (
    cd "$work/elsewhere"
    PATH=$work/environment/bin:$PATH
    python -c 'import ieg_fsr, pathlib, sys; assert pathlib.Path(ieg_fsr.__file__).is_relative_to(sys.prefix)'
    ieg-fsr --help >help.txt
    ieg-fsr --dataset=digits --noise=0.4 --epochs=3 --reweight_warmup_epochs=1 --model_dir=run
    ieg-fsr --mode=evaluate --dataset=digits --model=run/model.keras --model_dir=evaluation
    python -m ieg_fsr.tables --runs=run --output=tables --table=noise
    python -W ignore -c 'import keras; assert keras.saving.load_model("run/model.keras").output_shape == (None, 10)'
    ls run evaluation
  )
}

new_environment "${pythons[0]}"
quiet_pip install build
"$work/environment/bin/python" -m build --outdir "$work/dist" . >"$work/build.log" 2>&1 || {
  cat "$work/build.log" >&2
  exit 1
}
ls "$work/dist"
if [ -n "${DIST:-}" ]; then
  mkdir -p "$DIST"
  cp "$work"/dist/* "$DIST"
fi

for python in "${pythons[@]}"; do try "$python" "$work"/dist/*.whl; done
try "${pythons[0]}" "$work"/dist/*.tar.gz
echo
echo "Wheel and source distribution work: ${pythons[*]}"
