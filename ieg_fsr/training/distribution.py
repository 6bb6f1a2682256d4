"""Several replicas: which, by tf.distribute's engines, and the end of a worker among several.

Nothing here imports TensorFlow before it is needed: what does not fit is said at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ieg_fsr.errors import UserError
from ieg_fsr.files import parse_json
from ieg_fsr.setting import Config

if TYPE_CHECKING:
    import tensorflow as tf

# Exit code of a worker that lost another one.
WORKER_LOST = 3
# Seconds that a worker waits for the others in an exchange; checkpoints and models are written within it.
_PATIENCE = 600
# TensorFlow's errors, by name: this module is loaded before TensorFlow is.
_OF_A_LOST_WORKER = ("UnavailableError", "DeadlineExceededError", "AbortedError", "CancelledError")


class Place(NamedTuple):
    """This process among the workers of a run."""

    worker: int = 0  # 0..workers - 1; worker 0 writes the run's files
    workers: int = 1  # but for `--strategy=multi_worker`


def place_of(config: Config, environment: Mapping[str, str] = os.environ) -> Place:
    """What can be checked without TensorFlow: UserError where settings, or these and TF_CONFIG, do not go together."""
    if config.num_replicas is not None and config.strategy != "mirrored":
        raise UserError(
            f"--num_replicas must be given with --strategy=mirrored only. Received: --strategy={config.strategy}"
        )
    if config.strategy != "none" and config.precision == "mixed_float16":
        raise UserError(
            "--precision must be float32 or mixed_bfloat16 with --strategy other than none: replicas would disagree on "
            "the scale of the loss. Received: mixed_float16"
        )
    _check_divides(config, config.num_replicas or 1)
    if config.strategy != "multi_worker":
        return Place()
    place = _place_in_cluster(environment.get("TF_CONFIG", ""))
    _check_divides(config, place.workers)
    return place


def strategy_of(config: Config) -> tf.distribute.Strategy:
    """The strategy of `--strategy`, to be asked for before TensorFlow computes anything; UserError without devices."""
    import tensorflow as tf

    if config.strategy == "none":
        return tf.distribute.get_strategy()
    if config.strategy == "mirrored":
        strategy = tf.distribute.MirroredStrategy(_local_devices(config.num_replicas))
    else:
        options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=_PATIENCE)
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    _check_divides(config, strategy.num_replicas_in_sync)
    return strategy


@contextlib.contextmanager
def ends_with_the_others(model_dir: str, place: Place, again: str = "the same command") -> Iterator[None]:
    """Ends this process, with one line and `WORKER_LOST`, when an exchange fails because another worker is gone.

    At once: TensorFlow's own way out would wait for the lost one.
    """
    try:
        yield
    except Exception as error:
        name = type(error).__name__
        if place.workers == 1 or name not in _OF_A_LOST_WORKER or not type(error).__module__.startswith("tensorflow"):
            raise
        print(
            f"ieg_fsr: worker {place.worker} lost another of the {place.workers} workers ({name}); {again} "
            f"on all of them goes on from the last checkpoint in {model_dir}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(WORKER_LOST)


def any_worker(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """Whether any worker says so, from what this one says; all must ask at once. One process asks itself."""
    total = _total(strategy)
    return lambda flag: total(float(flag)) > 0


def check_same_step(step: int | None, strategy: tf.distribute.Strategy, model_dir: str | None) -> None:
    """Raises UserError on every worker unless all go on from the checkpoint of the same step, or from none."""
    number = -1 if step is None else step
    differs = _total(strategy)(number) != number * strategy.num_replicas_in_sync
    if any_worker(strategy)(differs):
        found = "no checkpoint" if step is None else f"the checkpoint of step {step}"
        raise UserError(
            "--model_dir must be a directory that all workers see, for all to go on from the same checkpoint. "
            f"Received: {model_dir}, where this worker found {found}"
        )


def _total(strategy: tf.distribute.Strategy) -> Callable[[float], float]:
    """The sum over all replicas of what their workers say; exact for whole numbers."""
    import tensorflow as tf

    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return lambda value: value * strategy.num_replicas_in_sync

    @tf.function
    def total(value: tf.Tensor) -> tf.Tensor:
        return strategy.reduce("SUM", strategy.run(tf.identity, args=(value,)), axis=None)

    return lambda value: float(total(tf.constant(value, tf.float64)))


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Comes back when every worker has come here: none leaves while another still needs it."""
    _total(strategy)(1)


def _place_in_cluster(text: str) -> Place:
    """The place that TF_CONFIG gives this process."""
    rule = 'TF_CONFIG must be {"cluster": {"worker": [HOST:PORT, ...]}, "task": {"type": "worker", "index": 0}}'
    try:
        description: dict[str, Any] = parse_json(text)
        workers, task = description["cluster"]["worker"], description["task"]
        index = task["index"]
        fits = task["type"] == "worker" and isinstance(workers, list) and type(index) is int
        fits = fits and index in range(len(workers))
    except (ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise UserError(
            f"{rule} with --strategy=multi_worker; launch/multi_worker.sh sets it. Received: {text or 'nothing'}"
        )
    return Place(task["index"], len(workers))


def _local_devices(replicas: int | None) -> list[str]:
    """All GPUs, or the first of them; without any that many logical CPU devices."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        if (replicas or 1) > len(gpus):
            raise UserError(f"--num_replicas must be at most {len(gpus)}, the GPUs here. Received: {replicas}")
        return [f"GPU:{i}" for i in range(replicas or len(gpus))]
    if replicas is None:
        raise UserError("--num_replicas must be given where there is no GPU: CPU devices. Received: nothing")
    [cpu] = tf.config.list_physical_devices("CPU")
    if len(tf.config.get_logical_device_configuration(cpu) or [None]) < replicas:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    return [f"CPU:{i}" for i in range(replicas)]


def _check_divides(config: Config, replicas: int) -> None:
    if config.batch_size % replicas:
        raise UserError(
            f"--batch_size must be a multiple of {replicas}, the replicas that share it. Received: {config.batch_size}"
        )
