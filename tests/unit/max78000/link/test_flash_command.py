"""`max78000 flash`: which file it takes, what it prints, and which probe it asks."""

import json
import os
import struct

import pytest
from click.testing import CliRunner

import max78000.commands.flash as command
from max78000.errors import BoardError, InputError, UnsupportedError
from max78000.firmware.board_mark import MAGIC, MARK_AT
from max78000.firmware.sources import project_units
from max78000.firmware.stamp import Stamp, file_hash, source_hashes, write_stamp
from max78000.link import probe_choice
from max78000.link.probe_choice import PROBES, choose_probe

CONTENT = struct.pack("<IIII", 0x2002_0000, 0x1000_0011, 0, 0) + b"\xfe\xe7"


def elf_of(content):
    """The least ELF file: one segment, no sections."""
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        *(b"\x7fELF\x01\x01\x01", 2, 40, 1, 0x1000_0011, 52, 0, 0x0500_0000, 52, 32, 1, 40, 0, 0),
    )
    n_bytes = len(content)
    segment = struct.pack("<8I", 1, 84, 0x1000_0000, 0x1000_0000, n_bytes, n_bytes, 5, 4)
    return header + segment + content


class FakeProbe:
    name = "pyocd"
    can_verify = True

    def __init__(self):
        self.plans = []

    def carry_out(self, plan, on_progress):
        self.plans.append(plan)
        on_progress(len(plan.steps), len(plan.steps), "start")


class FakeLine:
    is_open = True

    def close(self):
        self.is_open = False


@pytest.fixture
def probe(monkeypatch):
    probe = FakeProbe()
    probe.asked = []
    monkeypatch.setattr(
        command, "choose_probe", lambda name, uid: probe.asked.append((name, uid)) or probe
    )
    return probe


@pytest.fixture
def project(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "mnist.elf").write_bytes(elf_of(CONTENT))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(
        command.flash_command, [str(argument) for argument in arguments], catch_exceptions=False
    )


def test_the_report(probe, project):
    result = run(project)
    assert result.exit_code == 0
    assert result.stdout == "mnist.elf: 32 bytes in 1 page, verified, 0.0 s\n"
    assert probe.asked == [("pyocd", None)]
    assert probe.plans[0].image.data == CONTENT + b"\xff" * 14


def test_options_reach_the_probe(probe, project):
    result = run(project, "--probe", "openocd", "--uid", "0409", "--no-verify")
    assert "not verified" in result.stdout
    assert probe.asked == [("openocd", "0409")]
    assert not probe.plans[0].is_verified


def test_a_probe_that_cannot_verify_is_said(probe, project):
    probe.can_verify = False
    result = run(project)
    assert "not verified" in result.stdout
    assert "cannot read the flash back" in result.stderr


def test_json(probe, project):
    report = json.loads(run(project, "--json").stdout)
    assert report.pop("duration_s") >= 0
    assert report == {
        "probe": "pyocd",
        "image": "mnist.elf",
        "n_bytes": 32,
        "n_pages": 1,
        "is_verified": True,
    }


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_console_is_opened_before_and_closed_after(monkeypatch, probe, project, options):
    line = FakeLine()
    opened = []

    def open_port(device, baud):
        assert not probe.plans, "the first line would be lost"
        opened.append((device, baud))
        return line

    monkeypatch.setattr(command, "open_port", open_port)
    monkeypatch.setattr(command, "read_lines", lambda *_: iter(["hello", "PASS"]))
    result = run(project, "--console", "--port", "ttyX", *options)
    assert opened == [("ttyX", 115200)]
    assert not line.is_open
    if options:
        assert json.loads(result.stdout)["console"] == ["hello", "PASS"]
    else:
        assert result.stdout.endswith("hello\nPASS\n")


def test_an_elf_file_can_be_named(probe, project):
    assert run(project / "build" / "mnist.elf").exit_code == 0


def test_nothing_built_names_the_command_that_builds(probe, tmp_path):
    with pytest.raises(InputError, match="nothing is built") as refusal:
        run(tmp_path)
    assert refusal.value.fix == f"max78000 build {tmp_path}"


def test_several_programs_are_not_guessed(probe, project):
    (project / "build" / "pose.elf").write_bytes(elf_of(CONTENT))
    with pytest.raises(InputError, match=r"2 programs are there: mnist\.elf, pose\.elf"):
        run(project)


