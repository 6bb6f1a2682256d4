"""The texts of `--help`, one screen or two of what most runs need, and of `--helpfull`, every setting."""

import textwrap
from collections.abc import Sequence

from ieg_fsr.configuration.recipes import recipe, settings_of_recipes
from ieg_fsr.configuration.settings import FIELDS, rule_of, text_of, value_type
from ieg_fsr.data.sources.datasets import help_lines
from ieg_fsr.rules import ANY

_WIDTH = 110
_GROUPS = ("Data", "Corruption", "Method", "Training", "Re-weighting", "Other methods", "Run")
# In the order of `Config`: the group of this setting and of those after it.
_GROUP_FROM = {
    "mode": "Run",
    "dataset": "Data",
    "model_dir": "Run",
    "noise": "Corruption",
    "image_size": "Data",
    "seed": "Run",
    "method": "Method",
    "epochs": "Training",
    "reward_source": "Re-weighting",
    "gce_q": "Other methods",
    "eval_interval": "Run",
}
# What `--help` shows.
_SHORT = (
    *("mode", "model", "model_dir", "resume", "seed", "jit_compile", "precision"),
    *("dataset", "data_dir", "image_size", "train_examples"),
    *("noise", "noise_type", "labels_file", "imbalance"),
    *("method", "network"),
    *("epochs", "batch_size", "learning_rate", "schedule", "weight_decay", "mixup", "label_smoothing"),
    *("padding", "flip"),
    *("dictionary_size", "reward_batch_size", "reward_features", "reward_interval", "reweight_warmup_epochs"),
    *("pusher", "weight_constraint", "pseudo_label_loss_weight", "faithful"),
)
_HEAD = """\
Trains an image classifier on labels that are partly wrong, or on rare classes, and says which labels look wrong.

  python -m ieg_fsr.main --dataset=digits --noise=0.4                      no download, under a minute
  python -m ieg_fsr.main --dataset=folder:photos --epochs=30               your images: photos/train/CLASS/IMAGE
  python -m ieg_fsr.main --dataset=npz:data.npz --labels_file=labels.csv   your arrays, others' labels
  python -m ieg_fsr.main --mode=audit --model_dir=runs/digits/fsr-noise0.4-seed0      audit.html: its suspect labels
  python -m ieg_fsr.main --mode=evaluate --dataset=digits --model=runs/digits/fsr-noise0.4-seed0/model.keras
"""
_RECIPE_NOTE = """\
[recipe]: depends on the data set, what is wrong with it and the method, as in the paper; the value for digits follows.
Every run prints and saves all its settings. The settings of the paper's other experiments are in flags/.
"""
_EXIT_CODES = "Exit codes: 0 done, 1 cannot go on, 2 bad input, 3 stopped by Ctrl-C or SIGTERM (or a lost worker)."
_OF_ABSL = """\
  --flagfile                   file of flags, one a line; # begins a comment
  --verbosity                  0 shows what libraries report on their own
"""
_BY_RECIPES = settings_of_recipes()


def asked_for(words: Sequence[str]) -> str | None:
    """The text that a command line asks for; None if it asks for none. Args: words: after the program's name."""
    names = {word.lstrip("-") for word in words if word.startswith("-")}
    if "helpfull" in names:
        return full_help()
    return short_help() if names & {"help", "h", "helpshort", "?"} else None


def short_help() -> str:
    """What `--help` prints: examples, the settings that most runs need, exit codes."""
    count = len(FIELDS)
    return _text(_SHORT, f"{_RECIPE_NOTE}\n--helpfull lists all {count} settings.\n{_EXIT_CODES}", full=False)


def full_help() -> str:
    """What `--helpfull` prints: every setting with what it may be."""
    return _text(
        tuple(FIELDS),
        f"Data sets\n{help_lines()}\n\nOf all programs\n{_OF_ABSL}\n{_RECIPE_NOTE}\n{_EXIT_CODES}",
        full=True,
    )


def groups() -> dict[str, list[str]]:
    """Names of all settings by group, in the order in which both texts show them."""
    found: dict[str, list[str]] = {group: [] for group in _GROUPS}
    group = _GROUPS[0]
    for name in FIELDS:
        group = _GROUP_FROM.get(name, group)
        found[group].append(name)
    return found


def _text(shown: tuple[str, ...], end: str, *, full: bool) -> str:
    parts = [_HEAD]
    for group, names in groups().items():
        lines = [_lines(name, full) for name in names if name in shown]
        if lines:
            parts.append("\n".join([group, *lines]) + "\n")
    return "\n".join([*parts, end])


def _lines(name: str, full: bool) -> str:
    """A setting's entry: its help and default, and its choices where they are more than two or all is asked for."""
    rule, text = rule_of(name), FIELDS[name].metadata["help"]
    choices = "" if rule is ANY or not (full or rule.text.count(",") > 1) else rule.text
    switch = "[no]" if value_type(name) is bool else ""
    flag = f"  --{switch}{name}"
    words = " ".join(word for word in (text, f"({choices})" if choices else "", _default(name)) if word)
    return textwrap.fill(
        words, _WIDTH, initial_indent=f"{flag:<30} ", subsequent_indent=" " * 31, break_on_hyphens=False
    )


def _default(name: str) -> str:
    """The default in brackets; empty where there is none."""
    by_recipe = name in _BY_RECIPES
    default = recipe("digits", "fsr", faithful=False).get(name, FIELDS[name].default)
    if default in (None, ()):
        return "[recipe]" if by_recipe else ""
    return f"[{'recipe: ' if by_recipe else ''}{_shown(default)}]"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else text_of(value)
