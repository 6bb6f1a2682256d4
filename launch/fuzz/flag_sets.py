"""Random command lines: valid, borderline and invalid values of every flag, on a few of the digits."""

from ieg_fsr.configuration.settings import SETTINGS, settings_for
from launch.fuzz.cases import EITHER, REFUSED, Case, generator, pick

# Flag -> values that its own rule allows (other flags or the data may still refuse them), values that it does not.
# Written down by hand, not asked of the program: that is what the campaign tests.
NUMBERS_REFUSED = ("nan", "inf", "-inf", "abc", "", "1e999", "0x10", "1,5", "--")
WHOLE_REFUSED = ("1.5", "nan", "", "abc", "1e3", "-1", "١٢x", "9" * 5000)
SHARE = (("0", "0.5", "1", "1e-300", "0.9999999999999999"), ("-0.1", "1.0001", "-1e-9", *NUMBERS_REFUSED))
BELOW_ONE = (("0", "0.5", "0.999999", "1e-12"), ("1", "-0.1", "2", *NUMBERS_REFUSED))
ABOVE_ZERO = (("1e-3", "0.1", "1", "1e-300", "5e-324"), ("0", "-0.1", "-0.0", *NUMBERS_REFUSED))
AT_LEAST_ZERO = (("0", "-0.0", "0.1", "1", "10", "1e-300"), ("-0.1", "-1e-9", *NUMBERS_REFUSED))
COUNT = (("1", "2", "3", "7", "30", "1000000000", "2147483647"), ("0", "2147483648", "9" * 30, *WHOLE_REFUSED))
COUNT_FROM_ZERO = (("0", "1", "2", "5", "2147483647"), ("2147483648", "9" * 30, *WHOLE_REFUSED))
SWITCH = (("true", "false", "1", "0", "TRUE", "f"), ("maybe", "2", "-1", "yes", "no"))
PATH_REFUSED = ("missing", "missing/file.csv", "/", ".", "/dev/null", "a\nb", "x" * 5000, "\udcff.npy", "~", "")


