#!/usr/bin/env bash
# Builds all targets of BUILD with Bazel and tests those named, without a network.
#   bash launch/bazel_test.sh [TARGET_OR_OPTION ...]     default: all tests without the long ones
# Made for Debian's Bazel 4 (packages bazel-bootstrap, bazel-rules-java), whose py_library and its like are built in.
# Tests see the files that BUILD gives them, and the libraries of .venv. The workspace file and the repositories that
# Bazel would download for its own use are stood in for below TMPDIR.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
if ! command -v bazel >/dev/null; then
  echo "launch/bazel_test.sh: bazel must be installed (Debian: bazel-bootstrap, bazel-rules-java). Received: none" >&2
  exit 2
fi
prepare_environment requirements-dev.txt

work=$(mktemp --directory)
workspace=$work/workspace stubs=$work/stubs libraries=$work/libraries
mkdir -p "$workspace" "$stubs/rules_cc/cc" "$stubs/coverage"
# By link, and without what only development leaves here: environments, runs, builds.
for name in *; do
  case $name in
    build | dist | results | runs | *.egg-info) ;;
    *) ln -s "$PWD/$name" "$workspace/$name" ;;
  esac
done
touch "$workspace/WORKSPACE" "$stubs"/{rules_cc,coverage}/WORKSPACE "$stubs"/rules_cc/{BUILD,cc/BUILD}
for rule in binary import library proto_library test toolchain toolchain_suite; do
  echo "cc_$rule = native.cc_$rule"
done >"$stubs/rules_cc/cc/defs.bzl"
echo 'filegroup(name = "coverage_report_generator", visibility = ["//visibility:public"])' >"$stubs/coverage/BUILD"

# The project is installed in .venv, and would be found there where BUILD does not declare it. A directory that another
# environment's path names gives its libraries only.
.venv/bin/python -m venv --without-pip "$libraries"
packages='import sysconfig; print(sysconfig.get_path("purelib"))'
.venv/bin/python -c "$packages" >"$("$libraries/bin/python" -c "$packages")/libraries.pth"
PATH=$libraries/bin:$PATH

cd "$workspace"
run_bazel() {
  local command=$1
  shift
  bazel --output_user_root="$work/output" "$command" --symlink_prefix=/ \
    --override_repository=rules_cc="$stubs/rules_cc" --override_repository=remote_coverage_tools="$stubs/coverage" \
    --override_repository=rules_java=/usr/share/bazel/rules/java "$@"
}
leave() {
  bazel --output_user_root="$work/output" shutdown || true
  chmod -R u+w "$work"
  rm -rf "$work"
}
trap leave EXIT

if [ $# -eq 0 ]; then set -- //... "--test_env=PYTEST_ADDOPTS=-m 'not slow'"; fi
run_bazel build //...
run_bazel test --test_env=PATH --test_output=errors "$@"
