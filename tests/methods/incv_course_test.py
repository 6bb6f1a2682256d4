"""INCV: how epochs are shared out, going on from a checkpoint, what it reports, what it refuses, and digits."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.methods.incv import epochs_of_a_training
from ieg_fsr.methods.models.course import variables_of
from ieg_fsr.methods.models.incv import INCV, REMOVED, SELECTED
from ieg_fsr.methods.models.label_report import LabelReport
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.training.build import build
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.survival.checkpoints import Checkpoints

RNG = np.random.default_rng(0)
N, C, B = 40, 3, 5
TRUE = np.arange(N, dtype=np.int32) % C
X = (np.eye(C)[TRUE] @ RNG.normal(size=(C, 5)) * 2 + RNG.normal(size=(N, 5))).astype(np.float32)
Y = np.where(RNG.random(N) < 0.3, RNG.integers(0, C, N), TRUE).astype(np.int32)
GIVEN = np.where(np.arange(N) % 10 == 7, -1, Y)  # 36 have a label
KNOWN = np.flatnonzero(GIVEN != -1)


def network(seed):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(6, "relu"), keras.layers.BatchNormalization(), keras.layers.Dense(C)]
    return keras.Sequential([keras.Input([5]), *layers])


def compiled(seed=0, **settings):
    model = INCV(network(2 * seed), network(2 * seed + 1), **({"num_examples": N} | settings))
    model.compile(keras.optimizers.SGD(0.7, momentum=0.9), metrics=["accuracy"], jit_compile=False)
    return model


def data():
    return ieg_fsr.examples(X, GIVEN, batch_size=B)


def with_selection(model, selected, removed, noise_rate):
    selection = np.zeros(N, np.int32)
    selection[selected], selection[removed] = SELECTED, REMOVED
    model.selection.assign(selection)
    model.noise_rate.assign(noise_rate)
    return model


@pytest.mark.parametrize(
    ("epochs", "iterations", "share", "expected"),
    [
        (600, 4, 400 / 600, 50),
        (100, 4, 2 / 3, 8),
        (9, 4, 2 / 3, 1),
        (8, 4, 2 / 3, 0),
        (3, 1, 2 / 3, 1),
        (100, 4, 1.0, 12),
        (16, 4, 1.0, 1),
        (100, 4, 0.0, 0),
        (1, 1, 1.0, 0),
    ],
)
def test_epochs_are_shared_out(epochs, iterations, share, expected):
    assert epochs_of_a_training(epochs, iterations, share) == expected
    stages = compiled(iterations=iterations, selection_share=share).stages(epochs)
    assert [stage.epochs for stage in stages] == [expected] * 2 * iterations + [epochs - 2 * iterations * expected]


def started(iterations, epochs, seed=0):
    model = compiled(seed, iterations=iterations, parameter_average_decay=0.9)
    model.course.lay_out(epochs)
    return model


class SaveEverywhere(keras.callbacks.Callback):
    """After each step, in a directory named after the epoch and the step in it."""

    def __init__(self, checkpoints):
        super().__init__()
        self.checkpoints, self.directory, self.done = checkpoints, checkpoints.directory, 0

    def save(self, epoch, step):
        self.checkpoints.directory = self.directory / f"{epoch}-{step}"
        self.checkpoints.save(self.done)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if batch + 1 < self.params["steps"]:
            self.save(self.epoch, batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        self.save(epoch + 1, 0)


@pytest.fixture(scope="module", params=[(1, 6), (2, 5)], ids=["one", "two"])
def whole(request, tmp_path_factory):
    """Iterations and epochs of a run, where it saved its state, and what it ended with."""
    model, directory = started(*request.param), tmp_path_factory.mktemp("steps")
    model.fit(data(), epochs=request.param[1], callbacks=[SaveEverywhere(Checkpoints(directory, model))], verbose=0)
    return *request.param, directory, model


# Of one iteration: within the first training, after its best epoch perhaps; between the halves; within the second
# training, when a part of what it learns is selected; before Co-teaching. Of two: before the second one, when the
# candidates are halved anew, and within it.
PLACES = {1: [(1, 1), (2, 0), (3, 2), (4, 0)], 2: [(2, 0), (2, 1)]}


@pytest.mark.slow
def test_it_goes_on_bit_for_bit_within_stages_and_between(whole):
    """In other models, of other first parameters."""
    iterations, epochs, directory, model = whole
    expected = arrays(model)
    assert {SELECTED} < set(model.selection.numpy())
    for epoch, step in PLACES[iterations]:
        rest = started(iterations, epochs, seed=1)
        assert Checkpoints(directory / f"{epoch}-{step}", rest).restore() > 0
        rest.fit(data(), epochs=epochs, initial_epoch=epoch, first_step=step, verbose=0)
        found = arrays(rest)
        assert found.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=f"{name} from {epoch}, {step}")


def arrays(model):
    """All that a checkpoint holds, by name, and the report."""
    parts = model.checkpoint_parts().items()
    found = {f"{name}/{i}": np.asarray(v) for name, part in parts for i, v in enumerate(variables_of(part))}
    return found | dict(zip(LabelReport._fields[:-1], model.label_report()[:-1], strict=True))


def test_the_report_marks_what_was_not_selected():
    model = compiled()
    model.fit(data(), epochs=1, verbose=0)
    plain = model.label_report()
    contradicted = (plain.suggested_label != GIVEN) & (GIVEN != -1)
    with_selection(model, KNOWN[:20], KNOWN[20:30], 0.3)
    report = model.label_report()
    np.testing.assert_array_equal(np.flatnonzero(report.weight), KNOWN[:20])
    np.testing.assert_array_equal(report.score, plain.score)
    expected = [i for i in KNOWN if contradicted[i] and (i in KNOWN[20:] or plain.suspect[i])]
    np.testing.assert_array_equal(np.flatnonzero(report.suspect), expected)
    assert set(expected) & set(KNOWN[20:])
    assert report.estimated_noise_rate == pytest.approx(len(expected) / len(KNOWN))
    right = Y == TRUE
    assert model.figures(right) == {
        "selected": pytest.approx(20 / 36),
        "selected_right": pytest.approx(np.mean(right[KNOWN[:20]])),
        "selection_noise_rate": pytest.approx(0.3),
    }


def test_figures_before_anything_is_selected():
    model = compiled()
    model.training_examples = data()
    assert model.figures(Y == TRUE) == {"selected": 0.0, "selected_right": None, "selection_noise_rate": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"iterations": 0}, "iterations must be a whole number at least 1. Received: 0"),
        ({"selection_share": 1.5}, "selection_share must be a number in [0, 1]. Received: 1.5"),
        ({"most_removed": -1.0}, "most_removed must be a number at least 0. Received: -1.0"),
        ({"learning_rate": 0.0}, "learning_rate must be a number greater than 0. Received: 0.0"),
        ({"num_examples": 0}, "num_examples must be a whole number at least 1. Received: 0"),
        ({"mixup_alpha": 1.0}, "mixup_alpha must be 0 with co-teaching. Received: 1"),
    ],
)
def test_what_the_class_refuses(arguments, message):
    with pytest.raises(UserError) as caught:
        compiled(**arguments)
    assert str(caught.value) == message


def test_other_data_are_refused():
    with pytest.raises(UserError, match=r"^num_examples must be that of the data, 40\. Received: 41$"):
        compiled(num_examples=41).fit(data(), verbose=0)
    with pytest.raises(UserError, match=r"^fit must be given ieg_fsr\.examples\(x, y\) for stages"):
        compiled().fit(X, Y, verbose=0)


@pytest.mark.parametrize(("noise_type", "pairs"), [("uniform", False), ("asymmetric", True), ("pairflip", True)])
def test_the_kind_of_noise_says_whether_classes_are_mistaken_in_pairs(noise_type, pairs):
    settings = {"method": "incv", "dataset": "cifar10", "data_dir": "x", "noise": 0.4, "noise_type": noise_type}
    assert resolve(settings).incv_pairs is pairs
    assert resolve(settings | {"incv_pairs": not pairs}).incv_pairs is not pairs


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({}, ["selection: 8 trainings, epochs of each: 8; Co-teaching: 36"]),
        ({"epochs": 8}, ["no label is selected, which takes --epochs=9 at least: two networks train on all labels"]),
        (
            {"schedule": "cosine"},
            [
                "selection: 8 trainings, epochs of each: 8; Co-teaching: 36",
                "--schedule: not looked at, each training has its own schedule from --learning_rate",
            ],
        ),
    ],
)
def test_a_run_says_how_its_epochs_are_shared_out(settings, lines):
    assert METHODS["incv"].notes(resolve({"method": "incv"} | settings), None) == lines


@pytest.mark.slow
@pytest.mark.usefixtures("two_blocks")
def test_few_wrong_labels_of_digits_are_selected():
    """Of 40 % drawn anew; by guess 64 % of the selected would be right."""
    config = resolve({"method": "incv", "noise": 0.4, "incv_iterations": 1, "epochs": 30})
    training = load_training_data(config)
    model, examples = build(config, training.data, training.given_labels)
    model.fit(examples, epochs=30, verbose=0)
    figures = model.figures(training.given_labels == training.data.train.labels)
    assert figures["selected"] > 0.3
    assert figures["selected_right"] > 0.9
