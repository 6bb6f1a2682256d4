"""Tests of flag files: that the command line reads them, and that those of flags/ are the paper's experiments."""

import pathlib

import numpy as np
import pytest

import ieg_fsr.main  # noqa: F401  (defines the flags, as a user's command does)
from ieg_fsr.configuration.flags import given_settings
from ieg_fsr.configuration.recipes import recipe
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.labels.long_tail import long_tail_counts
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.training.run import train

pytestmark = pytest.mark.usefixtures("two_blocks", "no_saved_model")

FILES = sorted((pathlib.Path(__file__).resolve().parents[1] / "flags").glob("*.flags"))


def test_a_flag_file_is_read_and_later_flags_win(tmp_path, parsed):
    path = tmp_path / "x.flags"
    path.write_text("# a comment\n\n--noise=0.2\n  --epochs=7\n")
    config = parsed(f"--flagfile={path}", "--epochs=8")
    assert (config.noise, config.epochs) == (0.2, 8)
    assert parsed("--epochs=8", "--flagfile", str(path)).epochs == 7


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (None, ["--flagfile must be a readable text file. Received: ", "x.flags"]),
        (b"\xff\xfe", ["--flagfile must be a readable text file. Received: other bytes than UTF-8"]),
        (b"noise=0.4\n", ["arguments must be flags", "Received: noise=0.4"]),
        (b"--noise=0.4 # high\n", ["--noise must be a number in [0, 1]", "Received: 0.4 # high"]),
        (b"--nosie=0.4\n", ["nosie"]),
        (b"--flagfile=missing.flags\n", ["--flagfile must be a readable text file. Received: missing.flags"]),
    ],
)
def test_a_flag_file_that_does_not_do(tmp_path, content, parts, complaint):
    path = tmp_path / "x.flags"
    if content is not None:
        path.write_bytes(content)
    message = complaint(f"--flagfile={path}")
    assert all(part in message for part in parts), message


# The experiments in words of the paper's tables.
EVERYWHERE = {
    "method": "fsr", "learning_rate": 0.1, "momentum": 0.9, "score_momentum": 0.9, "lookahead_learning_rate": 0.1,
    "parameter_average_decay": 0.999, "weight_decay": 5e-4, "flip": True, "faithful": False,
}  # fmt: skip
NOISE = EVERYWHERE | {
    "batch_size": 100, "dictionary_size": 2000, "reward_batch_size": 200, "label_momentum": 0.1,
    "pseudo_label_loss_weight": 2.0, "reweight_warmup_epochs": 20, "mixup": True, "mixup_alpha": 1.0,
    "label_smoothing": 0.0, "weight_constraint": "clip", "schedule": "cosine_restarts", "epochs": 127, "padding": 2,
    "imbalance": 1.0,
}  # fmt: skip
LONG_TAIL = EVERYWHERE | {
    "network": "resnet32", "batch_size": 100, "dictionary_size": 3000, "reward_batch_size": 800,
    "pseudo_label_loss_weight": 0.0, "mixup": False, "label_smoothing": 0.1, "weight_constraint": "shift",
    "schedule": "steps", "drop_epochs": (160, 180), "epochs": 200, "padding": 4, "noise": 0.0, "imbalance": 200.0,
}  # fmt: skip
SHORT, DEFERRED = {"reweight_warmup_epochs": 20}, {"reweight_warmup_epochs": 160}
CIFAR10, CIFAR100 = {"dataset": "cifar10"}, {"dataset": "cifar100"}
WIDE, SMALL = {"network": "wrn28_10"}, {"network": "resnet32"}
UNIFORM = {"noise_type": "uniform", "noise": 0.4}
ASYMMETRIC = {"noise_type": "asymmetric", "noise": 0.4}
PHOTOGRAPHS = {"network": "resnet50", "image_size": 224, "padding": 0, "weight_decay": 1e-4}
EXPERIMENTS = {
    "cifar10_uniform_wrn28_10": NOISE | CIFAR10 | WIDE | UNIFORM,
    "cifar10_uniform_resnet32": NOISE | CIFAR10 | SMALL | UNIFORM,
    "cifar100_uniform_wrn28_10": NOISE | CIFAR100 | WIDE | UNIFORM,
    "cifar100_uniform_resnet32": NOISE | CIFAR100 | SMALL | UNIFORM,
    "cifar10_asymmetric_wrn28_10": NOISE | CIFAR10 | WIDE | ASYMMETRIC,
    "cifar10_asymmetric_resnet32": NOISE | CIFAR10 | SMALL | ASYMMETRIC,
    "cifar10_long_tailed": LONG_TAIL | CIFAR10 | SHORT,
    "cifar10_long_tailed_deferred": LONG_TAIL | CIFAR10 | DEFERRED,
    "cifar100_long_tailed": LONG_TAIL | CIFAR100 | SHORT,
    "cifar100_long_tailed_deferred": LONG_TAIL | CIFAR100 | DEFERRED,
    "cifar10_long_tailed_uniform": LONG_TAIL | CIFAR10 | DEFERRED | {
        "batch_size": 128, "reward_batch_size": 200, "label_momentum": 0.1, "pseudo_label_loss_weight": 2.0,
        "mixup": True, "mixup_alpha": 1.0, "weight_constraint": "clip", "noise_type": "uniform", "noise": 0.2,
        "imbalance": 10.0,
    },
    "cifar100_hyperparameters": NOISE | CIFAR100 | SMALL | UNIFORM,
    "cifar10_mixup_relabelling": NOISE | CIFAR10 | SMALL | UNIFORM | {"noise": 0.2},
    "cifar10_pushers": NOISE | CIFAR10 | SMALL | UNIFORM,
    "cifar10_meta_layers": NOISE | CIFAR10 | SMALL | UNIFORM | {"meta_layers": "dense"},
    "cifar10_reward_set_size": NOISE | CIFAR10 | SMALL | UNIFORM,
    "cifar10_layer_gradients": NOISE | CIFAR10 | SMALL | UNIFORM | {"layer_gradients_interval": 10},
    "webvision_mini": NOISE | PHOTOGRAPHS | {
        "dataset": "webvision_mini", "noise": 0.0, "batch_size": 8 * 16, "dictionary_size": 5000,
        "pseudo_label_loss_weight": 1.0, "learning_rate_warmup_epochs": 3, "epochs": 127 + 3,
    },
    "inaturalist2018": LONG_TAIL | PHOTOGRAPHS | {
        "dataset": "inaturalist2018", "imbalance": 1.0, "batch_size": 32, "dictionary_size": 2000,
        "reward_batch_size": 350, "epochs": 90, "drop_epochs": (72, 81), "reweight_warmup_epochs": 72,
    },
}  # fmt: skip

