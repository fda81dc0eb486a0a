"""`max78000 build`: what it prints, and how it ends."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from firmware_projects import HELLO, write_c_project
from hand_made import CHIP, Case
from installed import CROSS_COMPILERS

from max78000.commands.build import build
from max78000.errors import InputError, UnsupportedError
from max78000.facts.memory_map import FLASH_BYTES
from max78000.program.program import to_json

pytestmark = pytest.mark.long  # a compiler each

CASE = Case(np.zeros((1, 3, 4, 4), int), np.ones((4, 3, 3, 3), int), pad=(1, 1))


def invoke(*arguments):
    return CliRunner().invoke(build, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_c_project(tmp_path_factory.mktemp("cli") / "hello", main=HELLO)


def test_prints_paths_and_sizes(folder):
    result = invoke(folder, "--compiler", "zig", "--board", "FTHR_RevA")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:3] == [str(folder / f"build/hello.{kind}") for kind in ("elf", "hex", "bin")]
    assert lines[3].startswith("compiled by zig 0.")
    assert lines[3].endswith("for FTHR_RevA")
    assert "of  524,288 bytes" in lines[4]
    assert any(line.split()[:2] == ["table", "400"] for line in lines)
    assert result.stderr == ""


@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
def test_json_has_the_same(folder, compiler):
    result = invoke(folder, "--compiler", compiler, "--json")
    report = json.loads(result.stdout)
    assert report["compiler"] == compiler
    assert report["board"] == "EvKit_V1"
    assert report["elf"] == str(folder / "build/hello.elf")
    assert 0 < report["flash_bytes"] < report["flash_available_bytes"] == FLASH_BYTES
    assert report["largest"]["table"] == 400
    assert report["sections"][".vectors"] == 480


def test_warnings_go_to_standard_error(tmp_path):
    text = "int main(void) { int idle = 1; return 0; }\n"
    result = invoke(write_c_project(tmp_path / "loud", main=text), "--compiler", "zig")
    assert result.exit_code == 0
    assert "idle" in result.stderr
    assert "idle" not in result.stdout


def test_refusals_reach_the_command_line(tmp_path):
    assert isinstance(invoke(tmp_path).exception, InputError)
    assert invoke(tmp_path / "nowhere").exit_code == 2
    assert invoke(tmp_path, "--compiler", "tcc").exit_code == 2


def test_help_shows_defaults_and_examples():
    text = invoke("--help").stdout
    assert "[default: auto]" in text
    assert "max78000 build build/mnist" in text


def test_an_application_asks_for_its_networks_before_anything_is_compiled(tmp_path):
    folder = write_c_project(tmp_path / "plain", main=HELLO)
    (folder / "program.json").write_text(to_json(CASE.program(), CHIP))
    error = invoke(folder, "--app", "pose").exception
    assert isinstance(error, UnsupportedError)
    assert error.why.startswith("is not for poses: outputs are 4x4x4, expected 19x16x16")
    assert not (folder / "build").exists()
