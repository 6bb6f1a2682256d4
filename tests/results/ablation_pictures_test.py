"""Figures of the ablations: points at the values of made-up runs."""

import numpy as np
from full_strength import resolve

from ieg_fsr.results.groups import Group, group
from ieg_fsr.results.identity import identify
from ieg_fsr.results.pictures import Picture
from ieg_fsr.results.reports import REPORTS
from ieg_fsr.results.runs import Run


def made(accuracy, purity=0.5, more=None, **given):
    figures = {"test_accuracy": accuracy, "dictionary_purity": purity, "zero_weight_ratio": 0.25}
    return Run(f"runs/{given}", dict(resolve({"noise": 0.4} | given)) | figures | (more or {}))


def texts(labels):
    return [label.get_text() for label in labels]


def pictures(name, groups, metric):
    return [report for report in REPORTS[name](groups, metric) if isinstance(report, Picture)]


def test_pushers():
    runs = [made(0.5, 0.75), made(0.25, 1.0, seed=1), made(0.875, 0.25, pusher="paper")]
    [picture] = pictures("pushers", group(runs), "test_accuracy")
    scatter, accuracy, purity = picture.draw().axes
    assert texts(accuracy.get_yticklabels()) == ["lookahead", "paper"]
    points = [container.lines[0] for container in scatter.containers]
    assert [(point.get_xdata()[0], point.get_ydata()[0]) for point in points] == [(87.5, 37.5), (25, 87.5)]
    assert [container.lines[0].get_xdata()[0] for container in purity.containers] == [87.5, 25]
    assert (scatter.get_xlabel(), scatter.get_ylabel()) == ("dictionary right, %", "test accuracy, %")


def test_mixup_and_relabelling_says_what_was_not_run():
    runs = [made(0.5), made(0.25, mixup=False), made(0.75, mixup=False, pseudo_label_loss_weight=0.0)]
    [picture] = pictures("mixup_relabelling", group(runs), "test_accuracy")
    accuracy, purity, zero = picture.draw().axes
    middles = [bar.get_x() + bar.get_width() / 2 for bar in accuracy.patches]
    np.testing.assert_allclose(middles, [-0.2, 0.2, 1.2])
    assert [bar.get_height() for bar in accuracy.patches] == [50.0, 25.0, 75.0]
    assert [bar.get_height() for bar in purity.patches] == [50.0] * 3
    assert [bar.get_height() for bar in zero.patches] == [25.0] * 3
    [missing] = [text for text in accuracy.texts if text.get_text() == " not run"]
    assert missing.get_position() == (0.8, 0)


def test_reward_sets():
    runs = [
        made(0.5, more={"dictionary_size_resolved": 200}),
        made(0.75, more={"dictionary_size_resolved": 50}, dictionary_size=50),
        made(0.25, more={"num_classes": 10}, method="l2r"),
    ]
    [picture] = pictures("dictionary_size", group(runs), "test_accuracy")
    [axes] = picture.draw().axes
    series = {container.get_label(): container.lines[0] for container in axes.containers}
    fsr, other = series["FSR: dictionary, no clean image"], series["L2R: clean images"]
    np.testing.assert_array_equal(fsr.get_xdata(), [50, 200])
    np.testing.assert_array_equal(fsr.get_ydata(), [75, 50])
    assert (other.get_xdata()[0], other.get_ydata()[0]) == (100, 25)
    assert texts(axes.get_xticklabels()) == ["50", "100", "200"]


def test_meta_layers():
    groups = []
    for layers, accuracy in (("all", 0.25), ("dense", 0.75), ("conv2", 0.5)):
        run = made(accuracy, more={"meta_layers": layers})
        changed = () if layers == "dense" else (("meta_layers", layers),)
        groups.append(Group(identify(run.values)._replace(differences=changed), (run,)))
    [picture] = pictures("meta_layers", groups, "test_accuracy")
    [axes] = picture.draw().axes
    assert texts(axes.get_xticklabels()) == ["dense", "conv2", "all"]
    np.testing.assert_array_equal(axes.containers[0].lines[0].get_ydata(), [75, 50, 25])


def test_nothing_to_compare():
    groups = group([made(0.5)])
    for name in ("pushers", "mixup_relabelling", "dictionary_size"):
        assert pictures(name, groups, "test_accuracy") == []
