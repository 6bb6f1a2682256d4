"""Ablations of made-up runs: what belongs to each, in which row."""

from full_strength import resolve

from ieg_fsr.results import ablation_tables as ablations
from ieg_fsr.results.groups import Group, group
from ieg_fsr.results.identity import identify
from ieg_fsr.results.reports import REPORTS
from ieg_fsr.results.runs import Run
from ieg_fsr.results.table import Table, cell_text


def made(accuracy, more=None, **given):
    values = dict(resolve({"noise": 0.4} | given)) | {"test_accuracy": accuracy} | (more or {})
    return Run(f"runs/{given}", values)


def texts(table):
    return {
        row.label: [cell_text(cell, column) for cell, column in zip(row.cells, table.columns, strict=True)]
        for row in table.rows
    }


def tables(name, groups, metric):
    return [report for report in REPORTS[name](groups, metric) if isinstance(report, Table)]


def test_pushers():
    figures = {"dictionary_purity": 1.0, "zero_weight_ratio": 0.5, "weight_clean": 1.5, "weight_noisy": 0.25}
    runs = [
        made(0.5, figures),
        made(0.75, pusher="paper"),
        made(0.25, pusher="paper", mixup=False),
        made(0.125, pusher="paper", reward_features="forward"),
        made(0.1, pusher="paper", dictionary_size=50),  # changes more than the pusher
        made(0.1, method="supervised"),
        made(0.1, noise=0.8),  # alone in its condition
    ]
    [table] = tables("pushers", group(runs), "test_accuracy")
    assert (table.name, table.title) == ("digits-pushers-noise0.4", "digits, noise 0.4: pushers")
    assert texts(table)["lookahead"] == ["50.0 (1)", "100.0 (1)", "50.0 (1)", "1.50 (1)", "0.25 (1)"]
    assert {label: cells[0] for label, cells in texts(table).items()} == {
        "lookahead": "50.0 (1)",
        "paper": "75.0 (1)",
        "paper, no MixUp": "25.0 (1)",
        "paper, reward_features forward": "12.5 (1)",
    }
    assert tables("pushers", group([made(0.5), made(0.5, mixup=False)]), "test_accuracy") == []


def test_networks_and_faithful_runs_are_not_mixed():
    runs = [
        made(0.5, dataset="cifar10", network=network, pusher=pusher, faithful=faithful)
        for network in ("resnet32", "wrn28_10")
        for pusher in ("lookahead", "release")
        for faithful in (False, True)
    ]
    names = [table.name for table in tables("pushers", group(runs), "test_accuracy")]
    start = "cifar10-pushers-noise0.4"
    assert names == [start, f"{start}-faithful", f"{start}-resnet32", f"{start}-resnet32-faithful"]


def test_mixup_and_relabelling_with_the_papers_figures():
    runs = [
        made(0.5, dataset="cifar10", noise=0.2, network="resnet32"),
        made(0.75, {"dictionary_purity": 0.5}, dataset="cifar10", noise=0.2, network="resnet32", mixup=False),
        made(0.25, dataset="cifar10", noise=0.2, network="resnet32", pseudo_label_loss_weight=4.0),  # not the recipe's
    ]
    [table] = tables("mixup_relabelling", group(runs), "test_accuracy")
    assert [column.title for column in table.columns[:3]] == [
        "test accuracy: paper",
        "test accuracy",
        "dictionary right: paper",
    ]
    assert texts(table) == {
        "re-labelling on, MixUp on": ["91.4", "50.0 (1)", "97.1", "not measured", "33.7", "not measured"],
        "re-labelling on, MixUp off": ["87.7", "75.0 (1)", "80.0", "50.0 (1)", "51.3", "not measured"],
        "re-labelling off, MixUp on": ["90.1", "not run", "90.6", "not run", "44.4", "not run"],
        "re-labelling off, MixUp off": ["86.3", "not run", "77.6", "not run", "55.1", "not run"],
    }
    [other] = tables("mixup_relabelling", group([made(0.5), made(0.75, mixup=False)]), "test_accuracy")
    assert len(other.columns) == 3


def test_reward_sets_by_size():
    runs = [
        made(0.5, {"dictionary_size_resolved": 200}),
        made(0.75, {"dictionary_size_resolved": 50}, dictionary_size=50),
        made(0.25, {"num_classes": 10}, method="l2r"),
        made(0.125, {"num_classes": 10}, method="l2r", clean_per_class=5),
    ]
    [table] = tables("dictionary_size", group(runs), "test_accuracy")
    assert {label: cells[0] for label, cells in texts(table).items()} == {
        "L2R, 50 clean images (5 a class)": "12.5 (1)",
        "L2R, 100 clean images (10 a class)": "25.0 (1)",
        "FSR, dictionary of 50": "75.0 (1)",
        "FSR, dictionary of 200": "50.0 (1)",
    }
    [members] = ablations.reward_sets(group(runs)).values()
    assert [ablations.reward_set_size(one) for one in members] == [50, 50, 100, 200]


def with_meta_layers(layers, accuracy):
    """A group as a run with --meta_layers=LAYERS makes it."""
    run = made(accuracy, {"meta_layers": layers, "seconds_per_step": 0.5})
    changed = () if layers == "dense" else (("meta_layers", layers),)
    return Group(identify(run.values)._replace(differences=changed), (run,))


def test_meta_layers_from_the_top_down():
    groups = [with_meta_layers(layers, 0.5) for layers in ("all", "conv10", "conv2", "dense", "conv9")]
    [table] = tables("meta_layers", groups, "test_accuracy")
    assert list(texts(table)) == ["FSR, dense", "FSR, conv10", "FSR, conv9", "FSR, conv2", "FSR, all"]
    assert texts(table)["FSR, all"] == ["50.0 (1)", "not measured", "0.5000 (1)"]
    assert tables("meta_layers", [with_meta_layers("all", 0.5)], "test_accuracy") == []


def test_hyper_parameters_one_at_a_time():
    runs = [
        made(0.5),
        made(0.25, pseudo_label_loss_weight=4.0),
        made(0.75, dictionary_size=400),
        made(0.625, dictionary_size=50),
        made(0.1, dictionary_size=50, label_momentum=0.5),  # two at a time
    ]
    [table] = tables("hyper_parameters", group(runs), "test_accuracy")
    assert "(dictionary_size 200, reward_batch_size 100, reweight_warmup_epochs 10, label_momentum 0.1, " in table.title
    assert list(texts(table)) == ["nothing", "dictionary_size 50", "dictionary_size 400", "pseudo_label_loss_weight 4"]
    assert [cells[0] for cells in texts(table).values()] == ["50.0 (1)", "62.5 (1)", "75.0 (1)", "25.0 (1)"]
