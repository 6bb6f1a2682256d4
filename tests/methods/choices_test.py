"""Reward source, depth of the meta part and weight rule, put together: what `methods.models.fsr` makes of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.data.pipeline.augmentation import pad_crop_flip
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.reweighting.weight_net import WeightNet
from ieg_fsr.reweighting.weight_rules import DirectWeights, UniformWeights

pytestmark = pytest.mark.usefixtures("two_blocks")


def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 8, 8, 1), np.uint8), (np.arange(40) % 4).astype(np.int32)


def augment(inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return pad_crop_flip(inputs, seed, padding=1, flip=True)


def held_out(classes: int = 4, each: int = 3) -> Examples:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (classes * each, 8, 8, 1), np.uint8)
    return ieg_fsr.examples(x, np.arange(classes * each) % classes, batch_size=1)


RULES = {
    "direct": lambda: DirectWeights("clip", "zero"),
    "weight_net": lambda: WeightNet(0.01),
    "uniform": UniformWeights,
}


@pytest.mark.parametrize(
    ("meta_layers", "rule", "clean", "options"),
    [
        ("all", "direct", True, {"lookahead_momentum": 0.0, "pseudo_label_loss_weight": 0.0}),
        ("all", "weight_net", True, {"reward_interval": 1}),
        ("dense", "weight_net", True, {"mixup_alpha": 0.0}),
        ("5", "direct", False, {"pusher": "paper"}),
        ("all", "direct", False, {"reward_features": "history"}),
        ("4", "uniform", False, {}),
    ],
)
def test_every_source_depth_and_rule_trains_repeats_itself_and_is_traced_once_per_phase(
    meta_layers, rule, clean, options
):
    x, y = images()
    traces = []

    class Counting(ieg_fsr.FSR):
        def train_step(self, data):
            traces.append(self.reweighting)
            return super().train_step(data)

    def trained() -> ieg_fsr.FSR:
        settings = {"reward_batch_size": 8, "reweight_warmup_epochs": 1, "augment": augment, "weight_decay": 5e-4}
        model = Counting(
            build_network("small_cnn", (8, 8, 1), 4), 40, 12, meta_layers=meta_layers, weight_rule=RULES[rule](),
            clean_examples=held_out() if clean else None, **(settings | options),
        )  # fmt: skip
        model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
        model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=3, verbose=0)
        return model

    first = trained()
    assert traces == [False, True]
    again = trained()
    for one, other in zip(first.classifier.get_weights(), again.classifier.get_weights(), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)
    assert (first.last_weights.numpy().std() > 1e-3) == (rule != "uniform")
    report = first.label_report()
    assert np.isfinite(report.score).all()
    assert ((report.confidence > 0.25) & (report.confidence <= 1)).all()


def test_a_hold_out_is_the_reward_set_with_its_own_labels_and_needs_no_scores():
    x, y = images()
    clean = held_out(each=5)
    model = ieg_fsr.FSR(
        build_network("small_cnn", (8, 8, 1), 4), 40, 12, clean_examples=clean, reward_batch_size=8,
        reweight_warmup_epochs=0, pseudo_label_loss_weight=0.0,
    )  # fmt: skip
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=2, verbose=0)
    assert (model.dictionary, model.scores, model.pseudo_labels) == (None, None, None)
    members = model.reward_set.members()
    np.testing.assert_array_equal(np.sort(members), np.arange(20))
    np.testing.assert_array_equal(model.reward_set.member_labels, clean.given_labels[members])
    np.testing.assert_array_equal(model.reward.images, clean.source.images(members))
    report, logits = model.label_report(), model.classifier(x.astype(np.float32)).numpy()
    np.testing.assert_array_equal(report.suggested_label, logits.argmax(axis=1))
    own = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[np.arange(40), y]
    np.testing.assert_allclose(report.score, own, rtol=1e-4, atol=1e-5)


def test_a_hold_out_has_no_history():
    classifier = build_network("small_cnn", (8, 8, 1), 4)
    with pytest.raises(UserError, match=r"reward_features must be forward\. Received: history"):
        ieg_fsr.FSR(classifier, 40, 12, clean_examples=held_out(), reward_features="history")
