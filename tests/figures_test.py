"""Declarations of figures: how they are written, and what holds for a name that extends one."""

import pytest

from ieg_fsr.figures import RUN_FIGURES, Figure, figure_among, sentence


@pytest.mark.parametrize(
    ("figure", "share", "digits", "text"),
    [
        (Figure("a", format=".1%"), True, 1, "0.1250"),
        (Figure("a", format=".2f"), False, 2, "0.125"),
        (Figure("a", format=".0f"), False, 0, "0.1"),
    ],
)
def test_a_text_has_one_digit_more_than_a_table(figure, share, digits, text):
    assert (figure.share, figure.digits, figure.text(0.125)) == (share, digits, text)


def test_what_counts_is_written_whole():
    assert Figure("a", counted=True).text(1234) == "1234"


def test_a_name_that_extends_one_is_shown_alike():
    share = Figure("test_accuracy", "accuracy", ".1%", "up", "test/accuracy", "test", compared=True)
    figures = [Figure("test"), share, Figure("test_acc", format=".3f")]
    assert figure_among(figures, "test_accuracy") is share
    longer = figure_among(figures, "test_accuracy_imagenet")
    # Of the curve, the line and the heading there is one, which is the shorter name's.
    assert longer == Figure("test_accuracy_imagenet", format=".1%", best="up")
    # "test_acc" ends within a word.
    assert figure_among([figures[2]], "test_accuracy") == Figure("test_accuracy")
    assert figure_among([], "new") == Figure("new", format=".2f", best=None)


def test_a_sentence_of_figures():
    values = {"half": 0.5, "none": None, "count": 3}
    assert sentence("{count} of {half:.3f}, {none:.3f}, {other:.1f}", values) == "3 of 0.500, -, -"


def test_names_tags_and_places_on_the_line_are_not_taken_twice():
    for taken in ("name", "tag", "short"):
        values = [getattr(figure, taken) for figure in RUN_FIGURES if getattr(figure, taken)]
        assert len(values) == len(set(values)), taken
