"""Your own folder of images, some in the wrong folder: train on it and write down which files to look at.

python docs/examples/folder.py            # a minute on two cores; draws its own images into ./materials
"""

import pathlib

import keras
import numpy as np
import tensorflow as tf

import ieg_fsr

EPOCHS = 20
# Mean colours of the classes; brightness and tint of an image, and the noise in it, are drawn.
COLOURS = {"brick": (170, 80, 60), "grass": (90, 150, 60), "sand": (200, 170, 110), "water": (60, 110, 170)}
CLASSES = tuple(COLOURS)
rng = np.random.default_rng(1)


def draw(kind: str) -> np.ndarray:
    """A patch of one material, uint8 [32, 32, 3]."""
    colour = rng.uniform(0.6, 1.2) * np.array(COLOURS[kind]) + rng.normal(0, 12, 3)
    return (colour + rng.normal(0, 30, (32, 32, 3))).clip(0, 255).astype(np.uint8)


def write_images(root: str, count: int, noise: float) -> list[str]:
    """Draws images into a folder for each class, a share of them into any folder; returns the true classes' names."""
    kinds = [CLASSES[k % 4] for k in range(count)]
    for k, kind in enumerate(kinds):
        folder = pathlib.Path(root, rng.choice(CLASSES) if rng.random() < noise else kind)
        folder.mkdir(parents=True, exist_ok=True)
        tf.io.write_file(str(folder / f"{k:04}.png"), tf.io.encode_png(draw(kind)))
    return kinds


def classifier() -> keras.Model:
    """Convolutions on pixels 0..255, logits at the end."""
    network = [keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 127.5, -1)]
    for filters in (16, 32, 64):
        network += [
            keras.layers.Conv2D(filters, 3, strides=2, padding="same"),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
    return keras.Sequential([*network, keras.layers.Flatten(), keras.layers.Dense(4)])


def train(model: ieg_fsr.Supervised) -> float:
    """Accuracy on images that are in their right folders."""
    model.compile(keras.optimizers.Adam(2e-3), metrics=["accuracy"])
    history = model.fit(examples, epochs=EPOCHS, validation_data=test, verbose=0).history
    return history["val_accuracy"][-1]


keras.utils.set_random_seed(1)
kinds = write_images("materials/train", 800, noise=0.4)
write_images("materials/test", 200, noise=0.0)
examples = ieg_fsr.examples_from_directory("materials/train", image_size=32, batch_size=50)
test = ieg_fsr.examples_from_directory("materials/test", 32, 50, class_names=examples.class_names)

plain_accuracy = train(ieg_fsr.Supervised(classifier()))
model = ieg_fsr.FSR(classifier(), num_examples=800, dictionary_size=80, reward_batch_size=50, reweight_warmup_epochs=5)
accuracy = train(model)
files = examples.source.names  # by example id
report = model.label_report()
report.suspects().to_csv("suspects.csv", file=files)

wrong = np.array([kinds[int(pathlib.Path(file).stem)] != pathlib.Path(file).parent.name for file in files])
suspect = report.suspect == 1
found = np.sum(wrong & suspect)
print(f"without FSR: test accuracy {plain_accuracy:.3f}")
print(f"with FSR:    test accuracy {accuracy:.3f}")
print(
    f"suspects:    precision {found / suspect.sum():.3f}, recall {found / wrong.sum():.3f}, {wrong.sum()} labels wrong"
)
