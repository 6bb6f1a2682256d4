"""Measures the entries of one network in one process."""

import gc
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from ieg_fsr.cost.alternation import Turns, memory_growth, memory_source, take_turns
from ieg_fsr.cost.entries import REFERENCE, Entry
from ieg_fsr.cost.rows import ratio, timing
from ieg_fsr.cost.runners import EpochRunner, StepRunner
from ieg_fsr.device_memory import device, memory_in_use, release_kernels
from ieg_fsr.training.build import resolved_jit


def measure(entries: Sequence[Entry], steps: int, mode: str, report: Callable[[str], None]) -> list[dict[str, Any]]:
    """Times the entries in turns.

    Args:
        entries: of one network.
        steps: timed steps of each (or epochs), rounded up to a multiple of the longest reward interval.
        mode: "step" or "epoch".
        report: receives what a user should read meanwhile.

    Returns:
        A row for each entry.

    Raises:
        UserError: the network does not take the images.
    """
    gc.collect()
    # One train function for each model looks to TensorFlow like one that is traced again and again.
    tf.get_logger().setLevel("ERROR")
    kind = StepRunner if mode == "step" else EpochRunner
    runners, held = [], []
    for entry in entries:
        report(f"{entry.config.network}: {entry.name} is built and traced ...")
        before = memory_in_use()
        runners.append(kind(entry, repeat=mode == "step"))
        gc.collect()
        release_kernels()
        after = memory_in_use()
        held.append(None if before is None or after is None else after - before)
    period = max(entry.period for entry in entries) if mode == "step" else 1
    rounds = -(-steps // period) * period
    for runner in runners:
        runner.prepare(rounds + period)
    runs = [runner.run for runner in runners]
    take_turns(runs, period, 1, memory_growth)  # to warm up
    report(f"{entries[0].config.network}: {rounds} {mode}s of each take turns ...")
    turns = take_turns(runs, rounds, 0, memory_growth)
    return [_row(runners, index, turns, held, period, mode) for index in range(len(runners))]


def _row(
    runners: Sequence[Any], index: int, turns: Turns, held: Sequence[int | None], period: int, mode: str
) -> dict[str, Any]:
    names = [runner.entry.name for runner in runners]
    reference = names.index(REFERENCE) if REFERENCE in names else 0
    runner, base = runners[index], runners[reference]
    config, per_epoch = runner.entry.config, runner.examples.steps_per_epoch
    figures = timing(turns.seconds[:, index], turns.seconds[:, reference], period)
    seconds = figures.pop("seconds")
    peak, base_peak = (_peak(runners[place], turns, held, place) for place in (index, reference))
    return {
        "network": config.network,
        "method": runner.entry.name,
        "relative_to": names[reference],
        "seconds_per_step": seconds if mode == "step" else seconds / per_epoch,
        "seconds_per_epoch": seconds if mode == "epoch" else None,
        **figures,
        "peak_memory_bytes": peak,
        "memory_ratio": ratio(peak, base_peak),
        "memory_of": None if peak is None else memory_source(_by_xla(runner)),
        "flops_per_step": runner.flops,
        "flops_ratio": ratio(runner.flops, base.flops),
        "forward_flops_per_image": runner.forward_flops,
        "rounds": len(turns.seconds),
        "num_examples": config.train_examples,
        "batch_size": config.batch_size,
        **{name: runner.entry.value(name) for name in ("dictionary_size", "reward_batch_size", "pusher")},
        "reward_features": config.get("reward_features"),
        "reward_interval": runner.entry.period if "reward_interval" in config else None,
        "mixup": config.mixup,
        "image_size": config.image_size,
        "jit_compile": resolved_jit(config),
        "precision": config.precision,
    }


def _by_xla(runner: Any) -> bool:
    """Whether what XLA says counts: an accelerator's allocator knows of everything, a CPU's not of its buffers."""
    return runner.xla_memory is not None and device() == "CPU:0"


def _peak(runner: Any, turns: Turns, held: Sequence[int | None], index: int) -> int | None:
    """Bytes that an entry holds between steps, and the most that a step adds; None where nothing was counted."""
    if _by_xla(runner):
        return runner.xla_memory
    own = held[index]
    return None if turns.memory is None or own is None else own + turns.memory[index] or None
