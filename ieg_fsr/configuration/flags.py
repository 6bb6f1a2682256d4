"""The command lines: a flag for each setting, and back. The only reader of absl's FLAGS."""

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from absl import flags

from ieg_fsr.configuration.help_text import asked_for
from ieg_fsr.configuration.resolve import base_of, resolve
from ieg_fsr.configuration.settings import SETTINGS, Config, text_of
from ieg_fsr.errors import Interrupted, UserError, one_line
from ieg_fsr.rules import ANY
from ieg_fsr.setting import Setting
from ieg_fsr.terminal import make_streams_patient


class _Parser(flags.ArgumentParser):
    """Turns a flag's text into the type of its setting, with this project's wording of errors."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def parse(self, argument: Any) -> Any:
        try:
            return self.setting.parse(argument)
        except ValueError:
            raise ValueError(self.setting.violation(argument)) from None

    def flag_type(self) -> str:
        return self.setting.type.__name__


def define_flags(flag_values: flags.FlagValues = flags.FLAGS, settings: Iterable[Setting] = SETTINGS.values()) -> None:
    """Defines one flag per setting, and one per former spelling; None stands for "not given"."""
    for setting in settings:
        text = setting.help + ("" if setting.rule is ANY else f" ({setting.rule.text})")
        if setting.type is bool:
            flags.DEFINE_boolean(setting.name, None, text, flag_values, module_name=__name__)
        else:
            flags.DEFINE(_Parser(setting), setting.name, None, text, flag_values, module_name=__name__)
        for alias in setting.aliases:
            flags.DEFINE_alias(alias, setting.name, flag_values, module_name=__name__)


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
            raise UserError(SETTINGS[switch.group(1)].violation(switch.group(2))) from None
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
    return resolve(_given(flags.FLAGS, SETTINGS))


def given_settings(words: Sequence[str], settings: Mapping[str, Setting] = SETTINGS) -> dict[str, Any]:
    """The settings that some words of a command line give, by name. Args: settings: those that there are, by name.

    Raises:
        UserError: see `parse_flags`.
    """
    flag_values = flags.FlagValues()
    define_flags(flag_values, settings.values())
    parse_flags(["", *words], flag_values)
    return _given(flag_values, settings)


def _given(flag_values: flags.FlagValues, names: Iterable[str]) -> dict[str, Any]:
    values = {name: flag_values[name].value for name in names}
    return {name: value for name, value in values.items() if value is not None}


def run_program(words: Sequence[str] | None, text: str, work: Callable[[Sequence[str]], None]) -> int:
    """Runs a small program; returns its exit code, after a line on stderr that of what ended it: `UserError` or Ctrl-C.

    Args:
        words: its arguments; None for those of this process.
        text: what it prints in place of its work where help is asked for.
        work: does it with the words.
    """
    if words is None:
        make_streams_patient()
        words = sys.argv[1:]
    try:
        if asked_for(words):
            print(text)
        else:
            work(words)
    except UserError as error:
        print(f"ieg_fsr: {one_line(error)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("ieg_fsr: interrupted", file=sys.stderr)
        return Interrupted.exit_code
    return 0


def parse_options(
    words: Sequence[str], options: Mapping[str, Setting], settings: Mapping[str, Setting] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of a small program, with its defaults, and the settings that were given beside them, both by name.

    Args:
        words: of the command line.
        options: by name; one takes the place of the setting of its name.
        settings: that are taken as well.

    Raises:
        UserError: see `parse_flags`; or an option's rule does not allow its value.
    """
    given = given_settings(words, {**(settings or {}), **options})
    values = {name: given.pop(name, option.default) for name, option in options.items()}
    for name, value in values.items():
        options[name].check(value)
    return values, given


def command_line(config: Config) -> str:
    """The flags of the settings that differ from what the recipe gives."""
    base = base_of(config)
    words = [_word("dataset", config.dataset), f"--method={config.method}"]
    for name, value in config.items():
        if name not in ("dataset", "method", "model_dir") and value != base[name]:
            words.append(_word(name, value))
    return " ".join(words)


def _word(name: str, value: Any) -> str:
    """A flag as a shell takes it."""
    if isinstance(value, bool):
        return f"--{'' if value else 'no'}{name}"
    return f"--{name}={shlex.quote(text_of(value))}"
