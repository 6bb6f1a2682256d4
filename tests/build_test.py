"""Tests of BUILD and of the layout: the dependency graph that is written down is the one that the imports make."""

import ast
import graphlib
import pathlib

import pytest

import ieg_fsr
from ieg_fsr import networks

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = "ieg_fsr"
LARGEST_FILE = 300  # lines
RUNNER = "tests/run_pytest.py"
# What a test file sees beside its imports.
SHARED = ["tests/conftest.py", RUNNER]

# From the ground up: a module imports from its own package and from rows above its own.
ROWS = [
    {"errors", "version"},
    {"arguments", "files", "quiet_import", "recipes", "replicas", "rules", "stateless_random"},
    {"data", "networks", "reweighting"},
    {"methods"},
    {"settings"},
    {"config"},
    {"command_line", "help_text"},
    {"evaluation", "results"},
    {"training"},
    {"audit", "cost"},
    {PACKAGE, "main", "benchmark", "tables"},
]
# Modules that import by name, and the names.
BY_NAME = {
    PACKAGE: set(ieg_fsr._HOMES.values()),
    f"{PACKAGE}.networks": {f"{PACKAGE}.networks.{body}" for body, _ in networks._BODIES.values()},
}
# These packages have code, and so a test under another name; version has no behaviour.
TESTED_UNDER_ANOTHER_NAME = {
    "ieg_fsr/methods/__init__.py": "tests/methods/registry_test.py",
    "ieg_fsr/networks/__init__.py": "tests/networks/registry_test.py",
}
WITHOUT_A_TEST = {"ieg_fsr/version.py"}
# Test files of the project rather than of one module.
NOT_OF_A_MODULE = {
    "tests/bad_days_test.py",
    "tests/build_test.py",
    "tests/examples_test.py",
    "tests/flags_test.py",
    "tests/launch/api_reference_test.py",
    "tests/launch/detection_test.py",
    "tests/launch/digits_tables_test.py",
    "tests/launch/fuzz_test.py",
    "tests/launch/multi_worker_test.py",
    "tests/launch/profile_test.py",
    "tests/launch/sweep_test.py",
    "tests/launch/wheel_test.py",
    "tests/methods/choices_test.py",
    "tests/methods/registry_test.py",
    "tests/methods/several_replicas_test.py",
    "tests/networks/registry_test.py",
    "tests/own_data_test.py",
    "tests/own_model_test.py",
    "tests/readme_test.py",
    "tests/survival_test.py",
}


def module_name(path):
    """ieg_fsr/data/pipeline/examples.py -> ieg_fsr.data.pipeline.examples; ieg_fsr/data/__init__.py -> ieg_fsr.data."""
    return ".".join(pathlib.Path(path).with_suffix("").parts).removesuffix(".__init__")


def files_below(folder):
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py"))


MODULES = {module_name(path): path for path in files_below(PACKAGE)}
TESTS = [path for path in files_below("tests") if path.endswith("_test.py")]


def tree(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imports(path):
    """Modules of the package that a file imports, at its top or inside a function."""
    found = set(BY_NAME.get(module_name(path), ()))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: an import that does not say from where"
            if node.module.split(".")[0] == PACKAGE:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= {name if name in MODULES else node.module for name in names}
    return found - {module_name(path)}


def part(module):
    """ieg_fsr.data.pipeline.examples -> data; the package itself is a part as well."""
    return module.split(".")[1] if "." in module else module


def row(module):
    [index] = [index for index, names in enumerate(ROWS) if part(module) in names]
    return index


def glob(patterns):
    return sorted({str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)})


def read_build():
    """Rule and arguments of every target by name."""
    targets, names = {}, {"glob": glob}
    for statement in tree("BUILD").body:
        if isinstance(statement, ast.Assign):
            names[statement.targets[0].id] = evaluate(statement.value, names)
        elif isinstance(statement.value, ast.Call):
            rule = statement.value.func.id
            values = {word.arg: evaluate(word.value, names) for word in statement.value.keywords}
            if rule.startswith("py_"):
                assert values["name"] not in targets, f"two targets {values['name']}"
                targets[values["name"]] = values | {"rule": rule}
    return targets


def evaluate(node, names):
    return eval(compile(ast.Expression(node), "BUILD", "eval"), {"__builtins__": {}}, names)


TARGETS = read_build()
# A file belongs to one target; the runner belongs to every test.
OWNERS = {source: name for name, target in TARGETS.items() for source in target["srcs"] if source not in SHARED}


def wanted_deps(sources):
    needed = {OWNERS[MODULES[module]] for path in sources for module in imports(path)}
    return {f":{name}" for name in needed - {OWNERS[path] for path in sources}}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_target(module):
    path = MODULES[module]
    assert path in OWNERS, f"no target in BUILD lists {path}"
    target = TARGETS[OWNERS[path]]
    assert target["rule"] == ("py_binary" if _runs(path) else "py_library")


def _runs(path):
    """Whether a file is a command line."""
    return any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree(path).body)


def test_a_file_has_one_target():
    listed = [path for target in TARGETS.values() for path in target["srcs"] if path not in SHARED]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target["rule"] != "py_test"])
