"""From measured turns to rows of figures: medians, paired ratios with their quartiles, predictions. NumPy only."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def by_place(values: np.ndarray, period: int, percentile: float = 50.0) -> float:
    """Percentile of the turns at each place of a period, averaged over the places.

    A method that forwards a reward batch every fourth step has two kinds of steps: the median of all would be that of
    the cheap ones.

    Args: values: [rounds], a multiple of `period`, after which the kinds of turns repeat. percentile: in [0, 100].
    """
    return float(np.percentile(values.reshape(-1, period), percentile, axis=0).mean())


def timing(seconds: np.ndarray, reference: np.ndarray, period: int) -> dict[str, float]:
    """Time of a turn, and its ratio to that of the reference in the same round.

    Args: seconds, reference: [rounds]. period: see `by_place`.

    Returns: seconds, time_ratio (medians) and time_ratio_q1, time_ratio_q3 (quartiles of the paired ratios).
    """
    ratios = seconds / reference
    return {
        "seconds": by_place(seconds, period),
        "time_ratio": by_place(ratios, period),
        "time_ratio_q1": by_place(ratios, period, 25),
        "time_ratio_q3": by_place(ratios, period, 75),
    }


def ratio(value: float | None, reference: float | None) -> float | None:
    """One over the other; None where one is not known."""
    return None if value is None or not reference else value / reference


_COLUMNS = {
    "network": ("network", "{}"),
    "method": ("method", "{}"),
    "num_examples": ("N", "{}"),
    "dictionary_size": ("|R|", "{}"),
    "reward_batch_size": ("q", "{}"),
    "pusher": ("pusher", "{}"),
    "reward": ("reward features", "{}"),
    "seconds_per_step": ("ms / step", "{:.1f}"),
    "seconds_per_epoch": ("s / epoch", "{:.1f}"),
    "seconds_per_run": ("s / run", "{:.1f}"),
    "seconds_in_epochs": ("s in epochs", "{:.1f}"),
    "time_ratio": ("time", "{:.3f}"),
    "quartiles": ("quartiles", "{}"),
    "steps_per_run": ("steps", "{:.0f}"),
    "test_accuracy": ("test accuracy", "{:.3f}"),
    "seconds_to_reach": ("s to reach", "{:.1f}"),
    "flops_ratio": ("FLOPs", "{:.3f}"),
    "peak_memory_bytes": ("MiB", "{:.0f}"),
    "memory_ratio": ("memory", "{:.3f}"),
}
_STEP = ("pusher", "reward")
_FACTORS = {"seconds_per_step": 1e3, "peak_memory_bytes": 2.0**-20}


def reward_of(row: dict[str, Any]) -> str | None:
    """Where reward features come from: history, forward, forward / 4; None where there are none."""
    features, interval = row.get("reward_features"), row.get("reward_interval")
    return f"{features} / {interval}" if features == "forward" and interval != 1 else features


def differing(rows: Sequence[dict[str, Any]], row: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Those of the names in which a row differs from another one of the same method and network."""
    same = [other for other in rows if (other["network"], other["method"]) == (row["network"], row["method"])]
    return [name for name in names if len({other.get(name) for other in same}) > 1]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table; columns that no row has are left out, and settings of the step that were not varied."""
    shown = [row | {"quartiles": f"{row['time_ratio_q1']:.3f}-{row['time_ratio_q3']:.3f}"} for row in rows]
    shown = [row | {"reward": reward_of(row)} for row in shown]
    varied = {name for row in shown for name in differing(shown, row, _STEP)}
    names = [name for name in _COLUMNS if any(row.get(name) is not None for row in shown)]
    names = [name for name in names if name not in _STEP or name in varied]
    lines = [[_COLUMNS[name][0] for name in names], ["---"] * len(names)]
    lines += [[_cell(name, row.get(name)) for name in names] for row in shown]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    return _COLUMNS[name][1].format(value * _FACTORS[name] if name in _FACTORS else value)
