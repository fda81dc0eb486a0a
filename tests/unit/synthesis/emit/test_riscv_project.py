"""Projects for the RISC-V core: options, files, and what the tools for the Arm core say of them."""

import json
import shutil
import sys

import pytest
from click.testing import CliRunner

from max78000.commands import main as max78000_cli
from max78000.errors import UnsupportedError
from max78000.firmware.sources import project_units
from networks import Net, write_files
from synthesis.commands import synthesize as cli

GIVEN = ("tiny.yaml", "--checkpoint-file", "tiny-q.pth.tar", "--sample-input", "tiny.npy")
# options, file, what it then holds
# fmt: off
TEXTS = [
    ("--riscv",                          "cnn.c",        "void CNN_IRQHandler(void)\n{"),
    ("--riscv",                          "cnn.c",        "! CNN_ISR"),
    ("--riscv",                          "cnn.h",        "CNN_IRQHandler sets cnn_time"),
    ("--riscv",                          "main.c",       "void WakeISR(void)\n{"),
    ("--riscv",                          "main.c",       "MXC_FCR->urvbootaddr = "),
    ("--riscv",                          "main.c",       "! urvctrl"),
    ("--riscv-exclusive",                "main.c",       "MXC_FCR->urvctrl |= 0x1;"),
    ("--riscv --no-wfi",                 "main.c",       "! MXC_LP_EnterSleepMode"),
    ("--riscv",                          "main_riscv.c", "memcpy32((uint32_t *)0x50400000"),
    ("--riscv",                          "main_riscv.c", "MXC_ICC_Enable(MXC_ICC1);"),
    ("--riscv",                          "main_riscv.c", "! MXC_LP_EnterSleepMode"),
    ("--riscv",                          "main_riscv.c", "! Debug_Init"),
    ("--riscv --forever",                "main_riscv.c", "! MXC_SEMA"),
    ("--riscv-debug",                    "main_riscv.c", "Debug_Init();"),
    ("--riscv-flash",                    "main_riscv.c", 'section(".rvflash_section")'),
    ("--riscv-cache",                    "cnn.c",        'section(".rvflash_section")'),
    ("--riscv --no-riscv-flash",         "main_riscv.c", "! rvflash"),
    ("--riscv --fifo",                   "main_riscv.c", "*(volatile uint32_t *)0x50000008 ="),
    ("--riscv --fast-fifo",              "main_riscv.c", "*(volatile uint32_t *)0x400c0410 ="),
    ("--riscv --fast-fifo",              "main_riscv.c", "while ((*status & 0x2u) != 0)"),
    ("--riscv --fast-fifo --no-fifo-wait", "main_riscv.c", "! *status"),
    ("--riscv --fast-fifo",              "cnn.c",        "REG(0x400c0400) = 0x000000a0;"),
    ("--riscv --board-name FTHR_RevA",   "Makefile",     "make PROJECT=tiny BOARD=FTHR_RevA"),
    ("--riscv --c-filename app",         "app.c",        "void WakeISR(void)"),
    ("--riscv --c-filename app",         "app_riscv.c",  "int check_output(void)"),
    ("--riscv --api-filename none",      "main_riscv.c", "int cnn_init(void)\n{"),
    ("--no-riscv-cache --no-riscv-flash", "main.c",      "int check_output(void)"),
]
REFUSED = [
    ("--fast-fifo",                      4, "--fast-fifo: needs the RISC-V core [O2] (give --ris"),
    ("--fast-fifo --no-riscv-flash",     4, "--fast-fifo: needs the RISC-V core [O2]"),
    ("--riscv --no-riscv-cache",         4, "--no-riscv-cache: the RISC-V core runs from its"),
    ("--riscv --layer-checks",           4, "--layer-checks: the program that checks layers is"),
    ("--riscv --zephyr",                 4, "--zephyr: what it adds is for the Arm core [O2]"),
    ("--riscv --vscode",                 4, "--vscode: what it adds is for the Arm core [O2]"),
    ("--riscv --deepsleep",              4, "--deepsleep: is for the Arm core beside"),
    ("--riscv --fast-fifo-quad",         4, "--fast-fifo-quad: what the chip then computes"),
    ("--riscv --api-filename main_riscv", 2, "--api-filename: main_riscv.c is also a file of the"),
    ("--riscv --fast-fifo --output-width 32 --stop-after 0", 4, "[S9]"),
]
# fmt: on


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_files(folder, Net("{name: first}\n{name: last}", "4x2x3x3 4x4x3x3", bias=2))
    return folder


@pytest.fixture
def run(originals, tmp_path, monkeypatch, capsys):
    """Run the command on files of its own; returns exit status and errors."""
    shutil.copytree(originals, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def run(options):
        monkeypatch.setattr(sys, "argv", ["synthesize", *GIVEN, *options.split()])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(("options", "name", "text"), TEXTS)
def test_texts(run, tmp_path, options, name, text):
    assert run(options) == (0, "")
    found = (tmp_path / "build" / "tiny" / name).read_text()
    assert (text.removeprefix("! ") in found) != text.startswith("! ")


@pytest.mark.parametrize(("options", "status", "message"), REFUSED)
def test_refusals(run, options, status, message):
    found, errors = run(options)
    assert found == status
    assert message in errors


def test_files(run, tmp_path):
    assert run("--riscv") == (0, "")
    names = {path.name for path in (tmp_path / "build" / "tiny").iterdir()}
    assert {"main.c", "main_riscv.c", "cnn.c", "cnn.h", "Makefile", "program.json"} <= names
    assert "project.mk" not in names


def test_the_network_itself_is_the_same_on_either_core(run, tmp_path):
    assert run("--prefix arm")[0] == run("--prefix riscv --riscv")[0] == 0
    arm, riscv = (json.loads((tmp_path / "build" / name / "program.json").read_text())
                  for name in ("arm", "riscv"))  # fmt: skip
    assert {**arm, "name": ""} == {**riscv, "name": ""}


def test_our_firmware_is_for_the_arm_core(run, tmp_path):
    assert run("--riscv")[0] == 0
    folder = tmp_path / "build" / "tiny"
    with pytest.raises(UnsupportedError, match=r"main_riscv\.c: is for the RISC-V core"):
        project_units(folder)


def test_the_simulated_accelerator_runs_it(run, tmp_path):
    assert run("--riscv --fast-fifo")[0] == 0
    arguments = ["simulate", "--program", str(tmp_path / "build" / "tiny")]
    result = CliRunner().invoke(max78000_cli.cli, arguments)
    assert result.exit_code == 0, result.output
