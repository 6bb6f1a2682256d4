"""The texts of `--help`, one screen or two of what most runs need, and of `--helpfull`, every setting."""

import textwrap
from collections.abc import Iterable, Sequence

from ieg_fsr.configuration.recipes import recipe, settings_of_recipes
from ieg_fsr.configuration.settings import SETTINGS, text_of
from ieg_fsr.data.sources.datasets import help_lines
from ieg_fsr.methods.registry import METHODS, owners
from ieg_fsr.rules import ANY
from ieg_fsr.setting import Setting

_WIDTH = 110
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
    return _text(f"{_RECIPE_NOTE}\n--helpfull lists all {len(SETTINGS)} settings.\n{_EXIT_CODES}", full=False)


def full_help() -> str:
    """What `--helpfull` prints: every setting with what it may be."""
    methods = "\n".join(f"  {spec.name:<28} {spec.described}" for spec in METHODS.values())
    lists = f"Data sets\n{help_lines()}\n\nMethods\n{methods}\n\nOf all programs\n{_OF_ABSL}"
    return _text(f"{lists}\n{_RECIPE_NOTE}\n{_EXIT_CODES}", full=True)


def program_help(head: str, options: Iterable[Setting], end: str) -> str:
    """What `--help` of a small program prints: its head, an entry for each option, its end."""
    return "\n".join([head, "", *(_lines(option, full=False) for option in options), "", end])


def groups() -> dict[str, list[Setting]]:
    """All settings by heading, in the order in which both texts show them; those of methods by whose they are."""
    found: dict[str, list[Setting]] = {}
    for setting in SETTINGS.values():
        heading = setting.group or f"Only with --method={_listed(owners(setting.name))}"
        found.setdefault(heading, []).append(setting)
    return found


def _text(end: str, *, full: bool) -> str:
    parts = [_HEAD]
    for heading, settings in groups().items():
        lines = [_lines(setting, full) for setting in settings if full or setting.short]
        if lines:
            parts.append("\n".join([heading, *lines]) + "\n")
    return "\n".join([*parts, end])


def _lines(setting: Setting, full: bool) -> str:
    """A setting's entry: its help and default, and its choices where they are more than two or all is asked for."""
    rule = setting.rule
    choices = "" if rule is ANY or not (full or rule.text.count(",") > 1) else rule.text
    switch = "[no]" if setting.type is bool else ""
    former = f"; formerly --{', --'.join(setting.aliases)}" if full and setting.aliases else ""
    parts = (setting.help + former, f"({choices})" if choices else "", _default(setting))
    flag = f"  --{switch}{setting.name}"
    return textwrap.fill(
        " ".join(word for word in parts if word),
        _WIDTH,
        initial_indent=f"{flag:<30} ",
        subsequent_indent=" " * 31,
        break_on_hyphens=False,
    )


def _default(setting: Setting) -> str:
    """The default in brackets, that of digits where it is the recipe's; empty where there is none."""
    by_recipe = setting.name in _BY_RECIPES and SETTINGS[setting.name] is setting
    method = next(iter(owners(setting.name)[-1:]), SETTINGS["method"].default)
    default = recipe("digits", method).get(setting.name, setting.default) if by_recipe else setting.default
    if default in (None, ()):
        return "[recipe]" if by_recipe else ""
    return f"[{'recipe: ' if by_recipe else ''}{_shown(default)}]"


def _listed(names: Sequence[str]) -> str:
    """a; a or b; a, b or c."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else text_of(value)
