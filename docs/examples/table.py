"""Your own classifier of a table with wrong labels: nothing but augmentation takes the inputs for images.

python docs/examples/table.py             # half a minute on two cores
"""

import keras
import numpy as np
from sklearn.datasets import make_classification

import ieg_fsr

EPOCHS = 40
CLASSES = 5

# 3,000 rows of 20 columns and five classes; 30 % of the training labels are moved to another class.
keras.utils.set_random_seed(1)
table, true_labels = make_classification(
    4000, 20, n_informative=15, n_redundant=0, n_classes=CLASSES, n_clusters_per_class=1, class_sep=1.5, flip_y=0.0,
    random_state=1,
)  # fmt: skip
x, x_test = table[:3000], table[3000:]
true_train, true_test = true_labels[:3000], true_labels[3000:]
is_moved = np.random.random(3000) < 0.3
y = np.where(is_moved, (true_train + np.random.randint(1, CLASSES, 3000)) % CLASSES, true_train)

columns = keras.layers.Normalization()
columns.adapt(x)


def classifier() -> keras.Model:
    """Scaling of the columns inside, two hidden layers, logits at the end."""
    return keras.Sequential(
        [
            keras.Input((20,)),
            columns,
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(CLASSES),
        ]
    )


plain = classifier()
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
plain.compile(keras.optimizers.AdamW(1e-3), loss, metrics=["accuracy"])
plain.fit(x, y, batch_size=100, epochs=EPOCHS, verbose=0)

model = ieg_fsr.FSR(classifier(), num_examples=len(y), dictionary_size=200, reweight_warmup_epochs=5)
model.compile(keras.optimizers.AdamW(1e-3), metrics=["accuracy"])
history = model.fit(
    ieg_fsr.examples(x, y, batch_size=100), epochs=EPOCHS, validation_data=(x_test, true_test), verbose=0
).history
report = model.label_report()

wrong, suspect = y != true_train, report.suspect == 1
found = np.sum(wrong & suspect)
print(f"without FSR: test accuracy {plain.evaluate(x_test, true_test, verbose=0)[1]:.3f}")
print(f"with FSR:    test accuracy {history['val_accuracy'][-1]:.3f}")
print(
    f"suspects:    precision {found / suspect.sum():.3f}, recall {found / wrong.sum():.3f}, {wrong.sum()} labels wrong"
)
