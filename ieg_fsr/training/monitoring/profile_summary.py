"""Reads a trace of training steps: how long they took, and how much of it went into which part of a step."""

import collections
import pathlib
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from ieg_fsr.methods.models.step_scopes import SCOPES, scope_of

# What the steps are called in a trace.
STEP_MARKER = "train"
_PIPELINE, _OTHER = "pipeline", "other"
# "forward/conv2d/convolution:Conv2D", as the executor names its events.
_OPERATION = re.compile(r"([^:\s]+):_?[A-Z]\w*$")


class ProfileSummary(NamedTuple):
    """What a trace says."""

    step_seconds: list[float]  # duration of each marked step
    scope_seconds: dict[str, float]  # by part of a step, of its operations; added up over threads beside each other


def read_profile(directory: str | pathlib.Path) -> ProfileSummary:
    """Reads the newest trace below a log directory; FileNotFoundError without one."""
    files = list(pathlib.Path(directory).glob("plugins/profile/*/*.xplane.pb"))
    if not files:
        raise FileNotFoundError(f"no trace in {directory}")
    space = xplane_pb2.XSpace()
    space.ParseFromString(max(files, key=lambda path: path.stat().st_mtime).read_bytes())
    return summarise(space)


def summarise(space: Any) -> ProfileSummary:
    """Adds up an XSpace: the operations of accelerators where there are any, else those of the host."""
    host = [plane for plane in space.planes if plane.name.startswith("/host:CPU")]
    steps = [seconds for plane in host for name, seconds in _events(plane) if name == STEP_MARKER]
    devices = [plane for plane in space.planes if plane.name.startswith("/device:")]
    by_scope = _totals(pair for plane in devices for pair in _accelerator_operations(plane))
    if not by_scope:
        by_scope = _totals(pair for plane in host for pair in _host_operations(plane))
    ordered = [name for name in (*SCOPES, _PIPELINE, _OTHER) if name in by_scope]
    return ProfileSummary(steps, {name: by_scope[name] for name in ordered})


def describe_profile(summary: ProfileSummary) -> str:
    """A table of the parts of a step."""
    steps, total = len(summary.step_seconds), sum(summary.scope_seconds.values())
    lines = [f"{steps} steps traced, median {1e3 * np.median(summary.step_seconds or [0]):.1f} ms; operations by part:"]
    for name, seconds in summary.scope_seconds.items():
        lines.append(f"  {name:<16} {1e3 * seconds / max(steps, 1):>9.2f} ms / step  {seconds / total:>6.1%}")
    if not set(summary.scope_seconds) & set(SCOPES):
        lines.append("  XLA made one operation of the step: --jit_compile=false shows its parts")
    return "\n".join(lines)


def _totals(operations: Iterable[tuple[str, float]]) -> dict[str, float]:
    totals: dict[str, float] = collections.defaultdict(float)
    for name, seconds in operations:
        totals[name] += seconds
    return totals


def _events(plane: Any) -> Iterator[tuple[str, float]]:
    """Names and durations of all events."""
    for line in plane.lines:
        for event in line.events:
            yield plane.event_metadata[event.metadata_id].name, event.duration_ps * 1e-12


def _host_operations(plane: Any) -> Iterator[tuple[str, float]]:
    """Scope and time of every operation on the host, without those that it waits for on the same thread."""
    for line in plane.lines:
        found = [
            (event, match.group(1))
            for event in line.events
            if (match := _OPERATION.match(plane.event_metadata[event.metadata_id].name))
        ]
        of_pipeline = line.name.startswith("tf_data")
        for seconds, operation in _own_times(found):
            yield (_PIPELINE if of_pipeline else scope_of(operation) or _OTHER), seconds


def _own_times(operations: list[tuple[Any, str]]) -> Iterator[tuple[float, str]]:
    """Durations in seconds, without those of operations inside."""
    operations.sort(key=lambda pair: (pair[0].offset_ps, -pair[0].duration_ps))
    ends = [event.offset_ps + event.duration_ps for event, _ in operations]
    own: list[int] = [event.duration_ps for event, _ in operations]
    around: list[int] = []
    for place, (event, _) in enumerate(operations):
        while around and ends[around[-1]] <= event.offset_ps:
            around.pop()
        if around:
            own[around[-1]] -= event.duration_ps
        around.append(place)
    for picoseconds, (_, operation) in zip(own, operations, strict=True):
        yield picoseconds * 1e-12, operation


def _accelerator_operations(plane: Any) -> Iterator[tuple[str, float]]:
    """Scope and time of every kernel that says which operation it belongs to."""
    keys = {key for key, stat in plane.stat_metadata.items() if stat.name == "tf_op"}
    for line in plane.lines:
        for event in line.events:
            metadata = plane.event_metadata[event.metadata_id]
            for stat in (*event.stats, *metadata.stats):
                if stat.metadata_id in keys:
                    name = stat.str_value or plane.stat_metadata[stat.ref_value].name
                    yield scope_of(name.split(":")[0]) or _OTHER, event.duration_ps * 1e-12
                    break
