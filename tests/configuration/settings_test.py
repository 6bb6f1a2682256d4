"""Tests of `ieg_fsr.configuration.settings`: types, defaults, and what is said about bad values."""

import pytest

import ieg_fsr.main  # noqa: F401  (defines the flags, as a user's command does)
from ieg_fsr.configuration.settings import GENERAL, SETTINGS
from ieg_fsr.rules import ANY


def test_every_default_passes_its_rule():
    for setting in SETTINGS.values():
        setting.check(setting.default)


def test_types(parsed):
    config = parsed("--drop_epochs=160,180", "--learning_rate=1", "--train_examples=7")
    assert config.drop_epochs == (160, 180)
    assert type(config.learning_rate) is float
    assert config.train_examples == 7
    assert parsed().train_examples is None
    with pytest.raises(AttributeError):
        config.seed = 1


NUMBER = "a number "
WHOLE = "a whole number "
DATASETS = "one of digits, fashion_mnist, cifar10, cifar100, webvision_mini, inaturalist2018, folder:DIR"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("mode", "tain", "one of train, evaluate"),
        ("dataset", "foo", DATASETS),
        ("dataset", "folder:", DATASETS),
        ("export", "excel", "some of label_studio, fiftyone, csv, folder, with commas between"),
        ("export", "csv,csv", "some of label_studio"),
        ("export", "csv,", "some of label_studio"),
        ("model_dir", "", "a path of printable letters"),
        ("keep_checkpoints", "0", f"{WHOLE}at least 1"),
        ("checkpoint_seconds", "-1", f"{NUMBER}at least 0"),
        ("image_size", "7", f"{WHOLE}at least 8"),
        ("noise", "1.4", f"{NUMBER}in [0, 1]"),
        ("noise", "-0.1", f"{NUMBER}in [0, 1]"),
        ("noise", "nan", f"{NUMBER}in [0, 1]"),
        ("noise", "abc", f"{NUMBER}in [0, 1]"),
        ("noise", "", f"{NUMBER}in [0, 1]"),
        ("noise_type", "salt", "one of uniform"),
        ("imbalance", "0.9", f"{NUMBER}at least 1"),
        ("train_examples", "0", f"{WHOLE}at least 1"),
        ("seed", "-1", f"{WHOLE}in 0..2147483647"),
        ("seed", "2147483648", f"{WHOLE}in 0..2147483647"),
        ("method", "sgd", "one of supervised, focal, cb_softmax"),
        ("network", "foo", "one of small_cnn, "),
        ("network", "keras:Nobody", "one of small_cnn, "),
        ("input_size", "7", f"{WHOLE}at least 8"),
        ("init", "", "imagenet, none or a .keras"),
        ("freeze", "", "none, backbone or the name"),
        ("features", "melted", "one of trained, frozen"),
        ("head_units", "-1", f"{WHOLE}at least 0"),
        ("features_dir", "", "a path of printable letters"),
        ("epochs", "0", f"{WHOLE}at least 1"),
        ("epochs", "-1", f"{WHOLE}at least 1"),
        ("epochs", "1.5", f"{WHOLE}at least 1"),
        ("batch_size", "0", f"{WHOLE}at least 1"),
        ("learning_rate", "0", f"{NUMBER}greater than 0"),
        ("learning_rate", "inf", f"{NUMBER}greater than 0"),
        ("learning_rate", "1e308", "at most 3e+38"),
        ("learning_rate", "nan", f"{NUMBER}greater than 0"),
        ("schedule", "linear", "one of cosine, cosine_restarts, steps"),
        ("drop_epochs", "a", "whole numbers"),
        ("drop_epochs", "-3", "whole numbers"),
        ("learning_rate_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("momentum", "1", f"{NUMBER}in [0, 1)"),
        ("momentum", "-0.5", f"{NUMBER}in [0, 1)"),
        ("weight_decay", "-1", f"{NUMBER}at least 0"),
        ("weight_decay", "inf", f"{NUMBER}at least 0"),
        ("label_smoothing", "1", f"{NUMBER}in [0, 1)"),
        ("mixup", "maybe", "true or false"),
        ("mixup_alpha", "0", f"{NUMBER}greater than 0"),
        ("padding", "-1", f"{WHOLE}at least 0"),
        ("parameter_average_decay", "1", f"{NUMBER}in [0, 1)"),
        ("head", "cosine", "one of dense, rog, crt"),
        ("logit_adjustment_after", "-1", f"{NUMBER}at least 0"),
        ("skip", "half", "one of auto, none, loss, weights"),
        ("visit_distrusted", "0", f"{NUMBER}in (0, 1]"),
        ("visit_mastered", "1.5", f"{NUMBER}in (0, 1]"),
        ("skip_after_epochs", "-1", f"{WHOLE}at least 0"),
        ("skip_until", "2", f"{NUMBER}in [0, 1]"),
        ("longest_skip", "0", f"{WHOLE}at least 1"),
        ("remix_kappa", "0.5", f"{NUMBER}at least 1"),
        ("remix_tau", "0.6", f"{NUMBER}in [0, 0.5]"),
        ("deferred_reweighting", "-1", f"{WHOLE}at least 0"),
        ("deferred_reweighting_beta", "1", f"{NUMBER}in [0, 1)"),
        ("reward_source", "test", "one of dictionary, holdout"),
        ("weight_rule", "none", "one of direct, weight_net, uniform"),
        ("clean_per_class", "0", f"{WHOLE}at least 1"),
        ("lookahead_momentum", "1", f"{NUMBER}in [0, 1)"),
        ("initial_sample_weights", "one", "one of uniform, zero"),
        ("weight_net_learning_rate", "0", f"{NUMBER}greater than 0"),
        ("weight_net_weight_decay", "-1", f"{NUMBER}at least 0"),
        ("weight_net_units", "0", f"{WHOLE}at least 1"),
        ("layer_gradients_interval", "-1", f"{WHOLE}at least 0"),
        ("dictionary_size", "0", f"{WHOLE}at least 1"),
        ("reward_batch_size", "0", f"{WHOLE}at least 1"),
        ("reward_features", "future", "one of forward, history"),
        ("reward_interval", "0", f"{WHOLE}at least 1"),
        ("pusher", "strong", "one of lookahead, shared, release, paper, negative_loss, max_margin, "),
        ("score_momentum", "1", f"{NUMBER}in [0, 1)"),
        ("lookahead_learning_rate", "0", f"{NUMBER}greater than 0"),
        ("weight_constraint", "none", "one of clip, shift"),
        ("reweight_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("label_momentum", "1.1", f"{NUMBER}in [0, 1]"),
        ("pseudo_label_loss_weight", "-1", f"{NUMBER}at least 0"),
        ("pseudo_label_loss_weight", "inf", f"{NUMBER}at least 0"),
        ("gce_q", "0", f"{NUMBER}in (0, 1]"),
        ("elr_lambda", "-1", f"{NUMBER}at least 0"),
        ("elr_momentum", "1", f"{NUMBER}in [0, 1)"),
        ("focal_gamma", "-1", f"{NUMBER}at least 0"),
        ("class_balanced_beta", "1", f"{NUMBER}in [0, 1)"),
        ("logit_adjustment_tau", "-1", f"{NUMBER}at least 0"),
        ("ldam_largest_margin", "-1", f"{NUMBER}at least 0"),
        ("ldam_scale", "0", f"{NUMBER}greater than 0"),
        ("correction_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("coteaching_forget_rate", "1", f"{NUMBER}in [0, 1)"),
        ("coteaching_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("eval_interval", "0", f"{WHOLE}at least 1"),
        ("parameter_average_eval_interval", "0", f"{WHOLE}at least 1"),
        ("strategy", "all", "one of none, mirrored, multi_worker"),
        ("num_replicas", "0", f"{WHOLE}at least 1"),
        ("jit_compile", "yes", "one of auto, true, false"),
        ("precision", "float8", "one of float32, mixed_bfloat16, mixed_float16"),
        ("pseudo_label_dtype", "int8", "one of float32, float16"),
        ("pseudo_label_top", "0", "all or a whole number at least 1"),
        ("profile_steps", "10", "FIRST,LAST"),
    ],
)
def test_bad_value(name, value, allowed, complaint):
    message = complaint(f"--{name}={value}")
    rule, received = message.split(". Received:")
    assert rule.startswith(f"--{name} must be {allowed}"), message
    # A number may be repeated as Python writes it: 0 as 0.0.
    assert received.strip() == value or float(received) == float(value), message


def test_every_setting_of_every_run_with_a_rule_has_its_message_tested():
    [marker] = [mark for mark in test_bad_value.pytestmark if mark.name == "parametrize"]
    tested = {name for name, _, _ in marker.args[1]}
    assert {setting.name for setting in GENERAL if setting.rule is not ANY} <= tested
