"""Floating-point operations of a traced function, counted in its graph: convolutions and matrix products.

A multiplication and an addition are two. What is left out (batch norm, activations, the optimizer) moves memory rather
than computes; it is why a measured ratio differs from the one that is predicted by these counts.
"""

from collections.abc import Iterable

import tensorflow as tf

# Where a convolution's filter [h, w, in / groups, out] and its (gradient by the) output are found.
_CONVOLUTIONS = {
    "Conv2D": lambda op: (op.inputs[1], op.outputs[0]),
    "Conv2DBackpropInput": lambda op: (op.inputs[1], op.inputs[2]),
    "Conv2DBackpropFilter": lambda op: (op.outputs[0], op.inputs[2]),
}
_PRODUCTS = {"MatMul": "transpose_a", "BatchMatMulV2": "adj_x"}
_BRANCHES = ("If", "StatelessIf")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def count_flops(graph: tf.Graph, then_share: float = 1.0) -> float | None:
    """FLOPs of one run of a traced function's graph; None where a shape is not known before the run.

    Args: then_share: share of the runs in which a condition holds.
    """
    try:
        return sum(_flops(op, then_share) for op in _needed(graph))
    except ValueError:  # of a shape with an unknown dimension
        return None


def _flops(op: tf.Operation, then_share: float) -> float:
    if op.type in _CONVOLUTIONS:
        kernel, output = _CONVOLUTIONS[op.type](op)
        return 2.0 * _size(output) * _size(kernel) / kernel.shape.as_list()[-1]
    if op.type in _PRODUCTS:
        left = op.inputs[0].shape.as_list()
        summed = left[-2] if op.get_attr(_PRODUCTS[op.type]) else left[-1]
        return 2.0 * _size(op.outputs[0]) * summed
    if op.type in _BRANCHES:
        shares = {"then_branch": then_share, "else_branch": 1.0 - then_share}
        return sum(share * _of_function(op, attribute, then_share) for attribute, share in shares.items())
    return _of_function(op, "f", then_share) if op.type in _CALLS else 0.0


def _of_function(op: tf.Operation, attribute: str, then_share: float) -> float:
    """FLOPs of a function that an operation calls."""
    function = op.graph._get_function(op.get_attr(attribute).name)
    return sum(_flops(inner, then_share) for inner in _needed(function.graph))


def _needed(graph: tf.Graph) -> Iterable[tf.Operation]:
    """The operations that a run executes: those that lead to a result or to an effect."""
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    seen = set()
    while waiting:
        op = waiting.pop()
        if op not in seen:
            seen.add(op)
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
            yield op


def _size(tensor: tf.Tensor) -> int:
    if (size := tensor.shape.num_elements()) is None:
        raise ValueError(f"{tensor.name} has no fixed shape")
    return size