# What FSR is compared with: these state what all methods share, and leave the rest to each method's recipe.
PLAIN = {"learning_rate": 0.1, "momentum": 0.9, "mixup": False, "label_smoothing": 0.0, "flip": True}
CLEAN_IMAGES = PLAIN | {"method": "l2r", "reward_source": "holdout", "meta_layers": "all", "batch_size": 100}
STEPS = {"schedule": "steps", "drop_epochs": (160, 180), "epochs": 200, "padding": 4, "imbalance": 200.0, "noise": 0.0}
RESTARTS = {"schedule": "cosine_restarts", "epochs": 127, "padding": 2, "imbalance": 1.0}
COMPARISONS = {
    "cifar10_uniform_methods": CLEAN_IMAGES | CIFAR10 | WIDE | UNIFORM | RESTARTS | {"clean_per_class": 100},
    "cifar100_uniform_methods": CLEAN_IMAGES | CIFAR100 | WIDE | UNIFORM | RESTARTS | {"clean_per_class": 10},
    "cifar10_asymmetric_methods": CLEAN_IMAGES | CIFAR10 | SMALL | ASYMMETRIC | RESTARTS | {"clean_per_class": 100},
    "cifar10_clean_set_size": CLEAN_IMAGES | CIFAR10 | SMALL | UNIFORM | RESTARTS | {"clean_per_class": 100},
    "cifar10_long_tailed_methods": CLEAN_IMAGES | CIFAR10 | SMALL | STEPS,
    "cifar100_long_tailed_methods": CLEAN_IMAGES | CIFAR100 | SMALL | STEPS,
    "webvision_mini_methods": PLAIN | PHOTOGRAPHS | {
        "dataset": "webvision_mini", "method": "coteaching", "batch_size": 8 * 16,
        "epochs": 127 + 3,
    },
    "inaturalist2018_methods": PLAIN | PHOTOGRAPHS | {
        "dataset": "inaturalist2018", "method": "cb_focal", "batch_size": 32, "epochs": 90, "drop_epochs": (72, 81),
    },
}  # fmt: skip
EXPERIMENTS |= COMPARISONS


