"""What a wheel and a source distribution hold: the package whole, and nothing else."""

import email
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

import ieg_fsr

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ("ieg_fsr", "flags", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff")
SOURCES += ("requirements.txt", "tests", "launch")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Both distributions of a copy of the project, built by setuptools without a network."""
    if not (ROOT / "MANIFEST.in").exists():
        pytest.skip("the project's files are not here")
    pytest.importorskip("setuptools", minversion="77")
    place = tmp_path_factory.mktemp("wheel")
    copy = place / "copy"
    copy.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    code = "from setuptools.build_meta import build_sdist, build_wheel; build_wheel('..'); build_sdist('..')"
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=copy, env=environment, capture_output=True, check=True)
    [wheel], [source] = place.glob("*.whl"), place.glob("*.tar.gz")
    return wheel, source


@pytest.mark.slow
def test_the_wheel_is_the_package_and_nothing_else(built):
    names = set(zipfile.ZipFile(built[0]).namelist())
    metadata = {name for name in names if ".dist-info/" in name}
    kinds = {".py", ".typed", ".html", ".css", ".js", ".csv"}
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "ieg_fsr").rglob("*.*") if path.suffix in kinds}
    assert names - metadata == package
    assert f"ieg_fsr-{ieg_fsr.__version__}.dist-info/licenses/LICENSE" in metadata


@pytest.mark.slow
def test_metadata(built):
    with zipfile.ZipFile(built[0]) as archive:
        place = f"ieg_fsr-{ieg_fsr.__version__}.dist-info"
        metadata = email.message_from_bytes(archive.read(f"{place}/METADATA"))
        entry_points = archive.read(f"{place}/entry_points.txt").decode()
    assert metadata["Version"] == ieg_fsr.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"] == "ieg_fsr contributors"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "ieg-fsr = ieg_fsr.main:run" in entry_points
    assert metadata.get_payload().startswith("# ieg_fsr")


@pytest.mark.slow
def test_the_source_distribution_has_flag_files_and_no_tests(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "flags").glob("*.flags")} <= names
    assert {"CHANGELOG.md", "CITATION.cff", "LICENSE", "README.md", "pyproject.toml", "ieg_fsr/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "launch", "docs"))]


def test_the_version_stands_in_one_place():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'version = { attr = "ieg_fsr.version.VERSION" }' in project
    assert re.fullmatch(r"\d+\.\d+\.\d+", ieg_fsr.__version__)
    assert ieg_fsr.__version__ not in project
