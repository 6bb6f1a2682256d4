"""Rows of a real measurement of a small network."""

import pytest

from ieg_fsr.cost.entries import entries_of
from ieg_fsr.cost.measurement import measure

pytestmark = pytest.mark.usefixtures("two_blocks")

SETTINGS = {"image_size": 8, "batch_size": 20, "reward_batch_size": 10, "reward_interval": 2}
# Multiplications for an image: 16 filters of 3x3x3 at 8x8 places, 32 of 3x3x16 at 4x4, and 32 to 10.
FIRST_LAYER = 64 * 16 * 27
FORWARD = FIRST_LAYER + 16 * 32 * 144 + 320
SWEEPS = {"train_examples": [100], "dictionary_size": [20, 40]}


@pytest.mark.parametrize("mode", ["step", "epoch"])
def test_rows(mode):
    entries = entries_of("small_cnn", ["supervised", "fsr"], SETTINGS, SWEEPS)
    told = []
    rows = measure(entries, 3, mode, told.append)
    assert [(row["method"], row["dictionary_size"]) for row in rows] == [("supervised", None), ("fsr", 20), ("fsr", 40)]
    assert [row["relative_to"] for row in rows] == ["supervised"] * 3
    assert rows[0]["time_ratio"] == rows[0]["flops_ratio"] == 1.0
    assert rows[1]["time_ratio_q1"] <= rows[1]["time_ratio"] <= rows[1]["time_ratio_q3"]
    # Half a forward of 10 for every forward and backward of 20, which leaves out the gradient by the images.
    expected = 1 + 0.5 * 10 * FORWARD / (20 * (3 * FORWARD - FIRST_LAYER))
    assert rows[1]["flops_ratio"] == pytest.approx(expected, rel=0.01)
    assert all(row["seconds_per_step"] > 0 for row in rows)
    # Whole reward intervals of steps.
    assert {row["rounds"] for row in rows} == {4 if mode == "step" else 3}
    if mode == "epoch":
        assert rows[1]["seconds_per_epoch"] == pytest.approx(5 * rows[1]["seconds_per_step"])
    assert any("take turns" in line for line in told)


def test_the_first_row_stands_in_for_a_missing_reference():
    rows = measure(
        entries_of("small_cnn", ["fsr"], SETTINGS, {"train_examples": [100], "dictionary_size": [20]}), 1, "step", print
    )
    assert (rows[0]["relative_to"], rows[0]["time_ratio"]) == ("fsr", 1.0)


@pytest.mark.slow
def test_memory_of_a_compiled_step_is_that_of_its_buffers():
    entries = entries_of("small_cnn", ["supervised", "fsr"], SETTINGS | {"jit_compile": "true"}, SWEEPS)[:2]
    supervised, fsr = measure(entries, 1, "step", print)
    assert supervised["memory_of"] == fsr["memory_of"] == "buffers that XLA assigned to a step, with its variables"
    # At least an image's activations: 16 and 32 channels at 8x8 and 4x4 places.
    activations = 4 * 20 * (16 * 64 + 32 * 16)
    assert activations < supervised["peak_memory_bytes"] < 20 * activations
    # Tables of 100 examples are small beside a batch of 20 images.
    assert 1.0 < fsr["memory_ratio"] < 1.5
