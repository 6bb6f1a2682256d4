"""The data of the grid: what people have, from clean digits to three classes of which two are rare.

A condition is drawn anew for every seed: which labels are wrong, of tables also which rows are for training.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

_HUMAN = str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "cifar10n_worse.csv")


class Arrays(NamedTuple):
    """Inputs, true labels and wrong ones, and the classifier that learns them."""

    x: np.ndarray
    true_labels: np.ndarray
    given_labels: np.ndarray
    x_test: np.ndarray
    test_labels: np.ndarray
    network: Callable[[int], Any]  # from a seed to a keras.Model


@dataclasses.dataclass(frozen=True)
class Condition:
    """Data and how they are trained on.

    Attributes:
        words: for the table.
        settings: of the command line, those of `fsr` alone left out for other methods.
        arrays: from a seed to the data, where they are not a data set of the command line.
        adam: its learning rate, for arrays.
        mixes: whether the inputs can be mixed.
    """

    words: str
    settings: Mapping[str, Any]
    arrays: Callable[[int], Arrays] | None = None
    adam: float = 1e-3
    mixes: bool = True


def _mlp(x: np.ndarray, classes: int, seed: int) -> Any:
    import keras

    columns = keras.layers.Normalization()
    columns.adapt(x)
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            columns,
            *(keras.layers.Dense(64, activation="relu") for _ in range(2)),
            keras.layers.Dense(classes),
        ]
    )


def _table(x: np.ndarray, labels: np.ndarray, rate: float, seed: int) -> Arrays:
    """60 % of the rows for training, of which a share has a label of another class."""
    rng = np.random.default_rng([seed, 1])
    order, x, labels = rng.permutation(len(x)), x.astype(np.float32), labels.astype(np.int32)
    train, test = np.split(order, [round(0.6 * len(x))])
    true, classes = labels[train], int(labels.max()) + 1
    wrong = rng.random(len(true)) < rate
    given = np.where(wrong, (true + rng.integers(1, classes, len(true))) % classes, true).astype(np.int32)
    return Arrays(x[train], true, given, x[test], labels[test], functools.partial(_mlp, x[train], classes))


def _made(rate: float, seed: int, **how: Any) -> Arrays:
    from sklearn.datasets import make_classification

    return _table(*make_classification(flip_y=0, random_state=5, **how), rate, seed)


def _breast_cancer(rate: float, seed: int) -> Arrays:
    from sklearn.datasets import load_breast_cancer

    return _table(*load_breast_cancer(return_X_y=True), rate, seed)


def _topics(rate: float, seed: int) -> Arrays:
    """Texts of 25 words of four topics, 60 % of the words from everywhere."""
    import keras

    topics, words, length = 4, 600, 25
    rng = np.random.default_rng([seed, 2])
    vocabulary = np.array([f"word{i}" for i in range(words)])
    favourites = rng.dirichlet(np.full(words, 0.05), topics)
    labels = rng.integers(0, topics, 3000).astype(np.int32)
    drawn = [rng.choice(vocabulary, length, p=0.4 * favourites[topic] + 0.6 / words) for topic in labels]
    texts = np.array([" ".join(text) for text in drawn])
    true = labels[:2000]
    given = np.where(rng.random(2000) < rate, (true + rng.integers(1, topics, 2000)) % topics, true).astype(np.int32)

    def network(seed: int) -> Any:
        tokens = keras.layers.TextVectorization(max_tokens=1000, output_sequence_length=length)
        tokens.adapt(texts[:2000])
        keras.utils.set_random_seed(seed)
        layers = [
            keras.layers.Embedding(1000, 64),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.2, seed=seed),
            keras.layers.Dense(topics),
        ]
        return keras.Sequential([keras.Input((), dtype="string"), tokens, *layers])

    return Arrays(texts[:2000], true, given, texts[2000:], labels[2000:], network)


def _tables() -> dict[str, Condition]:
    settings = {"epochs": 40, "batch_size": 32, "reweight_warmup_epochs": 5}
    overlapping = functools.partial(
        _made, n_samples=3000, n_features=20, n_informative=10, n_classes=4, class_sep=0.6, n_clusters_per_class=2
    )
    rare = functools.partial(
        _made, n_samples=4000, n_features=20, n_informative=10, n_classes=3, weights=[0.9, 0.08, 0.02], class_sep=1.5,
        n_clusters_per_class=1,
    )  # fmt: skip
    hundred = functools.partial(
        _made, n_samples=6000, n_features=40, n_informative=30, n_classes=100, class_sep=2.0, n_clusters_per_class=1
    )
    kinds = {
        "cancer": ("breast cancer, a table of 30 columns", _breast_cancer, (0, 0.3)),
        "overlapping": ("overlapping classes, a table", overlapping, (0, 0.2)),
        "rare": ("classes of 90 : 8 : 2, a table", rare, (0, 0.2)),
        "hundred": ("100 classes, a table", hundred, (0, 0.3)),
    }
    conditions = {}
    for name, (words, made, rates) in kinds.items():
        for rate in rates:
            text = f"{words}, {rate:.0%} wrong" if rate else f"{words}, right labels"
            conditions[f"{name}-{rate:g}"] = Condition(text, settings, functools.partial(made, rate))
    text_settings = settings | {"epochs": 30, "batch_size": 100, "reweight_warmup_epochs": 3}
    conditions["topics-0.3"] = Condition(
        "texts of four topics, 30% wrong", text_settings, functools.partial(_topics, 0.3), adam=3e-3, mixes=False
    )
    return conditions


def _digits() -> dict[str, Condition]:
    digits: dict[str, Any] = {"dataset": "digits"}
    conditions = {"digits-0": Condition("digits, right labels", digits)}
    for rate in (0.2, 0.4, 0.6, 0.8):
        conditions[f"digits-{rate}"] = Condition(f"digits, {rate:.0%} drawn anew", digits | {"noise": rate})
    return conditions | {
        "digits-pairflip": Condition(
            "digits, 30% as the next class", digits | {"noise": 0.3, "noise_type": "pairflip"}
        ),
        "digits-human": Condition("digits, people's mistakes (CIFAR-10N, worst)", digits | {"noise_matrix": _HUMAN}),
        "digits-tail": Condition("digits, long tail 50", digits | {"imbalance": 50.0}),
        "digits-tail-100": Condition("digits, long tail 100", digits | {"imbalance": 100.0}),
        "digits-tail-0.4": Condition(
            "digits, long tail 50, 40% drawn anew", digits | {"imbalance": 50.0, "noise": 0.4}
        ),
    }


def _fashion(directory: pathlib.Path) -> dict[str, Condition]:
    small = {
        "dataset": f"npz:{directory / 'fashion14.npz'}", "reweight_warmup_epochs": 10, "dictionary_size": 500,
        "reward_batch_size": 100,
    }  # fmt: skip
    plain = small | {"train_examples": 5000, "epochs": 40, "padding": 0, "flip": False}
    augmented = small | {"train_examples": 10_000, "epochs": 60, "padding": 1, "flip": True}
    human = {"noise_matrix": _HUMAN}
    a, b = "5,000 images of clothes, not augmented", "10,000 images of clothes, augmented"
    whole = {"dataset": "fashion_mnist", "train_examples": 20_000, "epochs": 15, "noise": 0.4}
    return {
        "a0": Condition(f"{a}, right labels", plain),
        "a": Condition(f"{a}, 40% drawn anew", plain | {"noise": 0.4}),
        "a8": Condition(f"{a}, 80% drawn anew", plain | {"noise": 0.8}),
        "ap": Condition(f"{a}, 30% as the next class", plain | {"noise": 0.3, "noise_type": "pairflip"}),
        "ai": Condition(f"{a}, 40% by what is seen", plain | {"noise": 0.4, "noise_type": "instance"}),
        "c0": Condition(f"{b}, right labels", augmented),
        "b": Condition(f"{b}, 40% drawn anew", augmented | {"noise": 0.4}),
        "b8": Condition(f"{b}, 80% drawn anew", augmented | {"noise": 0.8}),
        "bh": Condition(f"{b}, people's mistakes (CIFAR-10N, worst)", augmented | human),
        "bt": Condition(f"{b}, long tail 50", augmented | {"imbalance": 50.0}),
        "bt-100": Condition(f"{b}, long tail 100", augmented | {"imbalance": 100.0}),
        "bt-0.4": Condition(f"{b}, long tail 50, 40% drawn anew", augmented | {"imbalance": 50.0, "noise": 0.4}),
        "whole": Condition("20,000 images of 28x28, augmented, 40% drawn anew", whole),
    }


def conditions(directory: pathlib.Path) -> dict[str, Condition]:
    """All conditions by name. Args: directory: where `write_small_fashion` has been."""
    return _digits() | _fashion(directory) | _tables()


def write_small_fashion(directory: pathlib.Path) -> None:
    """Fashion-MNIST at half its width and height, the mean of four pixels each, as an .npz file."""
    from ieg_fsr.data.sources.datasets import load_dataset
    from ieg_fsr.files import write_whole

    path = directory / "fashion14.npz"
    if path.exists():
        return
    data = load_dataset("fashion_mnist")
    arrays: dict[str, np.ndarray] = {}
    for part, source in (("train", data.train), ("test", data.test)):
        images = source.images(np.arange(len(source))).reshape(-1, 14, 2, 14, 2, 1)
        arrays[f"x_{part}"] = images.mean((2, 4)).round().astype(np.uint8)
        arrays[f"y_{part}"] = source.labels
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda place: np.savez(place, **arrays))
