"""`lookahead_weights` against the authors' own step, a closed form in float64 and finite differences.

`original_tiny.npz` holds the inputs and outputs of one step of the authors' code (TensorFlow 1) from a fixed state: 100
training images without MixUp, 200 reward images, 10 classes, learning rate 0.1. Its three variants are momentum 0.9 or
0 in the lookahead, weights clipped ("clip") or shifted ("noclip").
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting import lookahead_weights
from ieg_fsr.reweighting.pushers import PUSHERS, PusherInputs

TOLERANCE = 1e-5
ORIGINAL = dict(np.load(pathlib.Path(__file__).with_name("original_tiny.npz")))
# variant in the file -> momentum of the lookahead, weight constraint
VARIANTS = {"mm0.9_clip": (0.9, "clip"), "mm0.9_noclip": (0.9, "shift"), "mm0_clip": (0.0, "clip")}
LEARNING_RATE = 0.1


def one_hot(labels):
    return np.eye(10, dtype=np.float32)[labels]


def original_result(variant):
    """The product's result for the state in the file, from NumPy arrays."""
    momentum, constraint = VARIANTS[variant]
    return lookahead_weights(
        ORIGINAL["feat_train"],
        one_hot(ORIGINAL["train_labels"]),
        ORIGINAL["feat_meta_all"][:200],
        one_hot(ORIGINAL["reward_labels"]),
        *(ORIGINAL[name] for name in ("kernel", "bias", "acc_kernel", "acc_bias")),
        lookahead_learning_rate=LEARNING_RATE,
        lookahead_momentum=momentum,
        weight_decay=float(ORIGINAL["wd"]),
        weight_constraint=constraint,
    )


