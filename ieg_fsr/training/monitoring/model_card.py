"""model_card.md: what a saved classifier is, what it was trained on, how good it is, and how to load it."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ieg_fsr.data.labels.truth import KNOWN, Truth, truth_of
from ieg_fsr.figures import RUN_FIGURES, Figure
from ieg_fsr.files import write_text
from ieg_fsr.methods.registry import METHODS

_MOST_CLASSES = 100  # named one by one


def write_model_card(
    directory: pathlib.Path,
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    class_names: Sequence[str],
    image_shape: Sequence[int],
    figures: Sequence[Figure] = (),
) -> None:
    """Writes model_card.md, whole or not at all, from what config.json and summary.json hold.

    Args: class_names: by logit. image_shape: (H, W, channels). figures: that the method adds to those of every run.
    """
    truth = truth_of(config)
    sections = (
        _title(config, summary),
        _use(config, class_names, image_shape),
        _data(config, summary, truth),
        _training(config),
        _figures(config, summary, figures, truth),
        _limits(truth),
    )
    write_text(directory / "model_card.md", "\n\n".join(sections) + "\n")


def _title(config: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    of_several = summary["saved_network"] != "the only one"
    which = f" Of the trained networks it is {summary['saved_network']}." if of_several else ""
    return (
        f"# {config['variant']} on {config['dataset']}\n\n"
        f"`model.keras` is an image classifier of the architecture `{config['network']}`, trained by ieg_fsr "
        f"{config['versions']['ieg_fsr']}. Training began at {config['started']}.{which} This card was written with "
        "it; all figures are those of `config.json` and `summary.json` beside it."
    )


def _use(config: Mapping[str, Any], class_names: Sequence[str], image_shape: Sequence[int]) -> str:
    shape = ", ".join(map(str, image_shape))
    # Gaussians give log-probabilities, whatever loss was before them.
    squash = "softmax" if config.get("head") == "rog" else METHODS[config["method"]].probabilities
    brought = f" Images in files were brought to {image_shape[0]}x{image_shape[1]}: for evaluation, the centre."
    return f"""\
## How to use it

Raw pixels 0..255 in, one logit a class out; plain Keras, without ieg_fsr:

```python
import keras
import numpy as np

classifier = keras.saving.load_model("model.keras")
images = np.zeros([1, {shape}], np.uint8)
logits = classifier.predict(images)
classes = logits.argmax(axis=1)
probabilities = keras.ops.{squash}(logits)
```

`model_ema.keras`, where there is one, is the parameter average, `saved_model/` the classifier for
TensorFlow.{brought if config["image_size"] else ""} Classes in the order of the logits: {_names(class_names)}."""


def _names(class_names: Sequence[str]) -> str:
    """The names, or the first and the last of very many."""
    quoted = [f"`{_plain(name)}`" for name in class_names]
    if len(quoted) <= _MOST_CLASSES:
        return ", ".join(quoted)
    return f"{', '.join(quoted[:3])}, ... {quoted[-1]} ({len(quoted)})"


def _plain(text: str) -> str:
    """A name from outside on one line and without what ends a code span."""
    return " ".join(text.replace("`", "'").split())


def _data(config: Mapping[str, Any], summary: Mapping[str, Any], truth: Truth | None) -> str:
    rows = [
        ("data set", f"`{_plain(config['dataset'])}`, {config['num_classes']} classes"),
        ("training examples", config["training_examples"]),
        *([("of them without a given label", unlabelled)] if (unlabelled := config.get("unlabelled_examples")) else []),
        ("test examples", config["test_examples"]),
        ("images that could not be decoded", config["corrupt_images"]),
        ("largest over smallest class", f"{config['measured_imbalance']:.3g}"),
    ]
    if source := _source_of_noise(config):
        rows.append(("training labels that are not the data set's own", f"{config['measured_noise_rate']:.2%}"))
        rows.append(("where those come from", source))
    else:
        rows.append(("training labels", "the data set's own, as they are"))
    rows.append(("wrong training labels", _wrong_labels(config, summary, truth)))
    if config.get("decisions"):
        where = f"`--decisions={_plain(pathlib.Path(config['decisions']).name)}`"
        rows.append(("labels decided by a person", f"{config['decided_labels']}, {where}"))
        rows.append(("of them corrected", config["corrected_labels"]))
        rows.append(("training examples removed by a person", config["removed_examples"]))
    if config["clean_images"]:
        which = "true labels" if truth is KNOWN else "labels in the data"
        rows.append((f"images held out whose {which} training saw", config["clean_images"]))
    return "## Data\n\n" + _table(rows)


def _wrong_labels(config: Mapping[str, Any], summary: Mapping[str, Any], truth: Truth | None) -> str:
    """Their share: what is known, and what training estimates."""
    known = "not known"
    if truth is KNOWN:
        known = f"{config['measured_noise_rate']:.2%}, if the data set's own are all right"
    estimate = summary.get("estimated_noise_rate")
    return known if estimate is None else f"{known}; by an estimate of training's, {estimate:.2%}"


def _source_of_noise(config: Mapping[str, Any]) -> str | None:
    """Where other labels than the data set's own come from; None where training had no others."""
    for name in ("labels_file", "noise_matrix"):
        if config[name]:
            return f"`--{name}={_plain(pathlib.Path(config[name]).name)}`"
    if config["noise"] > 0:
        return f"`--noise={config['noise']:g} --noise_type={config['noise_type']} --seed={config['seed']}`"
    return None


