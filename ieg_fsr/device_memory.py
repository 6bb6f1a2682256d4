"""How much memory TensorFlow's allocator has given out on the device that trains."""

import tensorflow as tf
from tensorflow.python.eager import context


def device() -> str:
    """The device whose memory counts."""
    return "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"


def memory_in_use() -> int | None:
    """Bytes that the allocator has given out; None where it does not count them, as on a CPU without AVX-512."""
    return _counted("current")


def peak_memory() -> int | None:
    """Largest number of bytes given out at a time since the start, or the last reset; None as above."""
    return _counted("peak")


def release_kernels() -> None:
    """Frees what kernels of operations that have ended still hold: of some gradients a forward's activations."""
    context.context().clear_kernel_cache()


def _counted(name: str) -> int | None:
    try:
        return int(tf.config.experimental.get_memory_info(device())[name])
    except ValueError:
        return None
