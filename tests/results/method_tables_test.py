"""Methods side by side: rows, columns and cells of made-up runs, by hand."""

from full_strength import resolve

from ieg_fsr.results.groups import group
from ieg_fsr.results.identity import Experiment
from ieg_fsr.results.method_tables import condition_tables, detail_table, is_ablation
from ieg_fsr.results.runs import Run
from ieg_fsr.results.table import cell_text


def made(accuracy, failure=None, more=None, **given):
    values = dict(resolve(given)) | {"test_accuracy": accuracy} | (more or {})
    return Run(f"runs/{given}", values, failure)


def texts(table):
    return {
        row.label: [cell_text(cell, column) for cell, column in zip(row.cells, table.columns, strict=True)]
        for row in table.rows
    }


def test_methods_against_noise():
    runs = [
        made(0.5, noise=0.8, method="supervised"),
        made(0.75, noise=0.4),
        made(0.25, noise=0.4, seed=1),
        made(0.125),
        made(None, "no summary.json", noise=0.8),
        made(0.625, noise=0.4, pusher="paper"),  # an ablation
        made(0.625, noise=0.4, noise_type="pairflip"),
    ]
    [table] = condition_tables(group(runs), "test_accuracy", "noise")
    assert [column.title for column in table.columns] == ["noise 0", "noise 0.4", "noise 0.8"]
    assert texts(table) == {
        "supervised": ["not run", "not run", "50.0 (1)"],
        "FSR": ["12.5 (1)", "50.0 ± 35.4 (2)", "not finished"],
    }
    assert table.notes == (f"FSR at noise 0.8, seed 0, has no figures (no summary.json): {runs[4].place}",)
    [flips] = condition_tables(group(runs), "test_accuracy", "asymmetric")
    assert texts(flips) == {"FSR": ["62.5 (1)"]}
    assert condition_tables(group(runs), "test_accuracy", "imbalance") == []


def test_a_table_for_each_data_set_and_protocol():
    runs = [made(0.5), made(0.25, epochs=3), made(0.75, dataset="cifar10")]
    tables = condition_tables(group(runs), "test_accuracy", "noise")
    assert [table.name for table in tables] == ["cifar10-noise", "digits-noise", "digits-epochs3-noise"]
    assert [texts(table)["FSR"] for table in tables] == [["75.0 (1)"], ["50.0 (1)"], ["25.0 (1)"]]
    assert tables[2].title == "digits (epochs 3): methods, uniform label noise, test accuracy"


def test_a_method_that_was_run_in_another_form_only_is_there_in_that_form():
    runs = [made(0.5, epochs=4, reweight_warmup_epochs=2), made(0.75, epochs=4, method="supervised")]
    [table] = condition_tables(group(runs), "test_accuracy", "noise")
    assert texts(table) == {"supervised": ["75.0 (1)"], "FSR, reweight_warmup_epochs 2": ["50.0 (1)"]}


def test_long_tails_with_and_without_noise():
    runs = [
        made(0.5, imbalance=50.0),
        made(0.75, imbalance=10.0, reweight_warmup_epochs=80),
        made(0.25, imbalance=10.0, noise=0.2),
    ]
    [tail] = condition_tables(group(runs), "test_accuracy", "imbalance")
    assert [column.title for column in tail.columns] == ["imbalance 10", "imbalance 50"]
    assert texts(tail) == {"FSR": ["not run", "50.0 (1)"], "FSR, deferred": ["75.0 (1)", "not run"]}
    [both] = condition_tables(group(runs), "test_accuracy", "long_tail_noise")
    assert texts(both) == {"FSR": ["25.0 (1)"]}


def test_clean_images_are_told_and_other_numbers_of_them_are_an_ablation():
    runs = [made(0.5, method="l2r", clean_per_class=count) for count in (10, 5)]
    [table] = condition_tables(group(runs), "test_accuracy", "noise")
    assert list(texts(table)) == ["L2R (10 clean images a class)"]
    assert all(row.clean for row in table.rows)


def test_everything_in_detail():
    figures = {"test_accuracy_ema": 0.5, "dictionary_purity": 1.0, "zero_weight_ratio": 0.25, "weight_clean": 1.5}
    figures |= {"weight_noisy": 0.125, "seconds_total": 12.4, "measured_noise_rate": 0.36, "test_accuracy_best": 0.875}
    plain = {"seconds_total": 9.0, "measured_noise_rate": 0.36}
    runs = [made(0.75, more=figures, noise=0.4), made(0.5, more=plain, noise=0.4, method="supervised")]
    table = detail_table(group(runs))
    assert table.title == "digits: comparison, noise 0.4, 36.0% of the labels wrong"
    assert table.name == "digits-comparison-noise0.4"
    assert texts(table) == {
        "supervised": ["50.0 (1)", "not measured", "not measured", "-", "-", "-", "-", "9 (1)"],
        "FSR": ["75.0 (1)", "50.0 (1)", "87.5 (1)", "100.0 (1)", "25.0 (1)", "1.50 (1)", "0.12 (1)", "12 (1)"],
    }


def test_of_a_user_s_own_data():
    """What was changed is known where something was; else nothing is, and no noise of 0 is claimed."""
    folder = {"dataset": "folder:photos"}
    [table] = condition_tables(group([made(0.5, **folder)]), "test_accuracy", "noise")
    assert [column.title for column in table.columns] == ["labels as they are"]
    assert detail_table(group([made(0.5, **folder)])).title.endswith(": comparison, labels as they are")
    more = {"measured_noise_rate": 0.25, "dictionary_purity": 1.0}
    table = detail_table(group([made(0.5, more=more, noise=0.25, **folder)]))
    assert table.title.endswith(": comparison, noise 0.25, 25.0% of the labels changed")
    [note] = table.notes
    assert "right labels are those that the data came with, which may be wrong themselves" in note


def test_no_weight_of_wrong_labels_where_none_is_wrong():
    figures = {"dictionary_purity": 1.0, "weight_clean": 1.0, "weight_noisy": None, "measured_noise_rate": 0.0}
    assert texts(detail_table(group([made(0.75, more=figures)])))["FSR"][5:7] == ["1.00 (1)", "-"]


def test_what_is_an_ablation():
    cases = {
        "pusher": ("paper", True),
        "mixup": (False, False),
        "network": ("resnet32", False),
        "pseudo_label_loss_weight": (0.0, True),
        "reweight_warmup_epochs": (3, True),
    }
    for name, (value, expected) in cases.items():
        [one] = group([made(0.5, **{name: value})])
        assert is_ablation(one) is expected, name
    [raw] = group([made(0.5, mixup=False, pseudo_label_loss_weight=0.0)])
    [deferred] = group([made(0.5, imbalance=10.0, reweight_warmup_epochs=80)])
    assert not is_ablation(raw)
    assert not is_ablation(deferred)


def test_names_of_files_are_plain_and_not_too_long():
    assert Experiment("folder:/a b/c", "").name("noise") == "folderabc-noise"
    long = [Experiment("digits", "x" * 200).name(word) for word in ("noise", "imbalance")]
    assert max(map(len, long)) < 200
    assert long[0] != long[1]
