"""audit.html: one page with everything in it, that opens from a file without a network.

Whatever the data brought along (names of classes and files) enters either as JSON that the page's script shows as
text, or escaped. The page forbids itself to load anything (its Content-Security-Policy).
"""

import hashlib
import html
import importlib.resources
import json
import string
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ieg_fsr.audit.charts import curves, histogram
from ieg_fsr.audit.findings import Findings, mixed_up_classes
from ieg_fsr.audit.thumbnails import SHEET_COLUMNS, Sheets
from ieg_fsr.data.labels.truth import Truth

# Suspects that the page shows; audit.csv has all of them.
LARGEST_GALLERY = 5000
# Classes up to which the whole matrix is shown; of more, the most frequent pairs.
_LARGEST_MATRIX = 30
_LONGEST_LIST = 50
# Panels of the training section: title -> column of metrics.jsonl -> name.
_CURVES = {
    "Accuracy": {"test_accuracy": "test set", "train_accuracy": "training, given labels"},
    "Loss": {"train_loss": "training"},
    "Mean weight": {"weight_clean": "{right} labels", "weight_noisy": "{wrong} labels"},
    "Dictionary": {"dictionary_purity": "share of {right} labels"},
}


class PageContents(NamedTuple):
    """What the page is made of."""

    title: str  # heading
    facts: Mapping[str, str]  # label -> value, the rows of the summary
    notices: Sequence[str]  # lines that a reader must not miss
    findings: Findings  # worst first
    sheets: Sheets | None  # thumbnails of the first suspects in the order of `findings`; None for a table instead
    epochs: Sequence[Mapping[str, Any]]  # rows of metrics.jsonl, none for a model without a run
    truth: Truth | None  # what the curves may say of right and wrong labels
    data_sha256: str  # of the data set, which decisions are bound to


def page(contents: PageContents) -> str:
    """The whole page."""
    return string.Template(_resource("page.html")).substitute(
        title=html.escape(contents.title),
        style=_resource("page.css"),
        decisions=_resource("decisions.js"),
        script=_resource("page.js"),
        summary=_summary(contents),
        matrix=_matrix(contents.findings),
        mixed_up=_mixed_up(contents.findings),
        histograms="\n".join(_histograms(contents.findings)),
        curves=_curves(contents),
        data=_json(_gallery(contents.findings, contents.sheets, contents.data_sha256)),
    )


def _resource(name: str) -> str:
    return importlib.resources.files("ieg_fsr.audit").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _gallery(findings: Findings, sheets: Sheets | None, data_sha256: str) -> dict[str, Any]:
    """What the script needs of the worst suspects; pictures are addressed by position."""
    suspects = int(findings.suspects.sum())
    count = min(suspects, LARGEST_GALLERY)
    weights = [None] * count if findings.weights is None else _rounded(findings.weights[:count])
    return {
        "key": _key(findings, data_sha256),
        "dataSha256": data_sha256,
        "classNames": list(findings.class_names),
        "suspects": suspects,
        "pictures": 0 if sheets is None else count,
        "sheets": [] if sheets is None else sheets.data,
        "mimeType": "" if sheets is None else sheets.mime_type,
        "width": 0 if sheets is None else sheets.width,
        "height": 0 if sheets is None else sheets.height,
        "sheetColumns": SHEET_COLUMNS,
        "columns": {
            "id": findings.example_ids[:count].tolist(),
            "source": findings.source_ids[:count].tolist(),
            "name": [str(name) for name in findings.names[:count]],
            "given": findings.given_labels[:count].tolist(),
            "suggested": findings.suggested_labels[:count].tolist(),
            "confidence": _rounded(findings.confidences[:count]),
            "weight": weights,
            "score": _rounded(findings.scores[:count]),
        },
    }


def _key(findings: Findings, data_sha256: str) -> str:
    """Under which a browser keeps the decisions: the same for the same findings about the same data alone."""
    digest = hashlib.sha256(data_sha256.encode())
    for column in (findings.source_ids, findings.given_labels, findings.suggested_labels, findings.suspects):
        digest.update(np.asarray(column).astype("<i8").tobytes())
    return digest.hexdigest()[:16]


