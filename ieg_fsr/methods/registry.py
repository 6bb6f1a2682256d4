"""All methods by name: those of this package, and those that other packages register. No TensorFlow.

A package registers methods by an entry point of the group `ieg_fsr.methods`, which names a `MethodSpec` or a sequence
of them.
"""

import importlib
import sys
from collections.abc import Collection, Iterable
from importlib import metadata
from typing import Any

from ieg_fsr.errors import UserError, one_line
from ieg_fsr.figures import RUN_FIGURES, Figure, figure_among
from ieg_fsr.methods.spec import NEEDS, MethodSpec, Paper
from ieg_fsr.setting import Setting

# Modules of this package that have `SPECS`, in the order of tables and of the help.
_MODULES = (
    "supervised",
    "focal",
    "class_balanced",
    "logit_adjustment",
    "ldam",
    "remix",
    "crt",
    "forward_correction",
    "gce",
    "sce",
    "coteaching",
    "elr",
    "mentornet",
    "pencil",
    "d2l",
    "crust",
    "incv",
    "rog",
    "l2r",
    "mwn",
    "fsr",
)
GROUP = "ieg_fsr.methods"


def register(methods: dict[str, MethodSpec], spec: Any) -> None:
    """Adds a method.

    Args:
        methods: by name.
        spec: of the method.

    Raises:
        UserError: it is no whole `MethodSpec`, its name is taken, or that of one of its settings.
    """
    if not isinstance(spec, MethodSpec):
        raise UserError(f"a method must be a MethodSpec. Received: {type(spec).__name__}")
    for part in ("name", "label", "summary"):
        if not isinstance(getattr(spec, part), str) or not getattr(spec, part):
            raise UserError(f"{part} of a method must be a text. Received: {one_line(getattr(spec, part))}")
    if not callable(spec.build):
        raise UserError(f"build of method {spec.name} must be a function. Received: {one_line(spec.build)}")
    if not isinstance(spec.paper, Paper | None) or not all(isinstance(one, Setting) for one in spec.settings):
        raise UserError(f"method {spec.name} must have a Paper or None, and Settings. Received: something else")
    if spec.name in methods:
        raise UserError(f"name of a method must be new. Received: {spec.name}")
    if not set(spec.needs) <= set(NEEDS):
        raise UserError(f"needs of method {spec.name} must be of {', '.join(NEEDS)}. Received: {sorted(spec.needs)}")
    taken = {setting.name: setting for setting in settings_of(methods.values())}
    for setting in spec.settings:
        if taken.get(setting.name, setting) is not setting:
            raise UserError(f"a setting of method {spec.name} must have a new name. Received: {setting.name}")
    methods[spec.name] = spec


def settings_of(specs: Iterable[MethodSpec]) -> list[Setting]:
    """The settings of some methods, each once."""
    return list({setting.name: setting for spec in specs for setting in spec.settings}.values())


def owners(name: str) -> list[str]:
    """Names of the methods that have a setting of their own of this name."""
    return [spec.name for spec in METHODS.values() if any(setting.name == name for setting in spec.settings)]


def method_figures() -> dict[str, Figure]:
    """The figures that methods add to those of every run, by name."""
    return {figure.name: figure for spec in METHODS.values() for figure in spec.figures}


def figure_of(name: str) -> Figure:
    """What is known of a figure of any run; see `figure_among`."""
    return figure_among([*RUN_FIGURES, *method_figures().values()], name)


def leave_out_methods_with(names: Collection[str]) -> None:
    """Drops methods of other packages whose settings have names of settings that every run has, and says so."""
    for spec in list(METHODS.values()):
        if taken := [setting.name for setting in spec.settings if setting.name in names]:
            del METHODS[spec.name]
            line = f"method {spec.name} must have settings of new names. Received: {', '.join(taken)}"
            print(f"ieg_fsr: left it out: {line}", file=sys.stderr)


def _collect() -> dict[str, MethodSpec]:
    methods: dict[str, MethodSpec] = {}
    for module in _MODULES:
        for spec in importlib.import_module(f"ieg_fsr.methods.{module}").SPECS:
            register(methods, spec)
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            found = point.load()
            for spec in found if isinstance(found, tuple | list) else [found]:
                register(methods, spec)
        except Exception as error:  # anything may go wrong in another package: it is named, and the rest works
            reason = error if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            print(
                f"ieg_fsr: left out the entry point {point.name} = {point.value}: {one_line(reason)}", file=sys.stderr
            )
    return methods


METHODS = _collect()
