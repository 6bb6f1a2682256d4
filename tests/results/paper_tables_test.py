"""The paper's tables with runs of ours: in the right cell, and nowhere else."""

from full_strength import resolve

from ieg_fsr.configuration.recipes import recipe
from ieg_fsr.results.groups import group
from ieg_fsr.results.paper_numbers import PAPER_TABLES
from ieg_fsr.results.paper_tables import paper_table
from ieg_fsr.results.runs import Run
from ieg_fsr.results.table import cell_text, marks

PAPER = {table.name: table for table in PAPER_TABLES}


def made(accuracy, more=None, dataset="cifar10", **given):
    settings = dict(resolve({"dataset": dataset} | given))
    return Run(f"{given}", settings | {"test_accuracy": accuracy} | (more or {}))


def lines(paper, *runs, metric="test_accuracy"):
    """Cells as text by row, of figures and of ours."""
    [table] = paper_table(paper, group(runs), metric)
    texts = {}
    for row in table.rows:
        cells = [cell_text(cell, column) for cell, column in zip(row.cells, table.columns, strict=True)]
        texts[row.label] = (cells[::2], cells[1::2])
    return texts, table


def test_without_runs_every_cell_says_so_or_has_no_method():
    texts, table = lines(PAPER["cifar10_uniform"])
    assert texts["FSR"] == (["96.8", "95.1", "93.7", "82.8"], ["not run"] * 4)
    assert texts["RoG"] == (["94.2", "87.4", "81.8", "-"], ["not run"] * 4)
    assert [column.title for column in table.columns[:3]] == ["noise 0: paper", "noise 0: here", "noise 0.2: paper"]


def test_runs_are_in_the_cell_of_their_settings():
    texts, table = lines(
        PAPER["cifar10_uniform"],
        made(0.5, noise=0.4),
        made(0.75, noise=0.4, seed=1),
        made(0.25, noise=0.4, network="resnet32"),
        made(0.125, noise=0.4, epochs=3),  # not the paper's protocol
        made(0.125, noise=0.2, dataset="digits"),
        made(0.125, noise=0.2, noise_type="pairflip"),
        made(0.625, noise=0.8, method="supervised"),
    )
    assert texts["FSR"][1] == ["not run", "not run", "62.5 ± 17.7 (2)", "not run"]
    assert texts["FSR-R32 / FSR, resnet32"][1] == ["not run", "not run", "25.0 (1)", "not run"]
    assert texts["supervised"] == (["-"] * 4, ["not run", "not run", "not run", "62.5 (1)"])
    assert len(texts) == len(PAPER["cifar10_uniform"].rows) + 1
    assert table.notes == ()


def test_methods_with_clean_images_are_marked_as_such():
    texts, table = lines(
        PAPER["cifar10_long_tail"],
        made(0.9, method="l2r", imbalance=50.0),
        made(0.8, imbalance=50.0),
    )
    assert texts["L2R / L2R (100 clean images a class)"][1] == ["not run", "90.00 (1)", "not run"]
    by_label = {row.label: (row.clean, line) for row, line in zip(table.rows, marks(table), strict=True)}
    assert by_label["MWN"][0]
    assert by_label["L2R / L2R (100 clean images a class)"] == (True, ["", "", "", "**", "", ""])
    assert by_label["FSR"][1][3] == "**"
    # The paper's best at imbalance 200 is MWN, and CB-Best among those without clean images.
    assert [label for label, (_, line) in by_label.items() if line[0] == "**"] == ["CB-Best", "MWN"]


def test_even_classes_beside_the_long_tails_have_their_settings():
    long_tail = recipe("cifar10", "fsr", long_tailed=True, noisy=True)
    texts, _ = lines(
        PAPER["cifar10_long_tail_uniform"],
        made(0.5, noise=0.2),
        made(0.75, noise=0.2, **long_tail),
        made(0.25, noise=0.4, imbalance=10.0),
    )
    assert texts["FSR"][1] == ["75.0 (1)", *["not run"] * 4, "25.0 (1)", *["not run"] * 2]


def test_figures_of_their_own_and_another_metric():
    figures = {"test_top5": 0.5, "test_accuracy_imagenet": 0.25, "test_top5_imagenet": 0.375, "test_accuracy_ema": 1.0}
    run = made(0.75, figures, dataset="webvision_mini")
    assert lines(PAPER["webvision"], run)[0]["FSR"][1] == ["25.0 (1)", "37.5 (1)", "75.0 (1)", "50.0 (1)"]
    texts, table = lines(PAPER["webvision"], run, metric="test_accuracy_ema")
    assert texts["FSR"][1] == ["25.0 (1)", "37.5 (1)", "100.0 (1)", "50.0 (1)"]
    assert table.title.endswith("(test accuracy ema)")