def _rounded(values: np.ndarray) -> list[float | None]:
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]


def _summary(contents: PageContents) -> str:
    notices = [f'<p class="notice">{html.escape(line)}</p>' for line in contents.notices]
    rows = [
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in contents.facts.items()
    ]
    return "\n".join([*notices, "<table>", *rows, "</table>"])


def _matrix(findings: Findings) -> str:
    """The whole matrix of few classes, else the most frequent pairs."""
    counts = findings.label_matrix()
    if len(counts) > _LARGEST_MATRIX:
        return _pairs(counts, findings.class_names)
    names = [html.escape(name) for name in findings.class_names]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = []
    for given, row in enumerate(counts):
        share = row / max(row.sum(), 1)
        cells = "".join(_cell(given, suggested, row[suggested], share[suggested]) for suggested in range(len(row)))
        rows.append(f'<tr><th scope="row">{names[given]}</th>{cells}</tr>')
    table = f'<table class="heat"><thead><tr><td></td>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _mixed_up(findings: Findings) -> str:
    """Classes that are mixed up with each other, in words; nothing where there are none."""
    items = []
    for pair in mixed_up_classes(findings.label_matrix())[:_LONGEST_LIST]:
        one, other = (html.escape(findings.class_names[label]) for label in pair.classes)
        items.append(f"<li>{one} and {other}: {pair.suspects[0]} and {pair.suspects[1]} suspects</li>")
    heading = "<p>Mixed up with each other, three times as often as two classes are in the mean:</p>"
    return f"{heading}<ul>{''.join(items)}</ul>" if items else ""


def _cell(given: int, suggested: int, count: int, share: float) -> str:
    """A count, coloured by its share of the row; a button where it stands for suspects."""
    colour = "var(--first)" if given == suggested else "var(--second)"
    style = f"background: color-mix(in srgb, {colour} {60 * share:.0f}%, transparent)"
    if given == suggested or not count:
        return f'<td style="{style}"><span>{count or ""}</span></td>'
    button = f'<button type="button" data-given="{given}" data-suggested="{suggested}">{count}</button>'
    return f'<td style="{style}">{button}</td>'


def _pairs(counts: np.ndarray, class_names: Sequence[str]) -> str:
    off = counts - np.diag(np.diag(counts))
    order = np.argsort(-off, axis=None, kind="stable")[:_LONGEST_LIST]
    rows = []
    for given, suggested in zip(*np.unravel_index(order, off.shape), strict=True):
        if off[given, suggested]:
            share = off[given, suggested] / counts[given].sum()
            names = f"<td>{html.escape(class_names[given])}</td><td>{html.escape(class_names[suggested])}</td>"
            rows.append(f"<tr>{names}{_cell(given, suggested, off[given, suggested], share)}</tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Given", "Suggested", "Examples"))
    note = f"<p>The {len(rows)} most frequent pairs of {len(class_names)} classes.</p>"
    return f'{note}<table class="heat"><tbody><tr>{head}</tr>{"".join(rows)}</tbody></table>'


def _histograms(findings: Findings) -> list[str]:
    figures = {"Mean weight": findings.weights, "Score": findings.scores}
    groups = {"not suspect": ~findings.suspects, "suspect": findings.suspects}
    return [
        _figure(
            f"{title}: how many examples have it",
            histogram({name: values[chosen] for name, chosen in groups.items()}, title.lower()),
        )
        for title, values in figures.items()
        if values is not None
    ]


def _curves(contents: PageContents) -> str:
    if not contents.epochs:
        return "<p>The classifier was not trained in this run: there are no curves.</p>"
    panels = []
    for title, columns in _CURVES.items():
        if title in ("Mean weight", "Dictionary") and contents.truth is None:
            continue
        words = contents.truth.words if contents.truth else {}
        lines = {name.format(**words): [row.get(column) for row in contents.epochs] for column, name in columns.items()}
        if any(value is not None for line in lines.values() for value in line):
            panels.append(_figure(title, curves(lines)))
    return "\n".join(panels)


def _figure(title: str, chart: str) -> str:
    return f"<figure><figcaption>{html.escape(title)}</figcaption>{chart}</figure>"
