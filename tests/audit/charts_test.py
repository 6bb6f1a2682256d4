"""Charts: what is drawn is counted from the SVG."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from ieg_fsr.audit.charts import curves, histogram


def parsed(chart):
    return ET.fromstring(f"<div>{chart}</div>")


def test_bars_have_the_heights_of_the_counts():
    """Two groups of known counts in the first and the last interval: pixels are proportional to them."""
    chart = parsed(histogram({"a": np.array([0.0] * 30 + [1.0] * 10), "b": np.array([1.0] * 20)}, "x"))
    heights = {(r.get("class"), float(r.get("x")) < 200): float(r.get("height")) for r in chart.iter("rect")}
    assert set(heights) == {("fill0", True), ("fill0", False), ("fill1", False)}
    assert heights["fill0", True] == pytest.approx(3 * heights["fill0", False], abs=0.2)
    assert heights["fill1", False] == pytest.approx(2 * heights["fill0", False], abs=0.2)


def test_infinite_values_are_left_out():
    chart = parsed(histogram({"a": np.array([-np.inf, 0.0, 1.0])}, "x"))
    assert len(list(chart.iter("rect"))) == 2
    assert "Nothing to draw" in histogram({"a": np.array([np.nan])}, "x")


def test_equal_values_make_one_bar():
    assert len(list(parsed(histogram({"a": np.full(5, 3.0)}, "x")).iter("rect"))) == 1


def test_a_curve_goes_through_its_points_and_passes_over_what_is_missing():
    """One line from the first point to the third; a sequence without points has none."""
    chart = parsed(curves({"a": [0.0, None, 1.0], "none": [None, None, None]}))
    [line] = chart.iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
    assert len(points) == 2
    assert points[0][0] < points[1][0]
    assert points[0][1] > points[1][1]  # upwards is towards smaller y


def test_names_are_escaped():
    chart = curves({"<script>&": [1.0, 2.0]}, "<b>")
    assert not re.search(r"<script|<b>", chart)
    assert [item.findtext(".") or "".join(item.itertext()) for item in parsed(chart).iter("li")]
    assert "".join(parsed(chart).find("ul").itertext()) == "<script>&"
