"""The paper's figures against another copy of them, typed as text; and that they fit their tables."""

import pytest

from ieg_fsr.results.paper_numbers import MIXUP_RELABELLING, PAPER_TABLES

# A line a table: columns, then name and figures; "-" for none.
TEXT = {
    "cifar10_uniform": """0 .2 .4 .8
        GCE 93.5/89.9/87.1/67.9 | RoG 94.2/87.4/81.8/- | MentorNet 96.0/92.0/89.0/49.0 | L2R 96.1/90.0/86.9/73.0
        | MWN 92.0/90.3/87.5/- | CRUST 94.4/91.1/89.2/58.3 | ELR 94.5/92.1/91.4/80.7 | FSR-R32 94.4/91.8/90.2/74.2
        | FSR 96.8/95.1/93.7/82.8""",
    "cifar100_uniform": """0 .2 .4 .8
        GCE 81.4/66.8/61.8/47.7 | MentorNet 79.0/73.0/68.0/35.0 | L2R 81.2/67.1/61.3/35.1 | MWN 70.1/64.2/58.6/-
        | PENCIL 81.4/73.9/69.1/- | ELR 75.2/74.7/68.4/30.2 | FSR-R32 71.3/69.8/65.9/41.2 | FSR 81.6/78.7/74.2/46.7""",
    "cifar10_asymmetric": """.2 .4
        GCE 89.5/82.3 | F-correction 89.1/83.6 | PENCIL 92.4/91.2 | L2R-R32 89.2/84.8 | L2R 92.4/90.8
        | FSR-R32 91.5/90.2 | FSR 95.0/93.6""",
    "webvision": """i1 i5 w1 w5
        F-correction 57.4/82.4/61.1/82.7 | D2L 57.8/81.4/62.7/84.0 | Co-teaching 61.5/84.7/63.6/85.2
        | Iterative-CV 61.6/85.0/65.2/85.3 | MentorNet 63.8/85.8/63.0/81.4 | CRUST 67.4/87.8/72.4/89.6
        | FSR 72.3/87.2/74.9/88.2""",
    "cifar10_long_tail": """200 50 10
        Softmax 65.68/74.81/86.39 | CB-Focal 65.29/76.71/86.66 | CB-Best 68.89/79.27/87.49 | L2R 66.51/78.93/85.19
        | MWN 68.91/80.06/87.84 | FSR-DF 66.15/79.78/88.15 | FSR 67.76/79.17/87.40""",
    "cifar100_long_tail": """200 50 10
        Softmax 34.84/43.85/55.71 | CB-Focal 32.62/44.32/55.78 | CB-Best 36.23/45.32/57.99 | L2R 33.38/44.44/53.73
        | MWN 37.91/46.74/58.46 | FSR-DF 36.74/44.43/55.60 | FSR 35.44/42.57/55.45""",
    "cifar10_long_tail_uniform": """.2-0 .2-10 .2-50 .2-200 .4-0 .4-10 .4-50 .4-200
        CRUST 90.2/65.7/41.5/34.3/89.2/59.5/32.4/28.8 | FSR 91.8/85.7/77.4/65.5/90.2/81.6/69.8/49.5""",
    "inaturalist2018": """1 5
        CB-Focal 61.12/81.0 | Remix 61.31/82.30 | FSR 65.52/85.02""",
}
PAPER = {table.name: table for table in PAPER_TABLES}


@pytest.mark.parametrize("name", TEXT)
def test_every_figure(name):
    head, _, lines = TEXT[name].partition("\n")
    expected = {}
    for line in lines.split("|"):
        method, figures = line.split()
        expected[method] = tuple(None if figure == "-" else float(figure) for figure in figures.split("/"))
    assert PAPER[name].rows == expected
    assert list(PAPER[name].rows) == list(expected)
    assert {len(figures) for figures in expected.values()} == {len(head.split())} == {len(PAPER[name].columns)}


def test_no_table_is_left_out():
    assert PAPER.keys() == TEXT.keys()


def test_columns_are_the_conditions_of_the_figures():
    uniform = [column.condition.noise for column in PAPER["cifar10_uniform"].columns]
    tail = [
        (column.condition.noise, column.condition.imbalance) for column in PAPER["cifar10_long_tail_uniform"].columns
    ]
    assert uniform == [0, 0.2, 0.4, 0.8]
    assert tail == [(noise, imbalance) for noise in (0.2, 0.4) for imbalance in (1, 10, 50, 200)]
    assert {column.condition.noise_type for column in PAPER["cifar10_asymmetric"].columns} == {"asymmetric"}


def test_mixup_and_relabelling():
    """Re-labelling on, off; in each MixUp on, off."""
    accuracy, purity, zero = zip(*MIXUP_RELABELLING.values(), strict=True)
    assert list(MIXUP_RELABELLING) == [(True, True), (True, False), (False, True), (False, False)]
    assert accuracy == (91.4, 87.7, 90.1, 86.3)
    assert purity == (97.1, 80.0, 90.6, 77.6)
    assert zero == (33.7, 51.3, 44.4, 55.1)
