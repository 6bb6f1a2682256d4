"""`--mode=audit`: which labels are suspect, as a table (audit.csv) and as a page to look at (audit.html)."""

import pathlib
from collections.abc import Callable
from typing import Any

from ieg_fsr.audit.findings import Findings, write_findings
from ieg_fsr.evaluation.detection import detection_figures
from ieg_fsr.files import make_directory, write_text
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.setting import Config

_IN_WORDS = {
    "detection_precision": "Suspects that are wrong in truth",
    "detection_recall": "Wrong labels that are suspects",
    "detection_f1": "F1 of the suspects",
    "detection_average_precision": "Average precision of the score",
}


def audit(config: Config, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Audits a finished run (`config.model_dir`), or `config.model` on a data set; returns the figures.

    Writes audit.csv and audit.html into `config.model_dir`.

    Raises:
        UserError: there is no finished run, the model does not fit the data, or the directory cannot be written to.
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
    facts = _facts(audited.dataset, audited.what, findings, figures, audited.test_accuracy)
    contents = PageContents(
        title=f"Label audit: {audited.dataset}",
        facts=facts,
        notices=audited.notices,
        findings=findings,
        sheets=thumbnail_sheets(audited.images, findings.example_ids[findings.suspects][:LARGEST_GALLERY]),
        epochs=audited.epochs,
        truth_is_known=findings.true_labels is not None,
    )
    write_findings(directory / "audit.csv", findings)
    write_text(directory / "audit.html", page(contents))
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    files = f"{directory / 'audit.csv'}, {directory / 'audit.html'} (open it in a browser)"
    tell("\n".join([*contents.notices, *lines, f"{'Files':<{width}}  {files}"]))
    return figures


def _figures(findings: Findings) -> dict[str, Any]:
    figures: dict[str, Any] = {"examples": len(findings), "suspects": int(findings.suspects.sum())}
    if findings.true_labels is not None:
        wrong = findings.true_labels != findings.given_labels
        figures |= detection_figures(wrong, findings.suspects, findings.scores)
    return figures


def _facts(
    dataset: str, what: str, findings: Findings, figures: dict[str, Any], test_accuracy: float | None
) -> dict[str, str]:
    """The rows of the summary."""
    share = figures["suspects"] / len(findings)
    facts = {
        "Data": dataset,
        "Judged by": what,
        "Examples": str(len(findings)),
        "Classes": str(len(findings.class_names)),
        "Suspects": f"{figures['suspects']} ({share:.1%}): the estimated share of wrong labels",
    }
    if test_accuracy is not None:
        facts["Test accuracy"] = f"{test_accuracy:.4f}"
    return facts | {
        f"{words} (truth known)": f"{figures[name]:.4f}" for name, words in _IN_WORDS.items() if name in figures
    }
