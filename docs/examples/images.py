"""Your own image classifier on arrays with wrong labels: trained plainly and with FSR, the suspects listed, saved.

python docs/examples/images.py            # about a minute on two cores
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

import ieg_fsr

EPOCHS = 40


def classifier() -> keras.Model:
    """A functional model with dropout, as anyone would write it; all that FSR asks for is logits at the end."""
    pixels = keras.Input((8, 8, 1))
    x = keras.layers.Rescaling(1 / 16)(pixels)
    for filters in (32, 64):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(128, activation="relu")(x)
    x = keras.layers.Dropout(0.3)(x)
    return keras.Model(pixels, keras.layers.Dense(10)(x))


# 1,437 images to train on; 40 % of the labels are replaced by one of all ten.
keras.utils.set_random_seed(1)
images, true_labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32")
order = np.random.permutation(len(images))
train, test = order[:1437], order[1437:]
x, y = images[train], true_labels[train]
y = np.where(np.random.random(len(y)) < 0.4, np.random.randint(0, 10, len(y)), y)

plain = classifier()
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
plain.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
plain.fit(x, y, batch_size=100, epochs=EPOCHS, verbose=0)

model = ieg_fsr.FSR(classifier(), num_examples=len(y), dictionary_size=200, reweight_warmup_epochs=5)
model.compile(keras.optimizers.Adam(1e-3), metrics=["accuracy"])
model.fit(ieg_fsr.examples(x, y, batch_size=100), epochs=EPOCHS, verbose=0)
report = model.label_report()
report.suspects().to_csv("suspects.csv")
model.classifier.save("classifier.keras")

loaded = keras.models.load_model("classifier.keras")  # needs no ieg_fsr
wrong, suspect = y != true_labels[train], report.suspect == 1
found = np.sum(wrong & suspect)
plain_accuracy = np.mean(plain.predict(images[test], verbose=0).argmax(axis=1) == true_labels[test])
accuracy = np.mean(loaded.predict(images[test], verbose=0).argmax(axis=1) == true_labels[test])
print(f"without FSR: test accuracy {plain_accuracy:.3f}")
print(f"with FSR:    test accuracy {accuracy:.3f}")
print(
    f"suspects:    precision {found / suspect.sum():.3f}, recall {found / wrong.sum():.3f}, {wrong.sum()} labels wrong"
)
