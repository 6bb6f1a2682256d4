"""The order of tests: what takes long begins first, so that no worker waits for another in the end."""

import pathlib

import pytest

# Files whose tests take half a minute and more, the longest first.
LONGEST = (
    "methods/conformance_test.py",
    "training/distribution_test.py",
    "methods/several_replicas_test.py",
    "survival_test.py",
    "training/build_test.py",
    "examples_test.py",
    "training/run_test.py",
    "bad_days_test.py",
    "cost/whole_runs_test.py",
    "launch/fuzz_test.py",
    "stages_survival_test.py",
    "benchmark_test.py",
    "cost/measurement_test.py",
    "main_test.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files in turn at the beginning of the list and of its second half: workers begin with a half."""
    ranks: dict[int, list[pytest.Item]] = {rank: [] for rank in range(len(LONGEST) + 1)}
    for item in items:
        file = item.path.relative_to(pathlib.Path(__file__).parent).as_posix()
        ranks[LONGEST.index(file) if file in LONGEST else len(LONGEST)].append(item)
    rest = ranks.pop(len(LONGEST))
    first, second = ([item for rank in ranks if rank % 2 == half for item in ranks[rank]] for half in (0, 1))
    border = max(len(items) // 2 - len(first), 0)
    items[:] = [*first, *rest[:border], *second, *rest[border:]]
