"""The pins with hashes are the pins, all that they need is among them, and pip takes no other."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import requires

import hashes
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pages import read
from pins import FILE, PINS, are_installed, pins_of
from ran import ROOT, ran

HASHED = pins_of(hashes.PAGE.read_text(encoding="utf-8"))
ON_PIP = re.compile(r"`python -m pip install ([^`]*)`")
SMALL = "colorama"  # a package of few bytes
needs_pins = pytest.mark.skipif(
    not are_installed(), reason="others than those of constraints.txt are installed"
)


def test_names_and_versions_are_those_of_the_constraints():
    assert len(PINS) == len(FILE.read_text(encoding="utf-8").splitlines())
    pinned = {(canonicalize_name(name), number) for name, number in PINS}
    assert {(canonicalize_name(name), number) for name, number, _ in HASHED} == pinned
    assert len(HASHED) == len(PINS) + 1  # torch, once for Linux and once for other systems


def test_every_pin_has_hashes_each_once():
    for name, _, found in HASHED:
        assert found, name
        assert len(set(found)) == len(found), name


@needs_pins
def test_what_pinned_packages_need_is_pinned():
    names = {canonicalize_name(name) for name, _ in PINS}
    for name, _ in PINS:
        for line in requires(name) or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                assert canonicalize_name(wanted.name) in names, f"{name} needs {wanted}"


@needs_pins
@pytest.mark.long
def test_pip_reads_the_file():
    done = ran(sys.executable, "-m", "pip", "install", "--dry-run", "--no-index",
               "--require-hashes", "-r", hashes.PAGE)  # fmt: skip
    assert "Would install" not in done


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git's history"
)
def test_the_tools_are_installed_as_the_page_says_without_the_network(tmp_path):
    _, section = read("docs/without-make.md").split("## Only files that are known")
    (words,) = (text for text in ON_PIP.findall(section) if text.endswith("-e ."))
    ran("git", "clone", "--quiet", ROOT, tmp_path / "clone")
    ran(sys.executable, "-m", "pip", "install", "--no-index", "--target", tmp_path / "target",
        *shlex.split(words), folder=tmp_path / "clone")  # fmt: skip
    assert list((tmp_path / "target").glob("max78000_toolchain-*.dist-info"))


def download(tmp_path, found):
    """Let pip fetch a small package whose hashes are said to be these."""
    lines = (f"{SMALL}=={dict(PINS)[SMALL]}", *(f"--hash=sha256:{one}" for one in found))
    (tmp_path / "one.txt").write_text(" ".join(lines))
    command = ("download", "--no-deps", "--require-hashes", "-r", "one.txt", "--dest", "got")
    return subprocess.run(
        [sys.executable, "-m", "pip", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_pip_takes_the_file_of_a_hash_and_no_other(tmp_path):
    (found,) = (found for name, _, found in HASHED if name == SMALL)
    assert download(tmp_path, found).returncode == 0
    refused = download(tmp_path, [one[::-1] for one in found])
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
