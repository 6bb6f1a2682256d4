"""Runs that differ in their seed only, together: mean, spread, and what a reader should know of them."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ieg_fsr.data.labels.truth import CHANGES, truth_of
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.results.identity import Identity, identify
from ieg_fsr.results.runs import Run

# What ought to be equal within a group although it is no setting, or is not part of the identity.
_OUGHT_TO_AGREE = (
    *("replicas", "jit_compile_resolved", "training_examples", "test_examples", "num_classes"),
    *("dictionary_size_resolved", "steps", "labels_file", "noise_matrix"),
)


@dataclasses.dataclass(frozen=True)
class Group:
    """The runs of one identity."""

    identity: Identity  # what they have in common
    runs: tuple[Run, ...] = ()  # finished ones, one a seed, by seed
    spare: tuple[Run, ...] = ()  # finished ones whose seed another run of `runs` has
    failed: tuple[Run, ...] = ()  # those without figures

    def figures(self, name: str) -> list[float]:
        """A figure of each run that has it."""
        values = [run.figure(name) for run in self.runs]
        return [value for value in values if value is not None]

    def notes(self) -> list[str]:
        """What a reader of its cell should know: seeds that come twice, runs without figures, what does not agree."""
        name = f"{self.identity.label} at {self.identity.condition.title}"
        notes = []
        if self.runs and truth_of(self.runs[0].values) is CHANGES:
            notes.append(f"{name}: right labels are those that the data came with, which may be wrong themselves")
        for run in self.spare:
            used = next(other for other in self.runs if other.seed == run.seed)
            notes.append(f"{name}, seed {run.seed}, was run more than once: {used.place} is used, {run.place} is not")
        notes += [f"{name}, seed {run.seed}, has no figures ({run.failure}): {run.place}" for run in self.failed]
        facts = [_facts(run) for run in self.runs]
        for key in dict.fromkeys(key for each in facts for key in each):
            by_value: dict[str, list[str]] = {}
            for run, each in zip(self.runs, facts, strict=True):
                by_value.setdefault(str(each.get(key)), []).append(str(run.seed))
            if len(by_value) > 1:
                parts = [f"{text} (seed {', '.join(seeds)})" for text, seeds in by_value.items()]
                notes.append(f"{name}: runs differ in {key}: {'; '.join(parts)}")
        return notes


def group(runs: Sequence[Run]) -> list[Group]:
    """Groups in the order of methods, then of their variants.

    Of two runs with one seed the later started is used, of two that started together the one whose path comes last.
    """
    by_identity: dict[Identity, list[Run]] = {}
    for run in runs:
        by_identity.setdefault(identify(run.values), []).append(run)
    groups = []
    for identity, members in by_identity.items():
        finished = sorted(
            (run for run in members if not run.failure),
            key=lambda run: (run.seed, str(run.values.get("started") or ""), run.place),
        )
        used = {run.seed: run for run in finished}
        spare = tuple(run for run in finished if used[run.seed] is not run)
        groups.append(Group(identity, tuple(used.values()), spare, tuple(run for run in members if run.failure)))
    return sorted(groups, key=_order)


def gathered(groups: Iterable[Group], key: Callable[[Identity], Any]) -> dict[Any, list[Group]]:
    """The groups whose identities have the same key, by key, in rising order. Args: key: of an identity."""
    found: dict[Any, list[Group]] = {}
    for one in groups:
        found.setdefault(key(one.identity), []).append(one)
    return dict(sorted(found.items()))


def notes_of(groups: Iterable[Group]) -> tuple[str, ...]:
    """The notes of all groups, each once."""
    return tuple(dict.fromkeys(note for one in groups for note in one.notes()))


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and the sample standard deviation (n - 1) of two values or more. Args: values: at least one."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def _order(one: Group) -> tuple[Any, ...]:
    identity, changed = one.identity, one.identity.differences
    values = [(name, value if isinstance(value, int | float) else 0, str(value)) for name, value in changed]
    return list(METHODS).index(identity.method), len(changed), values, identity.variant, identity.clean_per_class


def _facts(run: Run) -> dict[str, Any]:
    """What ought to agree, a package's version each."""
    versions = run.values.get("versions")
    packages = versions if isinstance(versions, dict) else {}
    return {f"version of {name}": packages[name] for name in packages} | {
        key: run.values.get(key) for key in _OUGHT_TO_AGREE
    }
