"""What training learned about each given label: the rows of `labels.csv`."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples, Source, chunks
from ieg_fsr.errors import UserError
from ieg_fsr.files import write_columns
from ieg_fsr.unlabelled import labelled

_AT_ONCE = 500 * 64 * 64 * 3  # numbers of inputs in a forward pass, which has to fit where training did
_LAST_WORD_EXPONENT = 0.3  # of the number of classes, see `label_report`


class LabelReport(NamedTuple):
    """One entry per training example, ordered by example id; every field is [N] but the last.

    Attributes:
        example_id: dense id 0..N-1: the row of `examples(x, y)`.
        given_label: label in the data; -1 of an unlabelled example.
        score: higher = label more likely right; -inf for one never trained on, or none.
        weight: the sample's mean weight over the epochs of re-weighting, relative to uniform (1 = uniform); 0 for an
            unlabelled one.
        suggested_label: class that the trained classifier believes in; the given one where it believes no other more.
        confidence: probability of `suggested_label` by the trained classifier, in (0, 1].
        suspect: 1 where `suggested_label` is not `given_label`, and the latter less probable than a guess; see
            `label_report` for where less is enough.
        estimated_noise_rate: estimated share of wrong labels among all; None where training kept no scores or has not
            begun to re-weight, as a classifier alone may have memorised wrong labels.
    """

    example_id: np.ndarray
    given_label: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    suggested_label: np.ndarray
    confidence: np.ndarray
    suspect: np.ndarray
    estimated_noise_rate: float | None = None

    def suspects(self) -> "LabelReport":
        """The suspect examples alone, those of the lowest score first."""
        chosen = np.flatnonzero(self.suspect)
        chosen = chosen[np.argsort(self.score[chosen], kind="stable")]
        return LabelReport._make([*(column[chosen] for column in self[:-1]), self.estimated_noise_rate])

    def trusting(self, ids: np.ndarray) -> "LabelReport":
        """The same, where examples whose labels a person decided are no suspects. Args: ids: of these, dense."""
        return self._replace(suspect=np.where(np.isin(self.example_id, ids), 0, self.suspect).astype(np.int32))

    @property
    def pseudo_label(self) -> np.ndarray:
        """The former name of `suggested_label`."""
        return self.suggested_label

    def columns(self) -> dict[str, np.ndarray]:
        """The fields [N] by their headings in CSV, where the suggested label is called pseudo_label."""
        headings = ["pseudo_label" if name == "suggested_label" else name for name in self._fields]
        return dict(zip(headings[:-1], self[:-1], strict=True))

    def to_pandas(self) -> Any:
        """The columns of `to_csv` as a `pandas.DataFrame` with a row per example.

        Raises:
            UserError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise UserError(f"to_pandas must find pandas: pip install pandas. Received: {error}") from None
        return pandas.DataFrame(self.columns())

    def to_csv(self, path: str | os.PathLike, **columns: Sequence[Any]) -> None:
        """Writes the fields as CSV with a header; more columns by name, such as `file=examples.source.names`.

        Args:
            path: of the file; its directory must exist.
            **columns: [N] by example id, so that they fit a report of all examples and one of suspects alike.
        """
        more = {name: [column[i] for i in self.example_id] for name, column in columns.items()}
        table = self.columns() | more
        write_columns(path, list(table), list(table.values()))


class LastWord(NamedTuple):
    """What the trained classifier says of each example in the end, as far as a label report looks at it.

    Attributes:
        given: [N], probability of the given label; 0 of an unlabelled example.
        largest: [N], probability of the likeliest class.
        likeliest: [N], that class; the first of several.
        num_classes: C.
    """

    given: np.ndarray
    largest: np.ndarray
    likeliest: np.ndarray
    num_classes: int


