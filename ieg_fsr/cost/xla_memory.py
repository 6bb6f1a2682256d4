"""Memory of a function that XLA compiles: the buffers that it assigns, known without running it."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2


def xla_memory(function: Callable, *arguments: Any) -> int:
    """Bytes of all buffers: arguments, variables, results and what lies between them.

    Args:
        function: of tensors; it may read and assign variables. It is compiled once more for this.
        *arguments: one call's, nested as they may be.
    """
    compiled = tf.function(function, jit_compile=True)
    described = compiled.experimental_get_compiler_ir(*arguments)(stage="optimized_hlo_proto_serialized")
    buffers = hlo_pb2.HloProto.FromString(described).buffer_assignment.buffer_allocations
    return sum(buffer.size for buffer in buffers)
