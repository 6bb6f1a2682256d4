"""Which labels are wrong: suspects from one training, FSR's or any method's, beside cleanlab's from five folds.

    python launch/detection.py --conditions=digits-0.2,digits-0.4 --seeds=0,1,2 --output=detection.csv

A method: `labels.csv` of a run of the command line. cleanlab, as its authors recommend: the network is trained on four
fifths of the data and predicts the fifth (plain training with MixUp, and epochs enough to learn but not to memorise);
`find_label_issues` names the suspects, `get_label_quality_scores` ranks them. Both are measured against the truth.
Needs the packages of requirements-detection.txt. What was done before is taken from --runs. Seconds are those of this
machine, with whatever else it did.
"""

import argparse
import csv
import dataclasses
import json
import pathlib
import sys
import time
from typing import Any

import numpy as np

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import Config
from ieg_fsr.evaluation.detection import FIGURES, detection_figures
from ieg_fsr.files import write_columns, write_json, write_whole
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.run import train

FOLDS = 5
CLEANLAB = "cleanlab"
RANKINGS = ("self_confidence", "normalized_margin")
_DIGITS: dict[str, Any] = {"dataset": "digits"}
# Ten thousand images, for 16 epochs: plain training memorises little in that time.
_FASHION: dict[str, Any] = {"dataset": "fashion_mnist", "train_examples": 10_000, "epochs": 16}
# Name -> settings, and epochs of a fold: of digits a quarter of a training.
CONDITIONS: dict[str, tuple[dict[str, Any], int]] = {
    "digits-0.2": (_DIGITS | {"noise": 0.2}, 26),
    "digits-0.4": (_DIGITS | {"noise": 0.4}, 26),
    "digits-0.8": (_DIGITS | {"noise": 0.8}, 26),
    "digits-pairflip-0.3": (_DIGITS | {"noise": 0.3, "noise_type": "pairflip"}, 26),
    "fashion-0.2": (_FASHION | {"noise": 0.2}, 16),
}


def trained(settings: dict[str, Any], directory: pathlib.Path) -> dict[str, Any]:
    """Trains, or reads a finished run: figures of its labels.csv and the seconds of its training."""
    config = resolve(settings | {"model_dir": str(directory)})
    summary = train(config)
    with open(directory / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    suspect = np.array([int(row["suspect"]) for row in rows])
    scores = np.array([float(row["score"]) for row in rows])
    return detection_figures(_wrong(config), suspect, scores) | {"seconds": summary["seconds_total"]}


def cleanlab(settings: dict[str, Any], epochs: int, directory: pathlib.Path) -> dict[str, Any]:
    """Cross-validates, or reads what was done: figures of cleanlab's suspects and the seconds of all trainings."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    config = resolve(settings | {"method": "supervised", "mixup": True, "epochs": epochs})
    done = directory / "probabilities.npy"
    if not done.exists():
        started = time.monotonic()
        probabilities = out_of_sample_probabilities(config)
        directory.mkdir(parents=True, exist_ok=True)
        write_json(directory / "seconds.json", time.monotonic() - started)
        write_whole(done, lambda place: np.save(place, probabilities))
    probabilities = np.load(done, allow_pickle=False)
    given_labels = load_training_data(config).given_labels
    suspect = find_label_issues(given_labels, probabilities)
    seconds = json.loads((directory / "seconds.json").read_text(encoding="utf-8"))
    # Two rankings, and in its favour the one that does better: the first on Fashion-MNIST, the second with pair flip.
    rankings = [get_label_quality_scores(given_labels, probabilities, method=method) for method in RANKINGS]
    figures = [detection_figures(_wrong(config), suspect, scores) for scores in rankings]
    return max(figures, key=lambda row: row["detection_average_precision"] or 0.0) | {"seconds": seconds}


def out_of_sample_probabilities(config: Config) -> np.ndarray:
    """Probabilities [N, C] of each example by a network that was trained on the other folds."""
    from sklearn.model_selection import StratifiedKFold

    import_tensorflow()
    from ieg_fsr.methods.models.label_report import predicted_probabilities
    from ieg_fsr.training.build import build

    training = load_training_data(config)
    data, labels = training.data, training.given_labels
    probabilities = np.zeros([len(labels), data.num_classes])
    for kept, held_out in StratifiedKFold(FOLDS, shuffle=True, random_state=config.seed).split(labels, labels):
        fold = dataclasses.replace(data, train=data.train.take(kept))
        model, examples = build(config, fold, labels[kept])
        model.fit(examples, epochs=config.epochs, verbose=0)
        probabilities[held_out] = predicted_probabilities(model.classifier, data.train.take(held_out))
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _wrong(config: Config) -> np.ndarray:
    training = load_training_data(config)
    return training.given_labels != training.data.train.labels


def table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table: mean over the seeds, with the standard deviation of several."""
    lines = [
        "| data | by | precision | recall | F1 | average precision | seconds | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for condition in dict.fromkeys(row["condition"] for row in rows):
        for method in dict.fromkeys(row["method"] for row in rows):
            chosen = [row for row in rows if (row["condition"], row["method"]) == (condition, method)]
            if not chosen:
                continue
            cells = [_mean([row[name] for row in chosen], 3) for name in FIGURES]
            seconds = f"{np.mean([row['seconds'] for row in chosen]):.0f}"
            lines.append(f"| {condition} | {method} | {' | '.join(cells)} | {seconds} | {len(chosen)} |")
    return "\n".join(lines)


def _mean(values: list[float], digits: int) -> str:
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def main(argv: list[str]) -> None:
    """Runs what is asked for and not done yet; prints the table and writes a row per run."""
    names = [*METHODS, CLEANLAB]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conditions", default=",".join(CONDITIONS), help="names, with commas")
    parser.add_argument("--seeds", default="0,1,2", help="numbers, with commas")
    parser.add_argument("--methods", default="fsr,cleanlab", help=f"some of {', '.join(names)}, with commas")
    parser.add_argument("--runs", default="runs/detection", help="directory of the trainings")
    parser.add_argument("--output", default="detection.csv", help="file for a row per condition, seed and method")
    arguments = parser.parse_args(argv)
    unknown = set(arguments.conditions.split(",")) - set(CONDITIONS)
    if unknown:
        parser.error(f"--conditions must be of {', '.join(CONDITIONS)}. Received: {', '.join(sorted(unknown))}")
    methods = arguments.methods.lower().split(",")
    if set(methods) - set(names):
        parser.error(f"--methods must be of {', '.join(names)}. Received: {arguments.methods}")
    rows = []
    for condition in arguments.conditions.split(","):
        settings, epochs = CONDITIONS[condition]
        for seed in map(int, arguments.seeds.split(",")):
            for method in methods:
                directory = pathlib.Path(arguments.runs) / f"{condition}-{method}-seed{seed}"
                seeded = settings | {"seed": seed}
                if method == CLEANLAB:
                    figures, label = cleanlab(seeded, epochs, directory), CLEANLAB
                else:
                    figures, label = trained(seeded | {"method": method}, directory), METHODS[method].label
                rows.append({"condition": condition, "method": label, "seed": seed} | figures)
                print(rows[-1], flush=True)
    write_columns(arguments.output, list(rows[0]), list(zip(*(row.values() for row in rows), strict=True)))
    print(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