def _names(*allowed: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return allowed, ("foo", "", allowed[0].upper(), allowed[0] + " ", ",".join(allowed[:2]), "\udcff", "é" * 300)


VALUES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mode": _names("train"),
    "dataset": (("digits",), ("", "foo", "npz:", "folder:", "tfds:", "npz:missing.npz", "folder:missing", ":", "npz",
                              "folder:/dev/null", "npz:/dev/null", "npz:.", "digits ", "npz:\udcff")),
    "data_dir": ((".", "/tmp", "~"), ("missing", "/dev/null", "\udcff", "x" * 5000, "a\nb", "")),
    "model_dir": (("run", "a/b/c/run", "./run/", "run dir", "läuft", "-run"),
                  ("\udcfferun", "a\nb", "/dev/null", "/dev/null/run", "/proc/run", "x" * 5000, "", "x" * 300)),
    "model": (("missing.keras",), ()),
    "resume": SWITCH,
    "keep_checkpoints": COUNT,
    "checkpoint_seconds": AT_LEAST_ZERO,
    "strategy": _names("none"),
    "num_replicas": ((), ("0", *WHOLE_REFUSED)),
    "noise": SHARE,
    "noise_type": (("uniform", "uniform_other", "pairflip", "instance"), ("asymmetric", "foo", "", "Uniform")),
    "noise_matrix": ((), PATH_REFUSED),
    "labels_file": ((), PATH_REFUSED),
    "decisions": ((), PATH_REFUSED),
    "export": ((), ("csv", "foo", "", "csv,csv")),
    "labels_key": ((), ("worse_label", "", "\udcff")),
    "imbalance": (("1", "1.0", "2", "5", "1e9", "1e308"), ("0.5", "0", "-1", *NUMBERS_REFUSED)),
    "image_size": ((), ("0", "7", "8", "224", *WHOLE_REFUSED)),
    "strict_data": SWITCH,
    "seed": (("0", "1", "2147483647"), ("2147483648", *WHOLE_REFUSED)),
    "method": _names("fsr", "l2r", "mwn", "supervised", "gce", "elr", "mentornet", "pencil", "d2l", "crust", "incv",
                     "forward_correction", "coteaching", "cb_softmax", "cb_sigmoid", "cb_focal", "focal",
                     "balanced_softmax", "logit_adjustment", "ldam", "remix", "rog", "crt"),
    "network": _names("small_cnn", "small_cnn", "small_cnn", "small_cnn", "resnet32", "resnet50"),
    "learning_rate": (("0.1", "1e-3", "1", "100", "1e30", "1e308", "5e-324"), ABOVE_ZERO[1]),
    "schedule": _names("cosine", "cosine_restarts", "steps"),
    "drop_epochs": (("", "1", "1,2", "2,5,9", "1000000", "1,"), ("0", "2,1", "1,1", "a", "1;2", "-1", "9" * 5000)),
    "learning_rate_warmup_epochs": COUNT_FROM_ZERO,
    "momentum": BELOW_ONE,
    "weight_decay": AT_LEAST_ZERO,
    "label_smoothing": BELOW_ONE,
    "mixup": SWITCH,
    "mixup_alpha": (("0.1", "1", "8", "1e-3", "1e-300", "1e300"), ABOVE_ZERO[1]),
    "padding": (("0", "1", "3", "8", "40", "100000000"), WHOLE_REFUSED),
    "flip": SWITCH,
    "parameter_average_decay": BELOW_ONE,
    "head": _names("dense", "rog", "crt"),
    "logit_adjustment_after": AT_LEAST_ZERO,
    "deferred_reweighting": COUNT_FROM_ZERO,
    "deferred_reweighting_beta": BELOW_ONE,
    "reward_source": _names("dictionary", "holdout"),
    "meta_layers": (("dense", "all", "0", "1", "-1", "logits", "-5"), ("foo", "999", "1.5", "", "\udcff")),
    "weight_rule": _names("direct", "weight_net", "uniform"),
    "clean_per_class": (("1", "2", "10", "1000000000"), ("0", *WHOLE_REFUSED)),
    "dictionary_size": COUNT,
    "reward_batch_size": (("1", "2", "3", "10", "30", "97"), ("0", *WHOLE_REFUSED)),
    "reward_features": _names("forward", "history"),
    "reward_interval": COUNT,
    "pusher": _names("lookahead", "shared", "release", "paper", "negative_loss", "max_margin", "forgetting",
                     "forgetting_inverse", "area_under_margin"),
    "score_momentum": BELOW_ONE,
    "lookahead_learning_rate": (("0.1", "1e-3", "1", "1e3", "1e30", "5e-324"), ABOVE_ZERO[1]),
    "lookahead_momentum": BELOW_ONE,
    "initial_sample_weights": _names("uniform", "zero"),
    "weight_net_learning_rate": (("1e-3", "1", "1e-300", "1e30"), ABOVE_ZERO[1]),
    "weight_net_weight_decay": AT_LEAST_ZERO,
    "weight_net_units": (("1", "2", "100"), ("0", *WHOLE_REFUSED)),
    "weight_constraint": _names("clip", "shift"),
    "reweight_warmup_epochs": COUNT_FROM_ZERO,
    "label_momentum": SHARE,
    "pseudo_label_loss_weight": AT_LEAST_ZERO,
    "pseudo_label_dtype": _names("float32", "float16"),
    "pseudo_label_top": (("all", "1"), ("0", "1.5", "none")),
    "faithful": SWITCH,
    "gce_q": (("0.7", "1", "1e-3", "1e-300"), ("0", "1.1", "-0.5", *NUMBERS_REFUSED)),
    "elr_lambda": AT_LEAST_ZERO,
    "elr_momentum": BELOW_ONE,
    "mentor": _names("predefined", "learned"),
    "mentor_noise": SHARE,
    "mentor_steps": (("1", "2", "100"), ("0", *WHOLE_REFUSED)),
    "mentor_percentile": (("0", "50", "75", "100"), ("-1", "101", *NUMBERS_REFUSED)),
    "mentor_burn_in": (("0", "18", "100"), ("-1", "101", *NUMBERS_REFUSED)),
    "mentor_gamma": ABOVE_ZERO,
    "mentor_first_dropout": BELOW_ONE,
    "mentor_dropout": BELOW_ONE,
    "pencil_alpha": AT_LEAST_ZERO,
    "pencil_beta": AT_LEAST_ZERO,
    "pencil_label_rate": AT_LEAST_ZERO,
    "pencil_double_softmax": SWITCH,
    "pencil_learning_rate": ABOVE_ZERO,
    "pencil_tuning_rate": ABOVE_ZERO,
    "pencil_backbone_share": SHARE,
    "pencil_labels_share": SHARE,
    "d2l_window": (("2", "3", "5", "1000"), ("0", "1", "1001", *WHOLE_REFUSED)),
    "d2l_start_share": SHARE,
    "d2l_neighbours": (("2", "5", "20", "127"), ("0", "1", "128", *WHOLE_REFUSED)),
    "crust_share": (("0.1", "0.5", "1"), ("0", "1.1", "-0.5", *NUMBERS_REFUSED)),
    "crust_radius": AT_LEAST_ZERO,
    "crust_warmup_share": SHARE,
    "crust_mix": SWITCH,
    "incv_iterations": (("1", "2", "4"), ("0", *WHOLE_REFUSED)),
    "incv_selection_share": SHARE,
    "incv_most_removed": AT_LEAST_ZERO,
    "incv_pairs": SWITCH,
    "focal_gamma": (("0", "0.5", "2", "100", "1e30"), AT_LEAST_ZERO[1]),
    "class_balanced_beta": BELOW_ONE,
    "logit_adjustment_tau": AT_LEAST_ZERO,
    "ldam_largest_margin": AT_LEAST_ZERO,
    "ldam_scale": ABOVE_ZERO,
    "remix_kappa": (("1", "3", "1e30"), ("0.5", "0", *NUMBERS_REFUSED)),
    "remix_tau": (("0", "0.3", "0.5"), ("0.6", "-1", *NUMBERS_REFUSED)),
    "correction_matrix": (("estimated", "true"), ()),
    "correction_warmup_epochs": COUNT_FROM_ZERO,
    "coteaching_forget_rate": BELOW_ONE,
    "coteaching_warmup_epochs": COUNT_FROM_ZERO,
    "eval_interval": COUNT,
    "parameter_average_eval_interval": COUNT,
    "lookahead_losses": SWITCH,
    "layer_gradients_interval": COUNT_FROM_ZERO,
    "jit_compile": (("auto", "false"), ("", "maybe", "True", "1")),
    "precision": _names("float32", "mixed_bfloat16", "mixed_float16"),
    "profile_steps": (("1,1", "1,2", "2,3", ""), ("0,1", "2,1", "1", "1,2,3", "a,b", "-1,2", "1;2")),
}  # fmt: skip
# These say how long a case takes: most cases keep them small.
SMALL = {"epochs": ("1", "2"), "train_examples": ("12", "30", "60"), "batch_size": ("5", "10", "12", "30")}
REFUSED_SIZES = ("0", *WHOLE_REFUSED)
# Not flags at all.
GARBAGE = ("--", "-", "noise=0.4", "--nosie=0.4", "--noise", "--=1", "---noise=1", "--no", "--noepochs", "\udcff",
           "--flagfile=missing", "--flagfile=/dev/null", "--flagfile=.", "--undefok=foo", "--mixup=", "--nomixup=1",
           "train", "--noise=0.1=0.2", "--\x1b[31m=1", "--help=3")  # fmt: skip


