"""A learned MentorNet: what it learns against known odds, what it is given, and that it learns once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.mentor import Mentor, Records, recorded
from ieg_fsr.methods.models.mentornet import MentorNet
from ieg_fsr.results.identity import identify
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.survival.checkpoints import Checkpoints

RNG = np.random.default_rng(0)
# Two clouds of points, one of each class.
Y = np.arange(40, dtype=np.int32) % 2
X = (RNG.normal(size=(40, 3)) + 4 * Y[:, None]).astype(np.float32)
CLEAN = ieg_fsr.examples(X[:20], Y[:20], batch_size=1)


def classifier():
    return keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])


def compiled(seed=0, **settings):
    keras.utils.set_random_seed(seed)
    own = {"clean_examples": CLEAN, "student": classifier(), "mentor_steps": 200}
    model = MentorNet(classifier(), **(own | settings))
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 40)), jit_compile=False)
    return model


def test_it_learns_the_odds_of_a_right_label():
    """Right with a probability of sigmoid(3 - 2 l): the best answer there is, whatever the epoch."""
    rng = np.random.default_rng(0)
    losses = rng.uniform(0, 3, 20_000).astype(np.float32)
    odds = 1 / (1 + np.exp(2 * losses - 3))
    records = Records(losses, rng.uniform(0, 100, 20_000).astype(np.float32), rng.uniform(size=20_000) < odds)
    mentor = Mentor()
    mentor.learn(records, 30_000)
    grid = np.linspace(0.1, 2.9, 15, dtype=np.float32)
    found = tf.sigmoid(mentor.logits(tf.constant(grid), float(np.percentile(losses, 90)), 18.0))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(2 * grid - 3)), atol=0.07)
    assert mentor.learned.numpy()


def test_what_a_student_records():
    """Of each epoch the loss of each image; half of the labels are drawn anew, of which half come out right."""
    student = ieg_fsr.Supervised(classifier())
    student.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    clean = ieg_fsr.examples(np.tile(X, [10, 1]), np.tile(Y, 10), batch_size=1)
    records = recorded(student, clean, 0.5, 4, 100, seed=0)
    assert [len(column) for column in records] == [1600] * 3
    assert records.percents[::400].tolist() == [0, 25, 50, 75]
    np.testing.assert_array_equal(records.right[:400], records.right[400:800])
    assert records.right.mean() == pytest.approx(0.75, abs=0.07)  # a standard error of 0.022
    logits = student.classifier(np.tile(X, [10, 1])).numpy().astype(np.float64)
    own = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(400), np.tile(Y, 10)]
    right = records.right[-400:]
    np.testing.assert_allclose(records.losses[-400:][right], own[right], rtol=1e-4, atol=1e-6)
    assert student.optimizer.iterations == 4 * 10  # 400 images in batches of 40


def test_weights_follow_the_burn_in_and_the_threshold():
    model = compiled(first_dropout=0.0, dropout=0.0)
    losses = tf.constant([0.1, 1.0, 3.0])
    model.percent.assign(18.0)
    np.testing.assert_array_equal(model.curriculum(None, losses), [1, 1, 1])
    model.percent.assign(60.0)
    expected = tf.sigmoid(model.mentor.logits(losses, 0.5 * model.threshold + 0.5 * 3.0, 18.0))
    np.testing.assert_allclose(model.curriculum(None, losses), expected, rtol=1e-6)


def test_the_last_epochs_leave_out_nearly_all():
    model, predefined = compiled(), MentorNet(classifier())
    for one, share in ((model, 0.1), (predefined, 0.95)):
        one.course.lay_out(100)
        one.set_epoch(95)
        assert float(one.kept_share) == pytest.approx(share)


def test_it_learns_once_and_goes_on_bit_for_bit(tmp_path):
    """From a checkpoint within the second epoch, with another student and another mentor."""
    data = ieg_fsr.examples(X, Y, batch_size=10)

    class Save(keras.callbacks.Callback):
        done = 0

        def on_train_batch_end(self, batch, logs=None):
            self.done += 1
            if self.done == 6:
                Checkpoints(tmp_path, self.model).save(6)

    whole, rest = compiled(), compiled(seed=1)
    whole.fit(data, epochs=6, callbacks=[Save()], verbose=0)
    assert Checkpoints(tmp_path, rest).restore() == 6
    rest.student.fit = None  # it is not needed any more
    rest.fit(data, epochs=6, initial_epoch=1, first_step=2, verbose=0)
    for one, other in zip(whole.mentor.variables, rest.mentor.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(whole.classifier.get_weights(), rest.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"student": None}, "student must be given for a learned mentor, as the other one is. Received: nothing"),
        (
            {"clean_examples": None},
            "clean_examples must be given for a learned mentor, as the other one is. Received: nothing",
        ),
        ({"mentor_noise": 1.5}, "mentor_noise must be a number in [0, 1]. Received: 1.5"),
        ({"mentor_steps": 0}, "mentor_steps must be a whole number at least 1. Received: 0"),
    ],
)
def test_what_the_class_refuses(arguments, message):
    with pytest.raises(UserError) as caught:
        compiled(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"dataset": "folder:x"},
            "--mentor must be predefined with --dataset=folder:x, whose true labels are not known (those of own data "
            "count as true where --labels_file or --noise stands in for them). Received: learned",
        ),
        ({"strategy": "mirrored"}, "--strategy must be none with --mentor=learned. Received: mirrored"),
        ({"clean_per_class": 0}, "--clean_per_class must be a whole number at least 1. Received: 0"),
    ],
)
def test_what_the_command_line_refuses(settings, message):
    with pytest.raises(UserError) as caught:
        resolve({"method": "mentornet", "mentor": "learned", "model_dir": "x"} | settings)
    assert str(caught.value) == message


def test_clean_images_are_held_out_and_counted_where_the_mentor_is_learned():
    settings = {"method": "mentornet", "model_dir": "x", "clean_per_class": 4}
    for mentor, held_out in (("predefined", 0), ("learned", 40)):
        config = resolve(settings | {"mentor": mentor})
        data = load_training_data(config).data
        assert (0 if data.holdout is None else len(data.holdout)) == held_out
        assert identify(config).clean_per_class == held_out // 10
    too_many = resolve(settings | {"mentor": "learned", "clean_per_class": 1000})
    with pytest.raises(UserError, match=r"^--clean_per_class must leave each class an example to train on"):
        load_training_data(too_many)
