"""Runs every import of the files given, those inside functions too: with Bazel, only what BUILD declares is there."""

import ast
import pathlib
import sys


def run_imports(path: pathlib.Path) -> None:
    """Raises ImportError, with the place, at the first import that fails."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            try:
                exec(compile(ast.Module([node], type_ignores=[]), str(path), "exec"), {})
            except ImportError as error:
                raise ImportError(f"{path}:{node.lineno}: {ast.unparse(node)}: {error}") from error


def from_elsewhere() -> list[str]:
    """Modules of the project that an installed copy gave: it has all modules, declared or not."""
    here = pathlib.Path.cwd()
    ours = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "ieg_fsr"}
    return [f"{name} ({place})" for name, place in ours.items() if place and here not in pathlib.Path(place).parents]


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("tests/run_imports.py: at least one file must be given. Received: none")
    for name in sys.argv[1:]:
        run_imports(pathlib.Path(name))
    if from_elsewhere():
        sys.exit(f"not declared, and found outside of {pathlib.Path.cwd()}: {', '.join(from_elsewhere())}")
