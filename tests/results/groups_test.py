"""Groups of seeds: which run is used, figures by hand, and what readers are told."""

import pytest
from full_strength import resolve

from ieg_fsr.results.groups import group, mean_and_deviation
from ieg_fsr.results.runs import Run


def made(accuracy, place, failure=None, more=None, **given):
    values = dict(resolve(given)) | {"test_accuracy": accuracy} | (more or {})
    return Run(place, values, failure)


def test_mean_and_deviation_by_hand():
    assert mean_and_deviation([0.5]) == (0.5, None)
    mean, deviation = mean_and_deviation([1.0, 2.0, 6.0])
    assert mean == 3.0
    assert deviation == pytest.approx(7**0.5)  # (4 + 1 + 9) / 2


def test_seeds_come_together_and_settings_apart():
    runs = [made(seed / 10, f"r{seed}-{pusher}", seed=seed, pusher=pusher)
            for seed in (2, 0, 1) for pusher in ("lookahead", "paper")]  # fmt: skip
    groups = group([*runs, made(0.9, "s", method="supervised")])
    assert [one.identity.variant for one in groups] == ["supervised", "FSR", "FSR, pusher paper"]
    assert [run.seed for run in groups[1].runs] == [0, 1, 2]
    assert groups[1].figures("test_accuracy") == [0.0, 0.1, 0.2]
    assert groups[1].figures("dictionary_purity") == []
    assert groups[1].notes() == []


def test_of_two_runs_with_one_seed_the_later_is_used_and_both_are_named():
    early, late = {"started": "2025-01-01"}, {"started": "2025-01-02"}
    [one] = group([made(0.5, "late", more=late), made(0.75, "early", more=early), made(0.25, "other", seed=1)])
    assert one.figures("test_accuracy") == [0.5, 0.25]
    assert one.notes() == ["FSR at noise 0, seed 0, was run more than once: late is used, early is not"]
    [one] = group([made(0.5, "b"), made(0.75, "a")])
    assert one.figures("test_accuracy") == [0.5]


def test_failed_runs_are_named_and_have_no_part_in_the_figures():
    [one] = group([made(None, "x", "no summary.json", noise=0.4, seed=2), made(0.5, "y", noise=0.4)])
    assert one.figures("test_accuracy") == [0.5]
    assert one.notes() == ["FSR at noise 0.4, seed 2, has no figures (no summary.json): x"]


def test_versions_that_differ_are_named():
    runs = [
        made(0.5, f"r{seed}", seed=seed, more={"versions": {"numpy": "2", "keras": "3.1" if seed else "3.0"}})
        for seed in (0, 1, 2)
    ]
    [one] = group(runs)
    assert one.notes() == ["FSR at noise 0: runs differ in version of keras: 3.0 (seed 0); 3.1 (seed 1, 2)"]


def test_values_of_a_setting_are_ordered_as_numbers():
    groups = group([made(0.5, str(size), dictionary_size=size) for size in (400, 50, 100)])
    assert [dict(one.identity.differences)["dictionary_size"] for one in groups] == [50, 100, 400]
