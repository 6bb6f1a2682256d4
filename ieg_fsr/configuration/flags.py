"""The command line: a flag for each field of `Config`, and back. The only reader of absl's FLAGS."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from absl import flags

from ieg_fsr.configuration.resolve import RECIPE_CHOICES, recipe_of, resolve
from ieg_fsr.configuration.settings import FIELDS, Config, rule_of, text_of, value_type, violation
from ieg_fsr.errors import UserError
from ieg_fsr.rules import ANY


class _Parser(flags.ArgumentParser):
    """Turns a flag's text into the type of its field, with this project's wording of errors."""

    def __init__(self, name: str) -> None:
        self.name, self.type = name, value_type(name)

    def parse(self, argument: Any) -> Any:
        try:
            return _convert(self.type, argument)
        except ValueError:
            raise ValueError(violation(self.name, argument)) from None

    def flag_type(self) -> str:
        return getattr(self.type, "__name__", str(self.type))


def define_flags(flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines one flag per field of `Config`; None stands for "not given"."""
    for name, field in FIELDS.items():
        rule = rule_of(name)
        text = field.metadata["help"] + ("" if rule is ANY else f" ({rule.text})")
        if value_type(name) is bool:
            flags.DEFINE_boolean(name, None, text, flag_values, module_name=__name__)
        else:
            flags.DEFINE(_Parser(name), name, None, text, flag_values, module_name=__name__)


def parse_flags(argv: Sequence[str], flag_values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """Parses a command line; returns what is left of it.

    Raises:
        UserError: an unknown flag, a value of the wrong type, or a flag file that cannot be read.
    """
    try:
        rest = flag_values(list(argv))
    except (flags.CantOpenFlagFileError, UnicodeDecodeError) as error:
        raise UserError(f"--flagfile must be a readable text file. Received: {_flag_file(error)}") from None
    except (flags.Error, ValueError) as error:  # absl itself raises the second for --noNAME=VALUE
        message = " ".join(str(error).split())
        if switch := re.match(r"flag --(\w+)=(.*): .*Non-boolean argument", message):
            raise UserError(violation(switch.group(1), switch.group(2))) from None
        own_wording = re.search(r"(--\w+ must be .*)", message)
        raise UserError(own_wording.group(1) if own_wording else message) from None
    if len(rest) > 1:
        raise UserError(f"arguments must be flags such as --noise=0.4. Received: {rest[1]}")
    return rest


def _flag_file(error: Exception) -> str:
    """What was wrong with a flag file, in a word: its name where absl tells it."""
    named = re.search(r"'(.*)'$", str(error))
    return named.group(1) if named else "other bytes than UTF-8"


def config_from_flags() -> Config:
    """The resolved settings of the parsed command line."""
    return resolve(_given(flags.FLAGS))


def given_settings(words: Sequence[str]) -> dict[str, Any]:
    """The settings that some words of a command line give, by field name.

    Raises:
        UserError: see `parse_flags`.
    """
    flag_values = flags.FlagValues()
    define_flags(flag_values)
    parse_flags(["", *words], flag_values)
    return _given(flag_values)


def _given(flag_values: flags.FlagValues) -> dict[str, Any]:
    values = {name: flag_values[name].value for name in FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def command_line(config: Config) -> str:
    """The flags of the settings that differ from what the recipe gives."""
    defaults = {name: field.default for name, field in FIELDS.items()}
    base = defaults | recipe_of({name: getattr(config, name) for name in RECIPE_CHOICES})
    words = [_word("dataset", config.dataset), f"--method={config.method}"]
    for name in FIELDS:
        value = getattr(config, name)
        if name not in ("dataset", "method", "model_dir") and value != base[name]:
            words.append(_word(name, value))
    return " ".join(words)


def _word(name: str, value: Any) -> str:
    """A flag as a shell takes it."""
    if isinstance(value, bool):
        return f"--{'' if value else 'no'}{name}"
    return f"--{name}={shlex.quote(text_of(value))}"


def _convert(kind: Any, argument: Any) -> Any:
    if not isinstance(argument, str):
        return argument
    if kind in (int, float, str):
        return kind(argument)
    return tuple(int(part) for part in argument.split(",") if part)
