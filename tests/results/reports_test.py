"""The registry of reports and the files that they leave."""

from full_strength import resolve

from ieg_fsr.results.groups import group
from ieg_fsr.results.reports import REPORTS, write_reports
from ieg_fsr.results.runs import Run


def made(accuracy, **given):
    return Run(f"runs/{given}", dict(resolve(given)) | {"test_accuracy": accuracy})


def test_every_report_takes_any_groups():
    groups = group([made(0.5), made(0.25, method="supervised"), made(0.75, dataset="cifar100", imbalance=10.0)])
    for name, report in REPORTS.items():
        for groups_ in ([], groups):
            assert isinstance(list(report(groups_, "test_accuracy")), list), name


def test_files(tmp_path):
    groups = group([made(0.5), made(0.75, pusher="paper"), made(0.25, dataset="cifar10")])
    text = write_reports(tmp_path, ["noise", "pushers"], groups, "test_accuracy")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("cifar10-noise.csv", "digits-noise.csv", "digits-pushers-noise0.csv", "digits-pushers-noise0.png"),
        "tables.md",
    ]
    written = (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert "![digits-pushers-noise0](digits-pushers-noise0.png)" in written
    for title in ("## digits: methods, uniform label noise", "## digits, noise 0: pushers", "## cifar10: methods"):
        assert title in written
        assert title in text
    assert ".png" not in text
    assert '"not run": there is no such run' in written