def test_the_projects_own_program_goes_before_its_applications(probe, project):
    own = project / "build" / f"{project.name}.elf"
    (project / "build" / "mnist.elf").rename(own)
    (project / "build" / f"{project.name}-pose.elf").write_bytes(b"no ELF file")
    assert run(project).exit_code == 0


def test_a_missing_console_is_told_after_the_board_is_programmed(monkeypatch, probe, project):
    monkeypatch.setattr(command, "list_ports", lambda: ())
    with pytest.raises(BoardError, match="no USB serial port"):
        run(project, "--console")
    assert probe.plans


def test_a_refusal_reaches_the_command_line(monkeypatch, probe, project):
    def refuse(plan, on_progress):
        raise BoardError("no debug adapter answers", where="pyocd", fix="connect it")

    monkeypatch.setattr(probe, "carry_out", refuse)
    with pytest.raises(BoardError) as refusal:
        run(project)
    assert refusal.value.exit_code == 5


@pytest.mark.parametrize("name", PROBES)
def test_every_probe_can_be_chosen(name):
    assert choose_probe(name, "0409").name == name


def test_a_missing_package_is_named(monkeypatch):
    def fail(name):
        raise ImportError("No module named 'pyocd'", name="pyocd")

    monkeypatch.setattr(probe_choice.importlib, "import_module", fail)
    with pytest.raises(UnsupportedError, match="No module named 'pyocd'") as refusal:
        choose_probe("pyocd")
    assert "pip install" in refusal.value.fix


def stamped(project):
    """A project with a C file, and a firmware that was built from it."""
    (project / "cnn.c").write_text("int weights = 1;\n")
    elf = project / "build" / "mnist.elf"
    hashes = source_hashes(project_units(project))
    write_stamp(elf, Stamp("link", file_hash(elf), "", "EvKit_V1", hashes))
    return elf


def test_a_firmware_of_these_files_is_taken_wherever_the_project_is(probe, project, tmp_path):
    stamped(project)
    other = tmp_path.parent / "renamed"
    project.rename(other)
    assert run(other).exit_code == 0
    other.rename(project)


@pytest.mark.parametrize("is_named", [False, True])
def test_a_firmware_of_other_files_is_refused(probe, project, is_named):
    elf = stamped(project)
    (project / "cnn.c").write_text("int weights = 2;\n")
    (project / "weights.h").write_text("/* new */\n")
    with pytest.raises(InputError) as refusal:
        run(elf if is_named else project)
    assert str(refusal.value) == (
        f"{elf}: is not built from what is in {project}: other cnn.c, weights.h"
        f" (max78000 build {project})"
    )
    assert not probe.plans


def test_a_firmware_for_another_board_is_refused(probe, project):
    stamped(project)
    with pytest.raises(
        InputError, match=r"is built for EvKit_V1, the board is FTHR_RevA"
    ) as refusal:
        run(project, "--board", "FTHR_RevA")
    assert refusal.value.fix == "max78000 build DIRECTORY --board FTHR_RevA"
    assert not probe.plans
    assert run(project, "--board", "EvKit_V1").exit_code == 0


def test_a_copied_firmware_for_another_board_is_refused(probe, tmp_path):
    """By the mark in the image: there is no stamp beside a copy."""
    elf = tmp_path / "copy.elf"
    elf.write_bytes(elf_of(CONTENT.ljust(MARK_AT, b"\xff") + MAGIC + b"FTHR_RevA".ljust(24, b"\0")))
    with pytest.raises(InputError, match=r"is built for FTHR_RevA, the board is EvKit_V1"):
        run(elf, "--board", "EvKit_V1")
    assert not probe.plans
    assert run(elf, "--board", "FTHR_RevA").stderr == ""
    elf.write_bytes(elf_of(CONTENT))
    assert run(elf).stderr == ""
    told = run(elf, "--board", "FTHR_RevA").stderr
    assert told == "note: copy.elf does not say which board it is for\n"


def test_a_firmware_without_stamp_is_compared_by_time(probe, project):
    elf = stamped(project)
    elf.with_suffix(".stamp").unlink()
    os.utime(project / "cnn.c", (1, 1))
    assert run(project).exit_code == 0
    os.utime(elf, (0, 0))
    with pytest.raises(InputError, match=r"other cnn\.c \(max78000 build"):
        run(project)


def test_a_firmware_that_its_stamp_does_not_know_is_refused(probe, project):
    stamped(project).write_bytes(elf_of(b"another"))
    with pytest.raises(InputError, match=r"other mnist\.elf"):
        run(project)
