"""Your own text classifier on labels of which some are wrong: texts in, the vocabulary inside the model.

python docs/examples/text.py              # half a minute on two cores
"""

import keras
import numpy as np

import ieg_fsr

EPOCHS = 30
TOPICS, WORDS, LENGTH = 4, 600, 25

# A corpus of four topics: each has favourites among 600 words, and 60 % of a text's words are drawn from everywhere.
keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
words = np.array([f"word{i}" for i in range(WORDS)])
favourites = rng.dirichlet(np.full(WORDS, 0.05), TOPICS)
true_labels = rng.integers(0, TOPICS, 3000)
texts = np.array(
    [" ".join(rng.choice(words, LENGTH, p=0.4 * favourites[topic] + 0.6 / WORDS)) for topic in true_labels]
)
x, x_test = texts[:2000], texts[2000:]
true_train, true_test = true_labels[:2000], true_labels[2000:]
y = np.where(rng.random(2000) < 0.4, rng.integers(0, TOPICS, 2000), true_train)

vocabulary = keras.layers.TextVectorization(max_tokens=1000, output_sequence_length=LENGTH)
vocabulary.adapt(x)


def classifier() -> keras.Model:
    """Texts to words to vectors, their mean, logits."""
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vocabulary,
            keras.layers.Embedding(1000, 64),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(TOPICS),
        ]
    )


def accuracy(network: keras.Model) -> float:
    """Share of the test texts whose topic is found."""
    return np.mean(network(x_test).numpy().argmax(axis=1) == true_test)


plain = ieg_fsr.Supervised(classifier())  # the same training without weights
plain.compile(keras.optimizers.Adam(3e-3))
plain.fit(ieg_fsr.examples(x, y, batch_size=100), epochs=EPOCHS, verbose=0)

# Texts and token ids cannot be mixed.
model = ieg_fsr.FSR(classifier(), len(y), dictionary_size=200, reweight_warmup_epochs=3, mixup_alpha=0)
model.compile(keras.optimizers.Adam(3e-3))
model.fit(ieg_fsr.examples(x, y, batch_size=100), epochs=EPOCHS, verbose=0)
report = model.label_report()
model.classifier.save("topics.keras")
loaded = keras.models.load_model("topics.keras")

wrong, suspect = y != true_train, report.suspect == 1
found = np.sum(wrong & suspect)
print(f"without FSR: test accuracy {accuracy(plain.classifier):.3f}")
print(f"with FSR:    test accuracy {accuracy(loaded):.3f}")
print(
    f"suspects:    precision {found / suspect.sum():.3f}, recall {found / wrong.sum():.3f}, {wrong.sum()} labels wrong"
)
