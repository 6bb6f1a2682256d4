"""What a setting is, and the settings of a run together. No TensorFlow."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ieg_fsr.errors import UserError, one_line
from ieg_fsr.rules import ANY, LARGEST, NOUNS, Rule, check_number, check_size

# What a setting is about: what is computed, where things are, or how the run goes about it.
COMPUTED, PLACES, RUNS = "computed", "places", "runs"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting: a flag, an entry of config.json and a line of the help; of a method, also an argument of its class.

    Attributes:
        name: of the flag.
        default: where neither flag nor recipe says otherwise; None for "not given".
        rule: what a value must satisfy.
        help: one line.
        kind: type of a value that is not None; that of the default where it is left out.
        group: heading in the help; settings of a method have none, they stand under its name.
        role: `COMPUTED`, `PLACES` or `RUNS`. The last two are no part of what a run is a run of.
        kept: whether a run that goes on must have the value that it began with. What is computed is kept anyway.
        protocol: whether runs are side by side in a table only where it agrees.
        short: whether `--help` shows it; `--helpfull` shows all.
        aliases: former spellings of the flag, which keep working.
        argument: its name in the method's class, where that is another one.
        before: where it is not the default, the value of runs that do not say it, made before there was this setting.
            Names in tables leave it out, in the place of the default.
    """

    name: str
    default: Any
    rule: Rule
    help: str
    _: dataclasses.KW_ONLY
    kind: type | None = None
    group: str = ""
    role: str = COMPUTED
    kept: bool = False
    protocol: bool = False
    short: bool = False
    aliases: tuple[str, ...] = ()
    argument: str | None = None
    before: Any = None

    @property
    def type(self) -> type:
        """The type of a value that is not None."""
        return self.kind or type(self.default)

    def check(self, value: Any) -> None:
        """Checks a value that was given to the flag.

        Raises:
            UserError: the rule does not allow it, or no tensor can hold it.
        """
        if value is None:
            return
        if not self.rule.allows(value):
            raise UserError(self.violation(value))
        if self.type in LARGEST:
            check_size(f"--{self.name}", value, self.type)

    def violation(self, value: Any) -> str:
        """The line about a value that is not allowed."""
        noun = NOUNS.get(self.type)
        text = f"{noun} {self.rule.text}" if noun and self.rule is not ANY else noun or self.rule.text
        return f"--{self.name} must be {text}. Received: {text_of(value)}"

    def check_argument(self, value: Any) -> None:
        """The same for a value that was given to the method's class, whose type is checked too."""
        name = self.argument or self.name
        if self.type in LARGEST:
            check_number(name, value, self.rule, self.type)
        elif not isinstance(value, self.type) or not self.rule.allows(value):
            raise UserError(f"{name} must be {self.rule.text}. Received: {one_line(value)}")

    def parse(self, text: Any) -> Any:
        """A value from a flag's text.

        Raises:
            ValueError: the text is none of the type.
        """
        if not isinstance(text, str):
            return text
        if self.type is tuple:
            return tuple(int(part) for part in text.split(",") if part)
        return self.type(text)


class Config(Mapping[str, Any]):
    """The settings of a run, resolved: those that every run has and those of its method, by name and as attributes.

    Attributes:
        given: names of the settings that somebody chose for this run.
    """

    given: frozenset[str]

    def __init__(self, values: Mapping[str, Any], given: frozenset[str] = frozenset()) -> None:
        """Args: values: by name. given: see the attribute."""
        vars(self).update(_values=dict(values), given=given)

    def __getitem__(self, name: str) -> Any:
        return vars(self)["_values"][name]

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self)["_values"])

    def __len__(self) -> int:
        return len(vars(self)["_values"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self:
            raise AttributeError(f"{name} is no setting of this run")
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("settings do not change: see `replace`")

    def __repr__(self) -> str:
        return f"Config({dict(self)})"

    def replace(self, **values: Any) -> "Config":
        """The same settings with others in the place of some."""
        return Config({**self, **values}, self.given)


def text_of(value: Any) -> str:
    """A value as it is given to its flag."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def name_of(name: str, value: Any) -> str:
    """The value of a setting as a part of a name: of networks and their parameters in files without the folders."""
    text = text_of(value)
    return re.sub(r"[^:]*/", "", text) if name in ("network", "init") else text