def label_report(
    given_labels: np.ndarray,
    scores: np.ndarray | None,
    weights: np.ndarray,
    probabilities: np.ndarray | LastWord,
    own_probabilities: np.ndarray | None = None,
    *,
    by_last_word: bool = False,
) -> LabelReport:
    """Puts together what is known of each label.

    A label is suspect where the trained classifier, shown the plain input, says otherwise *and* training thought less
    of the given label than of a guess: a probability below 1 / C. The first alone is not enough where classes are hard
    to tell apart: there most of the labels that a classifier contradicts are right, and those it does find likely.
    Nothing is tuned, and the rate of noise need not be known.

    Where the strength tunes itself, training contradicts wrong labels of a system, such as the next class, less firmly.
    There the last word is enough by itself if it finds another label C^0.3 times as probable: twice of 10 classes, and
    4 times of 100, among which some come near by chance. Chosen by right and wrong labels of the grid.

    The estimated share of wrong labels counts those suspects that the trained classifier, too, gives less than a guess:
    where it has not learned its classes yet, too many right labels are suspect. An unlabelled example has a suggestion,
    and is no suspect.

    Args:
        given_labels, weights: [N]; -1 of an unlabelled example, whose scores and weights are not looked at.
        scores: [N]; None where training kept none: then the log-probability of the given label, and no estimate.
        probabilities: [N, C], of the trained classifier for plain inputs, or its last word, which they come down to.
        own_probabilities: [N], of the given labels all through training; None to take them from `probabilities`.
        by_last_word: whether the last word can be enough.
    """
    known = labelled(given_labels)
    word = probabilities if isinstance(probabilities, LastWord) else _last_word_of(probabilities, given_labels)
    given, largest, likeliest, num_classes = word
    # Where all classes are alike nothing is known, and nothing suspect.
    suggested_labels = np.where(given == largest, given_labels, likeliest)
    own_probabilities = given if own_probabilities is None else own_probabilities
    doubtful = own_probabilities < 1.0 / num_classes
    if by_last_word:
        doubtful |= given * num_classes**_LAST_WORD_EXPONENT < largest
    suspects = known & (suggested_labels != given_labels) & doubtful
    doubted = suspects & (given < 1.0 / num_classes)
    estimate = None if scores is None else float(np.mean(doubted[known]))
    scores = np.log(np.maximum(given, np.finfo(np.float32).tiny)) if scores is None else scores
    return LabelReport(
        example_id=np.arange(len(given_labels), dtype=np.int32),
        given_label=np.asarray(given_labels, np.int32),
        score=np.where(known, scores, -np.inf),
        weight=np.where(known, weights, 0.0),
        suggested_label=suggested_labels.astype(np.int32),
        confidence=largest,
        suspect=suspects.astype(np.int32),
        estimated_noise_rate=estimate,
    )


def last_word(classifier: keras.Model, examples: Examples) -> LastWord:
    """The last word of a classifier on each example, without a table [N, C]."""
    number = len(examples.source)
    given: np.ndarray = np.empty(number, np.float32)
    likeliest: np.ndarray = np.empty(number, np.int64)
    word = LastWord(given, np.empty_like(given), likeliest, classifier.output_shape[-1])
    for ids, rows in _forwarded(classifier, examples.source, tf.nn.softmax):
        part = _last_word_of(rows, examples.given_labels[ids])
        word.given[ids], word.largest[ids], word.likeliest[ids], _ = part
    return word


def _last_word_of(probabilities: np.ndarray, given_labels: np.ndarray) -> LastWord:
    given = np.where(labelled(given_labels), probabilities[np.arange(len(given_labels)), given_labels], 0.0)
    return LastWord(given, probabilities.max(axis=1), probabilities.argmax(axis=1), probabilities.shape[1])


def predicted_probabilities(classifier: keras.Model, source: Source) -> np.ndarray:
    """Softmax probabilities [N, C] of the trained classifier for every example of a source."""
    return predicted_logits(classifier, source, tf.nn.softmax)


def predicted_logits(classifier: keras.Model, source: Source, output: Callable = tf.identity) -> np.ndarray:
    """Logits [N, C] of a classifier for every example of a source, or what `output` makes of them.

    Of a network that ends elsewhere its features, [N, D].
    """
    outputs: np.ndarray = np.empty([len(source), classifier.output_shape[-1]], np.float32)
    for ids, rows in _forwarded(classifier, source, output):
        outputs[ids] = rows
    return outputs


def _forwarded(classifier: keras.Model, source: Source, output: Callable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids and what `output` makes of their logits, a part after the other."""
    forward = tf.function(lambda inputs: output(classifier(inputs, training=False)), reduce_retracing=True)
    for ids, inputs in chunks(source):
        parts = min(len(ids), -(-inputs.size // _AT_ONCE))
        for some, part in zip(np.array_split(ids, parts), np.array_split(inputs, parts), strict=True):
            yield some, forward(tf.constant(part)).numpy()


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Softmax of logits [N, C]."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
