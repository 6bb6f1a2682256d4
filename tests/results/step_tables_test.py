"""The table that decides the default of the step, of made-up runs."""

import pytest
from full_strength import resolve

from ieg_fsr.results.groups import group
from ieg_fsr.results.runs import Run
from ieg_fsr.results.step_tables import step_tables
from ieg_fsr.results.table import cell_text

FAITHFUL = {"pusher": "release", "reward_features": "forward", "reward_interval": 1}
HISTORY = {"pusher": "lookahead", "reward_features": "history"}
EVERY_FOURTH = {"pusher": "lookahead", "reward_features": "forward", "reward_interval": 4}


def made(accuracy, seed=0, noise=0.4, **given):
    values = dict(resolve({"noise": noise, "seed": seed} | given)) | {"test_accuracy": accuracy}
    weights = {"weight_noisy": 0.5, "weight_clean": 1.25} if noise < 0.8 else {}
    return Run(f"runs/{noise}-{seed}-{given}", values | weights | {"dictionary_purity": accuracy / 2})


def texts(table):
    return {
        row.label: [cell_text(cell, column) for cell, column in zip(row.cells, table.columns, strict=True)]
        for row in table.rows
    }


def test_rows_conditions_and_the_worst_loss_against_faithful():
    runs = [
        # Mean .80 and .60, deviation .0141 and .0141.
        *(made(accuracy, seed, **FAITHFUL) for seed, accuracy in enumerate((0.79, 0.81))),
        *(made(accuracy, seed, 0.8, **FAITHFUL) for seed, accuracy in enumerate((0.59, 0.61))),
        # .80 and .5576, deviation .0424 (the larger one): behind by nothing, and by a whole deviation.
        *(made(accuracy, seed, **HISTORY) for seed, accuracy in enumerate((0.79, 0.81))),
        *(made(accuracy, seed, 0.8, **HISTORY) for seed, accuracy in enumerate((0.5276, 0.5876))),
        # One seed: no deviation, so nothing to compare with.
        *(made(0.9, 0, noise, **EVERY_FOURTH) for noise in (0.4, 0.8)),
        # Nothing to compare with: faithful without MixUp was not run.
        *(made(accuracy, seed, mixup=False, **HISTORY) for seed, accuracy in enumerate((0.2, 0.3))),
        made(0.25, noise=0.8, mixup=False, **HISTORY),
        # One step in a condition, one condition of a step.
        made(0.1, noise=0.2, **HISTORY),
        made(0.1, **EVERY_FOURTH | {"pusher": "paper"}),
        # No part of the table.
        made(0.1, dictionary_size=50, **HISTORY),
        made(0.1, faithful=True),
        made(0.1, method="supervised"),
    ]
    accuracy, purity, weight = step_tables(group(runs), "test_accuracy")
    assert [table.name for table in (accuracy, purity, weight)] == [
        "digits-steps",
        "digits-steps-dictionary_purity",
        "digits-steps-weight_ratio",
    ]
    assert [column.title for column in accuracy.columns] == [
        "noise 0.4",
        "noise 0.8",
        "behind faithful at worst, in s.d.",
    ]
    assert texts(accuracy) == {
        "lookahead, forward / 4": ["90.0 (1)", "90.0 (1)", "not run"],
        "lookahead, history": ["80.0 ± 1.4 (2)", "55.8 ± 4.2 (2)", "1.0"],
        "release, forward": ["80.0 ± 1.4 (2)", "60.0 ± 1.4 (2)", "0.0"],
        "lookahead, history, no MixUp": ["25.0 ± 7.1 (2)", "25.0 (1)", "not run"],
    }
    assert texts(purity)["release, forward"] == ["40.0 ± 0.7 (2)", "30.0 ± 0.7 (2)"]
    assert texts(weight)["release, forward"] == ["0.40 ± 0.00 (2)", "not measured"]


@pytest.mark.parametrize("others", [[], [HISTORY | {"pusher": "release"}], [FAITHFUL | {"pusher": "shared"}]])
def test_nothing_without_two_pushers_and_two_kinds_of_reward_features(others):
    assert step_tables(group([made(0.5, **given) for given in (FAITHFUL, *others)]), "test_accuracy") == []


def test_a_loss_where_nothing_varies_is_infinite():
    runs = [made(0.5, seed, **FAITHFUL) for seed in (0, 1)] + [made(0.25, seed, **HISTORY) for seed in (0, 1)]
    assert texts(step_tables(group(runs), "test_accuracy")[0])["lookahead, history"][-1] == "inf"
