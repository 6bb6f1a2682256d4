"""Runs that take turns, so that whatever else the machine does meets all of them alike."""

import gc
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ieg_fsr.device_memory import device, memory_in_use, peak_memory


class Turns(NamedTuple):
    """What was measured."""

    seconds: np.ndarray  # [rounds, runs]
    memory: list[int] | None  # [runs], largest growth during a turn, in bytes; None without an allocator that counts


def take_turns(runs: Sequence[Callable[[], float]], rounds: int, seed: int, memory: Callable[[], int | None]) -> Turns:
    """Every run takes one turn in every round, in an order drawn anew: none always follows the same neighbour.

    Args:
        runs: to be measured; each returns the seconds of one turn.
        rounds, seed: number of turns of each, and seed of the orders.
        memory: the largest growth since the last call, None if unknown, as `memory_growth`.
    """
    rng = np.random.default_rng(seed)
    seconds = np.zeros([rounds, len(runs)])
    growth: list[int] = [0] * len(runs)
    counted = True
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            for index in rng.permutation(len(runs)):
                memory()
                seconds[turn, index] = runs[index]()
                grown = memory()
                counted = counted and grown is not None
                growth[index] = max(growth[index], grown or 0)
    finally:
        gc.enable()
    return Turns(seconds, growth if counted else None)


def memory_source(by_xla: bool = False) -> str:
    """Whose figures these are. Args: by_xla: the compiler's, in place of an allocator's."""
    if by_xla:
        return "buffers that XLA assigned to a step, with its variables"
    left_out = " (blocks from about 256 KiB up)" if device() == "CPU:0" else ""
    return f"allocator of {device()}{left_out}: what the method holds and the most that its step adds"


def memory_growth() -> int | None:
    """Largest number of bytes given out at a time since the last call, beyond those in use then; None as above."""
    global _in_use
    in_use, peak = memory_in_use(), peak_memory()
    if in_use is None or peak is None:
        return None
    growth = peak - _in_use
    tf.config.experimental.reset_memory_stats(device())
    _in_use = in_use
    return growth


_in_use = 0