def _training(config: Mapping[str, Any]) -> str:
    rows = [
        ("method", f"`{config['method']}`: {METHODS[config['method']].described}"),
        ("epochs, batch", f"{config['epochs']}, {config.get('batch_size_resolved', config['batch_size'])}"),
        ("learning rate", f"{config['learning_rate']:g}, {config['schedule']}"),
        ("MixUp, label smoothing", f"{'on' if config['mixup'] else 'off'}, {config['label_smoothing']:g}"),
        ("seed", config["seed"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in config["versions"].items())),
    ]
    return f"## Training\n\n{_table(rows)}\n\n```\n{_plain(config['command'])}\n```"


def _figures(
    config: Mapping[str, Any], summary: Mapping[str, Any], figures: Sequence[Figure], truth: Truth | None
) -> str:
    rows = []
    named = [figure for figure in RUN_FIGURES if figure.words]
    for name, value in summary.items():
        # On another test set, or of the parameter average, it has more words behind.
        begins = [known for known in named if name.startswith(known.name)]
        figure = max(begins, key=lambda known: len(known.name), default=None)
        if figure is not None and value is not None:
            rest = name.removeprefix(figure.name).removesuffix("_ema").strip("_").replace("_", " ")
            words = f"{figure.words}, {rest}" if rest else f"{figure.words}"
            rows.append((words + (" (parameter average)" if name.endswith("_ema") else ""), figure.text(value)))
    # As the accuracies, first what is measured against the truth.
    for figure in sorted(figures, key=lambda figure: not figure.needs_truth):
        known = (truth and config["measured_noise_rate"] > 0) or not figure.needs_truth
        if figure.words and known and summary.get(figure.name) is not None:
            words = figure.words.format(**truth.words) if truth else figure.words
            rows.append((words, figure.text(summary[figure.name])))
    labels = "" if truth is KNOWN else " Its labels are those of the data, right or wrong."
    heading = f"## Figures\n\nOn the test part, after the last step: no epoch was chosen by it.{labels}"
    return f"{heading}\n\n{_table(rows)}"


def _table(rows: Sequence[tuple[str, Any]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _limits(truth: Truth | None) -> str:
    lines = [
        "- The figures hold for images like those of the test part. Nothing was measured on others.",
        "- They are those of one run and one seed; runs differ.",
        "- The probabilities were not checked for calibration, and no groups of people or things were compared. "
        "Accuracy by class: `python -m ieg_fsr.main --mode=evaluate`.",
        "- `suspect` in `labels.csv` is an opinion of training: look at an example before its label is changed.",
        "- What the licence of the data allows, this card does not know.",
    ]
    if truth is not KNOWN:
        lines.insert(1, "- Wrong labels in the test part count against the classifier where it is right.")
    return "\n".join(["## Limits", "", *lines])
