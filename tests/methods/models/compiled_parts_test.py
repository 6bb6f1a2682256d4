"""The decorator on a class of its own; under a strategy: several_replicas_test.py."""

import tensorflow as tf

from ieg_fsr.methods.models.compiled_parts import compiled_part


class Doubling:
    def __init__(self, compiled_parts):
        self.compiled_parts = compiled_parts
        self.factor = tf.Variable(2.0)
        self.names = []

    @compiled_part
    def double(self, values):
        self.names.append(values.name if hasattr(values, "graph") else "eager")
        return self.factor * values


def test_compiles_where_asked_for_and_once():
    plain, compiled = Doubling(None), Doubling({})
    for number in (3.0, 4.0):
        assert float(plain.double(tf.constant(number))) == float(compiled.double(tf.constant(number))) == 2 * number
    assert plain.names == ["eager"] * 2
    assert len(compiled.names) == 1
    assert list(compiled.compiled_parts) == ["double"]
    assert "fusion" in compiled.compiled_parts["double"].experimental_get_compiler_ir(tf.ones([9]))("optimized_hlo")


def test_gradient_passes():
    doubling = Doubling({})
    with tf.GradientTape() as tape:
        result = doubling.double(tf.constant(3.0))
    assert float(tape.gradient(result, doubling.factor)) == 3