def test_every_file_is_an_experiment():
    assert {path.stem for path in FILES} == set(EXPERIMENTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_values_are_the_papers(path, parsed):
    config, expected = parsed(f"--flagfile={path}"), EXPERIMENTS[path.stem]
    assert {name: getattr(config, name) for name in expected} == expected


@pytest.mark.parametrize("path", [path for path in FILES if path.stem not in COMPARISONS], ids=lambda path: path.stem)
def test_a_file_states_what_its_recipe_says(path, parsed):
    """So that a sweep that reaches the data of another recipe, as imbalance 1 does, changes nothing else."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("--")]
    config = parsed(f"--flagfile={path}")
    stated = recipe(config.dataset, "fsr", long_tailed=config.imbalance > 1, noisy=config.noise > 0)
    # That reward features are kept is no data set's to say.
    assert stated.keys() - METHODS["fsr"].recipe.keys() <= {line.removeprefix("--").split("=")[0] for line in lines}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_header_gives_command_sweep_expectation_and_hardware(path, parsed):
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    text = "\n".join(header)
    assert f"bash launch/sweep.sh flags/{path.name}" in text
    assert f"python -m ieg_fsr.main --flagfile=flags/{path.name}" in text
    assert "# Expected:" in text
    assert "# Hardware:" in text
    sweeps = [line.removeprefix("# sweep: ") for line in header if line.startswith("# sweep: ")]
    assert sweeps
    for sweep in sweeps:
        axes = {name: values.split(",") for name, values in (axis.split("=") for axis in sweep.split())}
        first = {name: values[0] for name, values in axes.items()}
        for name, value in ((name, value) for name, values in axes.items() for value in values):
            parsed(f"--flagfile={path}", *(f"--{one}={chosen}" for one, chosen in (first | {name: value}).items()))


def tiny_data(num_classes):
    """Noise images, 8x8x3: 400 to train on, one of each class to test on."""
    rng = np.random.default_rng(0)

    def source(copies):
        labels = np.tile(np.arange(num_classes), copies)
        return ArraySource(rng.integers(0, 256, (len(labels), 8, 8, 3), np.uint8), labels)

    return DataSet("tiny", source(400 // num_classes), source(1), tuple(map(str, range(num_classes))))


CHOICES = (
    *("method", "reward_source", "meta_layers", "weight_rule", "pusher", "reward_features", "weight_constraint"),
    *("mixup", "schedule", "noise_type"),
)
SWITCHED_ON = ("noise", "label_smoothing", "learning_rate_warmup_epochs", "layer_gradients_interval")


def one_of_each_kind():
    """The first of the files that differ in sizes and numbers only: what the small run of the test is not made of."""
    kinds = {}
    for path in FILES:
        config = resolve(given_settings([f"--flagfile={path}"]))
        kind = *(config.get(name) for name in CHOICES), *(bool(config.get(name)) for name in SWITCHED_ON)
        kinds.setdefault((*kind, config.imbalance > 1, bool(config.get("pseudo_label_loss_weight"))), path)
    return list(kinds.values())


@pytest.mark.slow
@pytest.mark.parametrize("path", one_of_each_kind(), ids=lambda path: path.stem)
def test_every_kind_of_file_starts_a_run(path, monkeypatch, tmp_path, parsed):
    """One step with re-weighting, on a network and data that are smaller than the file's."""
    config = parsed(f"--flagfile={path}")
    data = tiny_data(10 if config.dataset == "cifar10" else 100)
    monkeypatch.setattr("ieg_fsr.training.inputs.load_dataset", lambda *settings: data)
    small = ["--network=small_cnn", "--epochs=1", f"--model_dir={tmp_path}"]
    if "dictionary_size" in config:
        small += ["--reweight_warmup_epochs=0", "--dictionary_size=20", "--reward_batch_size=20"]
    examples = len(data.train)
    if config.imbalance > 1:
        small.append("--imbalance=2")
        examples = long_tail_counts(400 // data.num_classes, 2, data.num_classes).sum()
    if METHODS[config.method].clean_per_class(config):
        small.append("--clean_per_class=1")
        examples -= data.num_classes
    small.append(f"--batch_size={examples}")
    summary = train(parsed(f"--flagfile={path}", *small), lambda text: None)
    assert summary["steps"] == 1
    assert summary["imbalance"] == (2.0 if config.imbalance > 1 else 1.0)
    assert ((summary["measured_noise_rate"] or 0) > 0) == (config.noise > 0)
