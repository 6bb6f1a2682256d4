"""Small charts as inline SVG, which follow the page's colours: class names carry them, no script and no file needed."""

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

_WIDTH, _HEIGHT = 460, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 18, 8, 34
_BINS = 40


def histogram(groups: Mapping[str, np.ndarray], x_title: str) -> str:
    """Bars of how many values of each group fall into each of 40 equal intervals, the groups stacked.

    Args: groups: name -> values; those that are not finite are left out. x_title: what the values are.
    """
    finite = {name: values[np.isfinite(values)] for name, values in groups.items()}
    everything = np.concatenate([np.asarray(values, float) for values in finite.values()])
    if not len(everything):
        return _nothing(x_title)
    edges = np.histogram_bin_edges(everything, _BINS)
    counts = [np.histogram(values, edges)[0] for values in finite.values()]
    x, y = _Scale(edges[0], edges[-1], _LEFT, _WIDTH - _RIGHT), _Scale(0, max(sum(counts)), _HEIGHT - _BOTTOM, _TOP)
    marks = []
    base: np.ndarray = np.zeros(_BINS, int)
    for number, count in enumerate(counts):
        for i in np.flatnonzero(count):
            left, right = x(edges[i]), x(edges[i + 1])
            bottom, top = y(base[i]), y(base[i] + count[i])
            marks.append(
                f'<rect class="fill{number}" x="{left:.1f}" y="{top:.1f}" width="{max(right - left - 0.5, 0.5):.1f}" '
                f'height="{bottom - top:.1f}"/>'
            )
        base = base + count
    return _chart(list(finite), marks, x, y, x_title)


def curves(lines: Mapping[str, Sequence[float | None]], x_title: str = "epoch") -> str:
    """A line for each sequence over 1, 2, ...; it passes over None and values that are not finite, without a gap.

    Args: lines: name -> values. x_title: what is counted.
    """
    known = {name: _finite(line) for name, line in lines.items()}
    known = {name: points for name, points in known.items() if points}
    if not known:
        return _nothing(x_title)
    values = [value for points in known.values() for _, value in points]
    x = _Scale(1, max(len(line) for line in lines.values()), _LEFT, _WIDTH - _RIGHT)
    y = _Scale(min(0.0, *values), max(values), _HEIGHT - _BOTTOM, _TOP)
    marks = []
    for number, points in enumerate(known.values()):
        path = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in points)
        marks.append(f'<polyline class="line{number}" points="{path}"/>')
    return _chart(list(known), marks, x, y, x_title)


class _Scale:
    """From values to pixels, linearly."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        self.low, self.high = float(low), float(high) if high > low else float(low) + 1.0
        self.start, self.stop = start, stop

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Four to eight round values in the range."""
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


def _chart(names: list[str], marks: list[str], x: _Scale, y: _Scale, x_title: str) -> str:
    title = html.escape(f"{' and '.join(names)}, over {x_title}")
    bottom = _HEIGHT - _BOTTOM
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}"><g class="axis">']
    for tick in y.ticks():
        at = y(tick)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x.ticks():
        parts.append(f'<text x="{x(tick):.1f}" y="{bottom + 15}" text-anchor="middle">{tick:g}</text>')
    parts.append(
        f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 3}" text-anchor="middle">{html.escape(x_title)}</text>'
    )
    legend = "".join(f'<li><i class="key{i}"></i>{html.escape(name)}</li>' for i, name in enumerate(names))
    return f'{"".join(parts)}</g>{"".join(marks)}</svg><ul class="legend">{legend}</ul>'


def _nothing(title: str) -> str:
    return f"<p>Nothing to draw: no {html.escape(title)}.</p>"


def _finite(line: Sequence[float | None]) -> list[tuple[int, float]]:
    """Places, from 1, and values of those that are there."""
    return [(i, value) for i, value in enumerate(line, 1) if value is not None and math.isfinite(value)]
