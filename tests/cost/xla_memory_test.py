"""Buffers of compiled functions against sizes by hand."""

import pytest
import tensorflow as tf

from ieg_fsr.cost.xla_memory import xla_memory

SIDE = 256
MATRIX = 4 * SIDE * SIDE


def test_arguments_variables_and_results_are_counted():
    a, variable = tf.ones([SIDE, SIDE]), tf.Variable(tf.ones([SIDE, SIDE]))
    assert xla_memory(lambda x: x + 1.0, a) == pytest.approx(2 * MATRIX, rel=0.01)
    assert xla_memory(lambda x: x + variable, a) == pytest.approx(3 * MATRIX, rel=0.01)
    assert xla_memory(lambda pair: pair["x"] + pair["y"], {"x": a, "y": a}) == pytest.approx(3 * MATRIX, rel=0.01)


def test_a_variable_that_is_assigned_has_a_second_buffer_and_keeps_its_value():
    variable = tf.Variable(tf.ones([SIDE, SIDE]))
    assert xla_memory(lambda x: variable.assign_add(x), tf.ones([SIDE, SIDE])) >= 2 * MATRIX
    assert float(tf.reduce_max(variable)) == 1.0


def test_what_lies_between_is_counted_once_it_is_dead_its_place_is_free():
    def products(x):
        for _ in range(6):
            x = x @ x
        return x

    # Argument and result, and two places that the five matrices between them take in turns.
    assert xla_memory(products, tf.ones([SIDE, SIDE])) == pytest.approx(4 * MATRIX, rel=0.3)
