"""Medians, paired ratios and their table, by hand."""

import numpy as np
import pytest

from ieg_fsr.cost.rows import by_place, ratio, reward_of, table, timing


def test_a_periods_dear_steps_are_not_lost_in_the_median():
    seconds = np.array([4.0, 1, 1, 1, 8, 1, 1, 1, 6, 1, 1, 99])
    assert np.median(seconds) == 1
    # Medians at the four places: 6, 1, 1, 1.
    assert by_place(seconds, 4) == pytest.approx(9 / 4)
    assert by_place(seconds, 1) == 1


def test_ratios_are_paired_within_a_round():
    """A machine that is slow for a while is slow for both."""
    reference = np.array([1.0, 2, 5, 1, 3])
    figures = timing(1.5 * reference, reference, 1)
    assert figures == pytest.approx({"seconds": 3.0, "time_ratio": 1.5, "time_ratio_q1": 1.5, "time_ratio_q3": 1.5})
    spread = timing(np.array([1.0, 2, 3, 4, 5]), np.ones(5), 1)
    assert (spread["time_ratio_q1"], spread["time_ratio"], spread["time_ratio_q3"]) == (2, 3, 4)


@pytest.mark.parametrize(("value", "reference", "expected"), [(6, 4, 1.5), (None, 4, None), (6, None, None)])
def test_ratio_of_what_is_known(value, reference, expected):
    assert ratio(value, reference) == expected


def test_table_leaves_out_what_no_row_has():
    row = {"network": "n", "method": "m", "seconds_per_step": 0.0125, "time_ratio": 1.25, "time_ratio_q1": 1.2}
    row |= {"time_ratio_q3": 1.3, "flops_ratio": None, "peak_memory_bytes": None, "memory_ratio": None}
    other = row | {"method": "longer", "peak_memory_bytes": 3 * 2**20}
    assert table([row, other]).splitlines() == [
        "| network | method | ms / step | time  | quartiles   | MiB |",
        "| ---     | ---    | ---       | ---   | ---         | --- |",
        "| n       | m      | 12.5      | 1.250 | 1.200-1.300 | -   |",
        "| n       | longer | 12.5      | 1.250 | 1.200-1.300 | 3   |",
    ]


def test_table_shows_the_settings_of_the_step_that_were_varied():
    row = {"network": "n", "method": "fsr", "time_ratio": 1.25, "time_ratio_q1": 1.2, "time_ratio_q3": 1.3}
    row |= {"pusher": "release", "reward_features": "forward", "reward_interval": 4}
    history = row | {"reward_features": "history", "reward_interval": 1}
    other = {name: value for name, value in row.items() if not name.startswith(("reward", "pusher"))} | {"method": "m"}
    assert table([other, row, history]).splitlines() == [
        "| network | method | reward features | time  | quartiles   |",
        "| ---     | ---    | ---             | ---   | ---         |",
        "| n       | m      | -               | 1.250 | 1.200-1.300 |",
        "| n       | fsr    | forward / 4     | 1.250 | 1.200-1.300 |",
        "| n       | fsr    | history         | 1.250 | 1.200-1.300 |",
    ]
    assert "reward" not in table([other, row])
    assert [reward_of(row | {"reward_interval": 1}), reward_of(other)] == ["forward", None]