def test_name_and_dependencies_of_a_target(name):
    target = TARGETS[name]
    modules = [module_name(path) for path in target["srcs"]]
    names = ["_".join(module.split(".")[1:]) or PACKAGE for module in modules]
    assert name == names[0]
    assert target.get("deps", []) == sorted(wanted_deps(target["srcs"]))


def test_only_an_import_circle_shares_a_target():
    for name, target in TARGETS.items():
        if target["rule"] == "py_test":
            continue
        circle = set(target["srcs"])
        for path in circle if len(circle) > 1 else ():
            others = circle - {path}
            reason = f"{path} needs a target of its own beside {name}"
            assert {MODULES[module] for module in imports(path)} & others, reason
            assert any(module_name(path) in imports(other) for other in others), reason


def test_targets_make_no_circle():
    graph = {name: [dep.removeprefix(":") for dep in target.get("deps", [])] for name, target in TARGETS.items()}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", TESTS)
def test_target_of_a_test_file(path):
    module = "_".join(pathlib.Path(path).with_suffix("").parts[1:])
    assert module in TARGETS, f"no target in BUILD runs {path}"
    target = TARGETS[module]
    assert target["rule"] == "py_test"
    assert target["srcs"] == [path, *SHARED]
    assert target["main"] == RUNNER
    assert target["args"] == [path]
    assert target.get("deps", []) == sorted(wanted_deps([path]))
    assert "pyproject.toml" in target["data"]  # pytest's settings
    slow = "@pytest.mark.slow" in (ROOT / path).read_text(encoding="utf-8") and path != "tests/build_test.py"
    assert (target.get("tags"), target["size"]) == ((["slow"], "large") if slow else (None, "medium"))


def test_files_that_are_listed_exist():
    for name, target in TARGETS.items():
        for path in [*target["srcs"], *target.get("data", [])]:
            assert (ROOT / path).is_file(), f"{name} lists {path}"


def test_files_beside_the_tests_are_given_to_one():
    others = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    given = {path for target in TARGETS.values() for path in target.get("data", [])}
    assert others <= given


def test_every_python_file_of_the_tests_is_a_test_or_shared():
    assert set(files_below("tests")) == {*TESTS, *SHARED}


def test_there_is_one_build_file():
    outside = {"node_modules", ".venv", "build"}
    found = [path.relative_to(ROOT) for path in ROOT.rglob("BUILD*") if path.is_file()]
    found = [path for path in found if not outside & set(path.parts)]
    assert [str(path) for path in found] == ["BUILD"]


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_arrows(module):
    for imported in imports(MODULES[module]):
        inside = part(imported) == part(module)
        assert inside or row(imported) < row(module), f"{module} must not import {imported}"


def test_reweighting_knows_no_data_and_no_method():
    for module, path in MODULES.items():
        if module.startswith(f"{PACKAGE}.reweighting"):
            assert not {"data", "networks", "methods"} & {part(imported) for imported in imports(path)}, module


def test_only_the_known_modules_import_by_name():
    texts = {module: (ROOT / path).read_text(encoding="utf-8") for module, path in MODULES.items()}
    assert {module for module, text in texts.items() if "import_module(" in text} == set(BY_NAME)


def test_only_the_command_line_touches_flags():
    for module, path in MODULES.items():
        if module in (f"{PACKAGE}.command_line", f"{PACKAGE}.main"):
            continue
        for node in ast.walk(tree(path)):
            named = isinstance(node, ast.Name | ast.Attribute) and "FLAGS" in ast.unparse(node)
            imported = isinstance(node, ast.Import | ast.ImportFrom) and "absl" in ast.unparse(node)
            assert not named, f"{path}:{node.lineno}"
            assert not imported, f"{path}:{node.lineno}"


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "misc", "common"])
def test_no_file_without_an_idea(name):
    assert not [path for path in [*MODULES.values(), *TESTS] if name in pathlib.Path(path).with_suffix("").parts]


@pytest.mark.parametrize("path", MODULES.values())
def test_every_module_has_a_test_file_of_its_name(path):
    if path in WITHOUT_A_TEST or (path.endswith("__init__.py") and path not in TESTED_UNDER_ANOTHER_NAME):
        return
    mirror = path.replace(PACKAGE, "tests", 1).replace(".py", "_test.py")
    assert TESTED_UNDER_ANOTHER_NAME.get(path, mirror) in TESTS


@pytest.mark.parametrize("path", TESTS)
def test_every_test_file_has_its_module(path):
    module = path.replace("tests", PACKAGE, 1).replace("_test.py", ".py")
    assert path in NOT_OF_A_MODULE or (ROOT / module).is_file()


def test_packages_hold_no_code_but_the_known():
    known = (*BY_NAME, f"{PACKAGE}.methods", f"{PACKAGE}.reweighting")
    for module, path in MODULES.items():
        if path.endswith("__init__.py") and module not in known:
            assert len(tree(path).body) <= 1, path


@pytest.mark.parametrize("path", [*MODULES.values(), *files_below("tests")])
def test_files_are_short(path):
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= LARGEST_FILE, f"{path} has {lines} lines"
