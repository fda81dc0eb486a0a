"""What the two debuggers' probes do without a chip: adapters, messages, scripts."""

import subprocess
import sys

import pytest
from pyocd.core import exceptions

from max78000.errors import BoardError
from max78000.firmware.stub.algorithm import ALGORITHM
from max78000.link import openocd_probe, pyocd_probe
from max78000.link.flash_plan import FlashImage, flash_plan
from max78000.link.openocd_probe import OpenocdProbe
from max78000.link.pyocd_probe import PyocdProbe
from max78000.link.pyocd_target import pyocd_algorithm

VECTORS = bytes.fromhex("00000220110000100000000000000000")
PLAN = flash_plan(FlashImage(VECTORS + bytes(range(16))))


def silent(*_):
    pass


class Adapter:
    def __init__(self, unique_id):
        self.unique_id = unique_id


@pytest.mark.parametrize(
    ("ids", "uid", "message"),
    [
        ((), None, "no debug adapter answers"),
        ((), "0409", "no debug adapter with an id like 0409"),
        (("a1", "b2"), None, "2 debug adapters answer: a1, b2"),
    ],
)
def test_pyocd_needs_exactly_one_adapter(monkeypatch, ids, uid, message):
    helper = pyocd_probe.ConnectHelper
    monkeypatch.setattr(helper, "get_all_connected_probes", lambda **_: [*map(Adapter, ids)])
    with pytest.raises(BoardError, match=message) as refusal:
        PyocdProbe(uid).carry_out(PLAN, silent)
    assert refusal.value.fix


# fmt: off
PYOCD_ERRORS = (
    # raised by pyOCD                                                part of message, of remedy
    (exceptions.TransferError("failure (No ACK)"),                   "does not answer", "power"),
    (exceptions.ProbeDisconnected(),                                 "was lost",          "cable"),
    (exceptions.FlashEraseFailure("failed", address=0, result_code=2), "write-protected", "power"),
    (exceptions.FlashFailure("flash init failure", result_code=3),   "slow clock",        "reset"),
    (OSError(13, "Permission denied"),                               "does not let you",  "udev"),
    (exceptions.Error("never heard of"),                             "never heard of",    "doctor"),
)
# fmt: on


@pytest.mark.parametrize(("error", "message", "remedy"), PYOCD_ERRORS)
def test_what_pyocd_raises_is_explained(monkeypatch, error, message, remedy):
    def fail(**_):
        raise error

    monkeypatch.setattr(pyocd_probe.ConnectHelper, "get_all_connected_probes", fail)
    with pytest.raises(BoardError, match=message) as refusal:
        PyocdProbe().carry_out(PLAN, silent)
    assert remedy in refusal.value.fix


def test_pyocd_gets_the_algorithm_with_thumb_entries():
    algorithm = pyocd_algorithm()
    assert algorithm["pc_program_page"] == ALGORITHM.program_page_addr + 1
    assert algorithm["instructions"][0] == 0xE00A_BE00
    assert len(algorithm["page_buffers"]) == 2


@pytest.fixture
def openocd(monkeypatch, tmp_path):
    """A program in place of OpenOCD that prints what a test wants."""

    def say(text, then=""):
        script = tmp_path / "openocd.py"
        script.write_text(f"import time\nprint({text!r}, flush=True)\n{then}\n")
        monkeypatch.setattr(openocd_probe.shutil, "which", lambda _: sys.executable)
        monkeypatch.setattr(OpenocdProbe, "_arguments", lambda _: iter((str(script),)))

    return say


# fmt: off
OPENOCD_ERRORS = (
    # said by OpenOCD                                                message
    ("Error: unable to find a matching CMSIS-DAP device",            "no debug adapter answers"),
    ("Error: wrong chip: CPUID 0x1 instead of 0x2",                  "not a MAX78000"),
    ("max78000: erase 0x10002000: result 0x2",                       "erase 0x10002000.*refuses"),
    ("max78000: erase 0x10002000: result 002",                       "erase 0x10002000.*refuses"),
    ("diff 0 address 0x10000123. Was 0x01 instead of 0x03",          "0x10000123 holds 0x01"),
    ("Error: something new\nInfo : bye",                             "something new"),
    ("",                                                             "openocd said nothing"),
)
# fmt: on


@pytest.mark.parametrize(("said", "message"), OPENOCD_ERRORS)
def test_what_openocd_says_is_explained(openocd, said, message):
    openocd(said)
    with pytest.raises(BoardError, match=message) as refusal:
        OpenocdProbe().carry_out(PLAN, silent)
    assert refusal.value.fix


def test_openocd_that_hangs_is_stopped(openocd):
    openocd("Info : starting", then="time.sleep(60)")
    with pytest.raises(BoardError, match=r"no message for 0\.3 s"):
        OpenocdProbe(silence_s=0.3).carry_out(PLAN, silent)


def test_openocd_that_has_lost_the_adapter_is_stopped(openocd):
    openocd("Error: LIBUSB_ERROR_NO_DEVICE", then="time.sleep(60)")
    with pytest.raises(BoardError, match="connection was lost"):
        OpenocdProbe().carry_out(PLAN, silent)


def test_openocd_must_be_there(monkeypatch):
    monkeypatch.setattr(openocd_probe.shutil, "which", lambda _: None)
    with pytest.raises(BoardError, match="not on the PATH") as refusal:
        OpenocdProbe().carry_out(PLAN, silent)
    assert "--probe pyocd" in refusal.value.fix


def test_steps_are_reported_as_openocd_reaches_them(openocd):
    openocd("max78000-step 0\nmax78000-step 1\nmax78000-done")
    steps = []
    OpenocdProbe().carry_out(PLAN, lambda *step: steps.append(step))
    assert steps == [
        (0, 5, "erase 0x10000000"),
        (1, 5, "write 0x10000010 16 bytes"),
    ]


def test_the_adapter_is_chosen_by_its_serial_number(monkeypatch):
    commands = []

    def record(command, **_):
        commands.append(command)
        raise subprocess.SubprocessError

    monkeypatch.setattr(openocd_probe.shutil, "which", lambda name: name)
    monkeypatch.setattr(openocd_probe.subprocess, "Popen", record)
    with pytest.raises(subprocess.SubprocessError):
        OpenocdProbe(uid="0409").carry_out(PLAN, silent)
    assert "adapter serial {0409}" in commands[0]
    assert "adapter driver cmsis-dap" in commands[0]
    assert not any("max32xxx" in word for word in commands[0])


def test_the_configuration_has_no_flash_driver():
    text = openocd_probe.CONFIGURATION.read_text()
    code = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any("flash bank" in line for line in code)