def flag_case(seed: int, number: int) -> Case:
    """The command line of case `number`."""
    rng = generator(seed, "flags", number)
    words = {name: pick(rng, values) for name, values in SMALL.items()}
    if rng.random() < 0.7:
        words["method"] = pick(rng, VALUES["method"][0])
    own = settings_for(words.get("method", "fsr"))
    chosen = [
        name for name in SETTINGS if name not in (*SMALL, "method") and rng.random() < (0.1 if name in own else 0.005)
    ]
    for name in chosen:
        allowed = VALUES[name][0] if name in VALUES else _unknown_flag(name)
        if allowed:
            words[name] = pick(rng, allowed)
    refused = rng.random() < 0.45
    names: tuple[str, ...] = ()
    if refused:
        wrong = pick(rng, [name for name in (*VALUES, *SMALL) if name in SMALL or VALUES[name][1]])
        words[wrong] = pick(rng, REFUSED_SIZES if wrong in SMALL else VALUES[wrong][1])
        names = (f"--{wrong}",)
    line = [f"--{name}={value}" for name, value in words.items()]
    garbage = not refused and rng.random() < 0.08
    if garbage:
        line.insert(int(rng.integers(len(line) + 1)), pick(rng, GARBAGE))
        names = ("--", "flag", "arguments")
    expected = REFUSED if refused and not _hidden(wrong, words) else EITHER
    about = f"a wrong value of --{wrong}" if refused else "not a flag" if garbage else "allowed values"
    return Case("flags", number, tuple(line), expected, about, names if garbage or expected == REFUSED else ())


def _hidden(wrong: str, words: dict[str, str]) -> bool:
    """Whether a wrong value has no effect, so that the program may pass over it."""
    return wrong == "meta_layers" and words[wrong] == ""


def _unknown_flag(name: str) -> tuple[str, ...]:
    """Values for a flag that this file does not know of: nothing is said about what must come of them."""
    kind = SETTINGS[name].type
    if kind is bool:
        return SWITCH[0]
    return ("1", "2") if kind in (int, float) else ()


def untested() -> set[str]:
    """Flags that have no values here."""
    return set(SETTINGS) - set(VALUES) - set(SMALL)