def test_the_file_has_no_variant_that_goes_untested():
    assert {key.split("/")[0] for key in ORIGINAL if "/" in key} == set(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("sample_weights", "weight"),
        ("meta_gradient", "grad_target"),
        ("lookahead_kernel", "look_kernel"),
        ("lookahead_bias", "look_bias"),
    ],
)
def test_agrees_with_the_authors_code(variant, field, key):
    expected = ORIGINAL[f"{variant}/{key}"]
    np.testing.assert_allclose(getattr(original_result(variant), field), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("pusher", ["release", "shared", "paper", "lookahead"])
def test_pushers_reproduce_the_authors_margin(variant, pusher):
    """Without MixUp the three differences are one, the authors' margin; `lookahead` is its second term."""
    result = original_result(variant)
    inputs = PusherInputs(
        losses=ORIGINAL[f"{variant}/net_cost"],
        features=ORIGINAL["feat_train"],
        unmixed_features=ORIGINAL["feat_meta_all"][200:],
        own_targets=one_hot(ORIGINAL["train_labels"]),
        logits=lambda features, layer: tf.matmul(features, layer[0]) + layer[1],
        parameters=[ORIGINAL["kernel"], ORIGINAL["bias"]],
        lookahead_parameters=[result.lookahead_kernel, result.lookahead_bias],
    )
    margin, loss_after = ORIGINAL[f"{variant}/loss_margin"], ORIGINAL[f"{variant}/meta_net_cost"]
    expected = -loss_after if pusher == "lookahead" else margin
    np.testing.assert_allclose(PUSHERS[pusher].score(inputs), expected, rtol=0, atol=TOLERANCE)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def virtual_step(weights, case, momentum, weight_decay):
    """W', c' for sample weights [B], in float64."""
    h, y, _, _, kernel, bias, kernel_accumulator, bias_accumulator = case
    errors = weights[:, np.newaxis] * (softmax(h @ kernel + bias) - y)
    kernel_gradient = h.T @ errors + weight_decay * kernel + momentum * kernel_accumulator
    bias_gradient = errors.sum(axis=0) + weight_decay * bias + momentum * bias_accumulator
    return kernel - LEARNING_RATE * kernel_gradient, bias - LEARNING_RATE * bias_gradient


def closed_form(case, momentum, weight_decay, constraint):
    """Weights, meta gradient, W', c' of a final Dense layer; e = softmax(z) - y, r = softmax(z') - y at (W', c').

    meta gradient_i = -eta e_i . (GW^T h_i + Gc),   GW = 1/q sum_j g_j r_j^T + wd W',   Gc = 1/q sum_j r_j + wd c'
    """
    h, y, g, reward_y, kernel, bias, *_ = case
    batch_size, reward_size = len(h), len(g)
    new_kernel, new_bias = virtual_step(np.full(batch_size, 1 / batch_size), case, momentum, weight_decay)
    reward_errors = softmax(g @ new_kernel + new_bias) - reward_y
    kernel_slope = g.T @ reward_errors / reward_size + weight_decay * new_kernel
    bias_slope = reward_errors.sum(axis=0) / reward_size + weight_decay * new_bias
    errors = softmax(h @ kernel + bias) - y
    meta_gradient = -LEARNING_RATE * (errors * (h @ kernel_slope + bias_slope)).sum(axis=1)
    if constraint == "clip":
        u = np.maximum(0, -meta_gradient)
    else:
        raw = 1 / batch_size - meta_gradient
        u = raw - raw.min() + 1 / batch_size
    return u / (u.sum() + 1e-5), meta_gradient, new_kernel, new_bias


def random_case(batch_size, num_features, reward_size, num_classes, soft=False, seed=0):
    """h, y, g, reward y, kernel, bias, accumulators in float64; features are positive as behind a ReLU."""
    rng = np.random.default_rng(seed)

    def targets(size):
        if soft:
            return rng.dirichlet(np.ones(num_classes), size)
        return np.eye(num_classes)[rng.integers(0, num_classes, size)]

    return (
        np.abs(rng.normal(size=(batch_size, num_features))),
        targets(batch_size),
        np.abs(rng.normal(size=(reward_size, num_features))),
        targets(reward_size),
        rng.normal(size=(num_features, num_classes)),
        rng.normal(size=num_classes),
        rng.normal(size=(num_features, num_classes)),
        rng.normal(size=num_classes),
    )


@pytest.mark.parametrize("constraint", ["clip", "shift"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
@pytest.mark.parametrize(
    ("sizes", "soft"),
    [((8, 5, 6, 3), False), ((8, 5, 6, 3), True), ((16, 4, 1, 2), False), ((7, 1, 20, 2), True), ((1, 3, 2, 4), True)],
)
def test_agrees_with_the_closed_form(sizes, soft, weight_decay, momentum, constraint):
    case = random_case(*sizes, soft=soft)
    result = lookahead_weights(
        *case,
        lookahead_learning_rate=LEARNING_RATE,
        lookahead_momentum=momentum,
        weight_decay=weight_decay,
        weight_constraint=constraint,
    )
    for actual, expected in zip(result, closed_form(case, momentum, weight_decay, constraint), strict=True):
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


def test_without_accumulators_the_momentum_has_nothing_to_act_on():
    case = random_case(8, 5, 6, 3)
    result = lookahead_weights(*case[:6], lookahead_learning_rate=LEARNING_RATE, lookahead_momentum=0.9)
    for actual, expected in zip(result, closed_form(case, 0.0, 0.0, "clip"), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


def test_meta_gradient_agrees_with_finite_differences():
    case = random_case(6, 4, 5, 3, soft=True)
    momentum, weight_decay, step = 0.9, 0.05, 1e-5

    def reward_loss(weights):
        kernel, bias = virtual_step(weights, case, momentum, weight_decay)
        cross_entropy = -(case[3] * np.log(softmax(case[2] @ kernel + bias))).sum(axis=1).mean()
        return cross_entropy + weight_decay / 2 * (np.square(kernel).sum() + np.square(bias).sum())

    uniform = np.full(6, 1 / 6)
    differences = [reward_loss(uniform + one) - reward_loss(uniform - one) for one in step * np.eye(6)]
    meta_gradient = lookahead_weights(*case, lookahead_learning_rate=LEARNING_RATE, weight_decay=weight_decay)[1]
    np.testing.assert_allclose(meta_gradient, np.array(differences) / (2 * step), rtol=0, atol=1e-6)


@pytest.mark.parametrize("constraint", ["clip", "shift"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_same_result_inside_a_function(jit_compile, constraint):
    case = [tf.constant(value, tf.float32) for value in random_case(8, 5, 6, 3, soft=True)]

    @tf.function(jit_compile=jit_compile)
    def compiled(*arguments):
        return lookahead_weights(*arguments, weight_decay=0.05, weight_constraint=constraint)

    eager = lookahead_weights(*case, weight_decay=0.05, weight_constraint=constraint)
    for actual, expected in zip(compiled(*case), eager, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


def test_unknown_constraint_is_refused():
    with pytest.raises(ValueError, match=r"weight_constraint must be one of clip, shift. Received: square"):
        lookahead_weights(*random_case(2, 2, 2, 2), weight_constraint="square")
