"""`--mode=audit`: which labels are suspect, as a table (audit.csv) and as a page to look at (audit.html)."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ieg_fsr.audit.exports import export, labels_of
from ieg_fsr.audit.findings import Findings, mixed_up_classes, write_findings
from ieg_fsr.data.sources.image_source import files_of
from ieg_fsr.evaluation.detection import detection_figures
from ieg_fsr.files import make_directory, write_text
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.setting import Config

if TYPE_CHECKING:
    from ieg_fsr.audit.sources import Audited

_MOST_PAIRS = 5  # of classes, named in a line
_IN_WORDS = {
    "detection_precision": "Share of suspects that are {wrong}",
    "detection_recall": "Share of {wrong} labels that are suspects",
    "detection_f1": "F1 of the suspects",
    "detection_average_precision": "Average precision of the score",
}


def audit(config: Config, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Audits a finished run (`config.model_dir`), or `config.model` on a data set; returns the figures.

    Writes audit.csv, audit.html and what `config.export` names into `config.model_dir`.

    Raises:
        UserError: there is no finished run, the model does not fit the data, a decisions file is none for it, the
            images are in no files to export, or the directory cannot be written to.
    """
    assert config.model_dir is not None, "resolve() names a directory in this mode"
    import_tensorflow()
    from ieg_fsr.audit.page import LARGEST_GALLERY, PageContents, page
    from ieg_fsr.audit.sources import from_model, from_run
    from ieg_fsr.audit.thumbnails import thumbnail_sheets

    directory = pathlib.Path(config.model_dir)
    audited = from_run(directory, config) if config.model is None else from_model(config)
    make_directory(directory)
    findings = audited.findings
    figures = _figures(findings)
    facts = _facts(audited, figures)
    contents = PageContents(
        title=f"Label audit: {audited.dataset}",
        facts=facts,
        notices=audited.notices,
        findings=findings,
        sheets=thumbnail_sheets(audited.images, findings.example_ids[findings.suspects][:LARGEST_GALLERY]),
        epochs=audited.epochs,
        truth=audited.truth,
        data_sha256=audited.data_sha256,
    )
    lines = []
    if config.export:
        exported = labels_of(findings, audited.decisions, files_of(audited.images), audited.data_sha256)
        lines = export(config.export.split(","), directory / "export", exported)
    write_findings(directory / "audit.csv", findings)
    write_text(directory / "audit.html", page(contents))
    width = max(map(len, facts))
    files = f"{directory / 'audit.csv'}, {directory / 'audit.html'} (open it in a browser)"
    rows = [*facts.items(), ("Files", files), *(("Export", line) for line in lines)]
    tell("\n".join([*contents.notices, *(f"{name:<{width}}  {value}" for name, value in rows)]))
    return figures


def _figures(findings: Findings) -> dict[str, Any]:
    figures: dict[str, Any] = {"examples": len(findings), "suspects": int(findings.suspects.sum())}
    if findings.true_labels is not None:
        wrong = findings.true_labels != findings.given_labels
        figures |= detection_figures(wrong, findings.suspects, findings.scores)
    return figures


def _facts(audited: Audited, figures: dict[str, Any]) -> dict[str, str]:
    """The rows of the summary."""
    findings, truth = audited.findings, audited.truth
    facts = {
        "Data": audited.dataset,
        "Judged by": audited.what,
        "Examples": str(len(findings)),
        "Classes": str(len(findings.class_names)),
        "Suspects": f"{figures['suspects']} ({figures['suspects'] / len(findings):.1%})",
    }
    if mixed_up := mixed_up_classes(findings.label_matrix()):
        pairs = [" and ".join(findings.class_names[label] for label in pair.classes) for pair in mixed_up]
        more = f" and {len(pairs) - _MOST_PAIRS} more" if len(pairs) > _MOST_PAIRS else ""
        facts["Classes mixed up with each other"] = ", ".join(pairs[:_MOST_PAIRS]) + more
    if audited.estimate is not None:
        facts["Wrong labels"] = f"about {audited.estimate:.1%}, an estimate of training's"
    if audited.test_accuracy is not None:
        facts["Test accuracy"] = f"{audited.test_accuracy:.4f}"
    if truth is not None:
        for name in filter(figures.__contains__, _IN_WORDS):
            facts[f"{_IN_WORDS[name].format(**truth.words)} ({truth.basis})"] = f"{figures[name]:.4f}"
    return facts
