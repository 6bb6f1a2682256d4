"""`--export`: what an audit found, and labels as they are by the decisions, in the formats of other programs."""

import dataclasses
import functools
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from ieg_fsr.audit.findings import Findings
from ieg_fsr.data.labels.decisions import REMOVE, Decisions
from ieg_fsr.errors import refusal
from ieg_fsr.files import make_directory, write_columns, write_json, write_text, write_whole
from ieg_fsr.version import VERSION

_LONGEST_SUFFIX = 16  # letters of the ending of a file
# What Label Studio serves files under, by their path in the folder that it is told of.
_LOCAL_FILES = "/data/local-files/?d="


@dataclasses.dataclass(frozen=True)
class Labels:
    """What is exported, one entry per labelled example that nobody removed, by id.

    Attributes:
        findings: as the audit has them.
        labels: [N], int, by the decisions.
        files: [N], absolute paths as the system has them, empty where the data are in no files.
        data_sha256: what decisions about them are bound to.
    """

    findings: Findings
    labels: np.ndarray
    files: Sequence[str]
    data_sha256: str

    @functools.cached_property
    def classes(self) -> list[str]:
        """The name of each label, N of them."""
        return [self.findings.class_names[label] for label in self.labels]


def labels_of(findings: Findings, decisions: Decisions | None, files: Sequence[str], data_sha256: str) -> Labels:
    """What is exported. Args: findings: in any order. files: [all], by example id of the run; empty for none."""
    found = findings.chosen(np.argsort(findings.source_ids, kind="stable"))
    labels = found.given_labels
    if decisions is not None:
        labels = decisions.corrected(labels, found.source_ids)
        left = np.flatnonzero(~np.isin(found.source_ids, decisions.of(REMOVE)))
        found, labels = found.chosen(left), labels[left]
    paths = [os.path.abspath(files[i]) for i in found.example_ids] if len(files) else []
    return Labels(found, labels, paths, data_sha256)


def export(kinds: Sequence[str], directory: pathlib.Path, labels: Labels) -> list[str]:
    """Writes each of `kinds` into `directory`, which is made; lines for the user.

    Raises:
        UserError: the images are in no files, which all but csv need, or a directory cannot be written to.
    """
    if not labels.files and (others := [kind for kind in kinds if kind != "csv"]):
        raise refusal("--export", "be csv where the images are in no files", ",".join(others))
    make_directory(directory)
    return [_EXPORTS[kind](directory, labels) for kind in kinds]


def _label_studio(directory: pathlib.Path, labels: Labels) -> str:
    """Tasks for the suspects, worst first, each with the suggestion as its prediction; and the labelling interface."""
    found, root = labels.findings, _common_folder(labels.files)
    worst = np.flatnonzero(found.suspects)
    tasks = []
    for i in worst[np.argsort(found.scores[worst], kind="stable")]:
        choice = found.class_names[found.suggested_labels[i]]
        result = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [choice]}}
        image = _LOCAL_FILES + quote(os.fsencode(os.path.relpath(labels.files[i], root)))
        facts = {"source_id": int(found.source_ids[i]), "given": labels.classes[i], "file": str(found.names[i])}
        facts |= {"data_sha256": labels.data_sha256}
        prediction = {"model_version": f"ieg_fsr {VERSION}", "score": float(found.confidences[i]), "result": [result]}
        tasks.append({"data": {"image": image} | facts, "predictions": [prediction]})
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in found.class_names)
    view = '  <Image name="image" value="$image"/>\n  <Text name="given" value="$given"/>\n'
    view += f'  <Choices name="label" toName="image" choice="single">\n{choices}\n  </Choices>\n'
    write_text(directory / "label_studio.xml", f"<View>\n{view}</View>\n")
    write_json(directory / "label_studio.json", tasks)
    return (
        f"{directory / 'label_studio.json'}: {len(tasks)} tasks for Label Studio, started with "
        f"LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={root}; "
        "label_studio.xml beside it is the labelling interface"
    )


def _fiftyone(directory: pathlib.Path, labels: Labels) -> str:
    """A dataset of the type FiftyOneImageClassificationDataset: every example, what is known of it as attributes.

    Its images are links, data/ID.ENDING, and its labels go by what stands before the ending.
    """
    found, folder = labels.findings, directory / "fiftyone"
    targets = {}
    for i, source_id in enumerate(found.source_ids):
        attributes: dict[str, Any] = {
            "suggested": found.class_names[found.suggested_labels[i]],
            "suggested_confidence": float(found.confidences[i]),
            "suspect": bool(found.suspects[i]),
            "score": float(found.scores[i]) if np.isfinite(found.scores[i]) else None,
            "weight": None if found.weights is None else float(found.weights[i]),
        }
        targets[_link_name(source_id)] = {"label": labels.classes[i], "attributes": attributes}
    content = {"classes": list(found.class_names), "labels": targets}

    def write(place: str) -> None:
        os.makedirs(os.path.join(place, "data"))
        for source_id, path in zip(found.source_ids, labels.files, strict=True):
            os.symlink(path, os.path.join(place, "data", _link_name(source_id, path)))
        write_json(os.path.join(place, "labels.json"), content)

    write_whole(folder, write)
    return f"{folder}: {len(targets)} images for FiftyOne, --type fiftyone.types.FiftyOneImageClassificationDataset"


def _csv(directory: pathlib.Path, labels: Labels) -> str:
    """A table that --labels_file takes, if nothing was removed: example_id is the id in the whole training part."""
    found, path = labels.findings, directory / "labels.csv"
    columns = {
        "example_id": found.source_ids,
        "label": labels.labels,
        "class": labels.classes,
        "given_label": found.given_labels,
        "file": found.names,
    }
    write_columns(path, list(columns), list(columns.values()))
    changed = int(np.sum(labels.labels != found.given_labels))
    return f"{path}: {len(labels.labels)} labels, {changed} of them changed by decisions"


def _folder(directory: pathlib.Path, labels: Labels) -> str:
    """train/CLASS/ID.ENDING, links to the images; --dataset=folder takes it."""
    names, folder = _folder_names(labels.findings.class_names), directory / "folder"

    def write(place: str) -> None:
        for label in np.unique(labels.labels):
            os.makedirs(os.path.join(place, "train", names[label]))
        for source_id, label, path in zip(labels.findings.source_ids, labels.labels, labels.files, strict=True):
            os.symlink(path, os.path.join(place, "train", names[label], _link_name(source_id, path)))

    write_whole(folder, write)
    return f"{folder}: links to {len(labels.files)} images in folders of their labels"


def _folder_names(class_names: Sequence[str]) -> list[str]:
    """Names of folders: those of the classes, where they can be some and differ, else with the class number before."""
    names = [re.sub(r"[/\x00]", "_", name).strip()[:60] for name in class_names]
    counts = [sum(other.casefold() == name.casefold() for other in names) for name in names]
    plain = [name and not name.startswith(".") and count == 1 for name, count in zip(names, counts, strict=True)]
    return [name if ok else f"{number}_{name}" for number, (name, ok) in enumerate(zip(names, plain, strict=True))]


def _common_folder(files: Sequence[str]) -> str:
    """The deepest folder that all files are in."""
    return os.path.commonpath([os.path.dirname(path) for path in files])


def _link_name(source_id: int, path: str = "") -> str:
    """What a link is called: the id, with the ending of the file that it leads to."""
    return f"{source_id:07d}{os.path.splitext(path)[1][:_LONGEST_SUFFIX]}"


_EXPORTS = {"label_studio": _label_studio, "fiftyone": _fiftyone, "csv": _csv, "folder": _folder}
