from dataclasses import dataclass
from pathlib import Path

import pytest
from pyocd.core import exceptions

from max78000.debug.debug_port import DebugPort
from max78000.errors import BoardError, UnsupportedError
from max78000.link import doctor_board, doctor_host
from max78000.link.doctor import (
    Diagnosis,
    Status,
    explain_log,
    refuse_failures,
    to_data,
    to_lines,
)
from max78000.link.doctor_board import RULE, AttachedProbe, Bench, UsbNode, check_bench, read_cpuid
from max78000.link.doctor_host import Host, check_host
from max78000.link.probe import CORTEX_M4_CPUID
from max78000.link.pyocd_virtual import VirtualAdapter
from max78000.link.serial_ports import SerialPort

PICO = AttachedProbe("0444170199e18a76", "Arm DAPLink CMSIS-DAP")
NODE = UsbNode(Path("/dev/bus/usb/001/004"), is_accessible=True)
DETAILS = """# DAPLink Firmware - see https://mbed.com/daplink
Unique ID: 04441702
Automation allowed: 1
Daplink Mode: Interface
Interface Version: 0256
Local Mods: 0
"""


@dataclass(frozen=True)
class FakeHost(Host):
    tools: tuple | UnsupportedError = ("gcc 12.2.1", "zig 0.17")
    openocd: str = "0.13.0"
    packages: tuple = ("unicorn", "pyserial", "pyocd")

    def compilers(self):
        if isinstance(self.tools, UnsupportedError):
            raise self.tools
        return self.tools

    def program_version(self, name):
        assert name == "openocd"
        return self.openocd

    def package_version(self, name):
        return "1.2" if name in self.packages else ""


@dataclass(frozen=True)
class FakeBench(Bench):
    found: tuple = (PICO,)
    nodes: tuple = (NODE,)
    drive: tuple = ()
    serial: tuple = ()
    answer: int | str = 0x410FC241

    def probes(self):
        return self.found

    def usb_nodes(self):
        return self.nodes

    def drives(self):
        return self.drive

    def ports(self):
        return self.serial

    def read_cpuid(self, probe):
        assert probe in self.found
        if isinstance(self.answer, str):
            raise BoardError(self.answer)
        return self.answer


def by_name(diagnoses):
    return {diagnosis.name: diagnosis for diagnosis in diagnoses}


@pytest.fixture
def drive(tmp_path):
    (tmp_path / "DETAILS.TXT").write_text(DETAILS)
    return tmp_path


def test_a_complete_bench_has_nothing_to_mend(drive):
    port = SerialPort("/dev/null", (0x0403, 0x6015))
    diagnoses = check_host(FakeHost()) + check_bench(FakeBench(drive=(drive,), serial=(port,)))
    assert [diagnosis.status for diagnosis in diagnoses] == [Status.OK] * 11
    refuse_failures(diagnoses)


def test_an_empty_computer_is_told_what_to_install():
    diagnoses = by_name(check_host(FakeHost((3, 10, 2), (), "", ())))
    assert diagnoses["python"].status is Status.FAIL
    assert diagnoses["python"].remedy == "install Python 3.11"
    assert diagnoses["compiler"].status is Status.FAIL
    assert "pip install ziglang" in diagnoses["compiler"].remedy
    assert all(diagnoses[n].status is Status.WARN for n in ("virtual board", "pyserial", "pyocd"))
    assert diagnoses["openocd"].status is Status.OK


def test_a_compiler_that_does_not_run_is_reported():
    broken = UnsupportedError("does not answer -dumpfullversion", where="/usr/bin/gcc")
    diagnosis = doctor_host.check_compiler(FakeHost(tools=broken))
    assert diagnosis.status is Status.FAIL
    assert diagnosis.what == "/usr/bin/gcc: does not answer -dumpfullversion"


def test_the_loader_of_openocd_0_12_is_warned_of():
    diagnosis = doctor_host.check_openocd(FakeHost(openocd="0.12.0"))
    assert diagnosis.status is Status.WARN
    assert "0x40000000" in diagnosis.what
    assert "work area" in diagnosis.remedy


def test_versions_are_read_from_programs_of_this_computer():
    host = Host()
    assert host.program_version("python3").count(".") == 2
    assert host.program_version("no-such-program") == ""
    assert host.compilers()
    assert host.package_version("click")
    assert host.package_version("no-such-package") == ""


def test_a_missing_probe_ends_in_one_sentence():
    diagnoses = check_bench(FakeBench(found=(), nodes=()))
    with pytest.raises(BoardError) as refusal:
        refuse_failures(diagnoses)
    assert refusal.value.exit_code == 5
    assert str(refusal.value) == (
        "probe: no debug probe found "
        "(EVKit: adapter on header JH5, its USB cable, and the board switched on (SW1))"
    )
    assert by_name(diagnoses)["chip"].status is Status.UNKNOWN


def test_a_closed_adapter_gets_the_udev_rule(monkeypatch):
    monkeypatch.setattr(doctor_board.sys, "platform", "linux")
    closed = UsbNode(NODE.path, is_accessible=False)
    diagnoses = by_name(check_bench(FakeBench(found=(), nodes=(closed,))))
    assert "cannot be used" in diagnoses["probe"].what
    assert diagnoses["permission"].what == "no access to /dev/bus/usb/001/004"
    assert diagnoses["permission"].remedy.endswith(RULE)
    assert RULE.count('ATTRS{idVendor}=="0d28", ATTRS{idProduct}=="0204"') == 2


def test_other_systems_need_no_rule(monkeypatch):
    monkeypatch.setattr(doctor_board.sys, "platform", "darwin")
    assert doctor_board.check_permission((NODE,)).status is Status.OK


def test_several_probes_are_told_apart():
    other = AttachedProbe("77", "J-Link")
    diagnosis = by_name(check_bench(FakeBench(found=(PICO, other))))["probe"]
    assert diagnosis.status is Status.OK
    assert diagnosis.remedy == f"choose one with --uid {PICO.uid}"


@pytest.mark.parametrize(
    ("old", "new", "status", "word"),
    [
        ("Mode: Interface", "Mode: Bootloader", Status.FAIL, "maintenance mode"),
        ("Version: 0256", "Version: 0254", Status.WARN, "DAPLink 0254 is old"),
        ("Interface Version: 0256\n", "", Status.WARN, "unknown version"),
        ("allowed: 1", "allowed: 0", Status.WARN, "erase.act is off"),
        ("Version: 0256", "Version: 0259", Status.OK, "DAPLink 0259"),
    ],
)
def test_adapter_firmware_is_judged_by_its_details(drive, old, new, status, word):
    assert old in DETAILS
    (drive / "DETAILS.TXT").write_text(DETAILS.replace(old, new))
    diagnosis = doctor_board.check_adapter((drive,))
    assert diagnosis.status is status
    assert word in diagnosis.what


def test_a_refused_file_is_pointed_at(drive):
    (drive / "FAIL.TXT").write_text("The transfer timed out.")
    assert "FAIL.TXT" in doctor_board.check_adapter((drive,)).remedy


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Target not detected.; No ACK received", "chip does not answer"),
        ("Error connecting DP: cannot read IDR", "within the 2 seconds"),
        ("something never seen", "erase.act"),
    ],
)
def test_a_silent_chip_gets_its_cause_or_the_way_to_unlock(text, word):
    diagnosis = by_name(check_bench(FakeBench(answer=text)))["chip"]
    assert diagnosis.status is Status.FAIL
    assert diagnosis.what == f"does not answer: {text}"
    assert word in diagnosis.remedy


class Silicon:
    """A running core behind a debug port; only its memory is of interest here."""

    is_halted = False

    def read_memory(self, addr, n_bytes):
        return bytes(n_bytes)

    def run_slice(self):
        pass

    def set_breakpoints(self, addrs):
        assert not addrs

    def halt(self):
        raise AssertionError("a doctor stops nobody")

    resume = step = reset = write_memory = read_register = write_register = halt


class DeadAdapter(VirtualAdapter):
    """Its wire leads nowhere."""

    def read_dp(self, addr, now=True):
        raise exceptions.TransferError("No ACK received")


def test_a_running_chip_is_asked_through_pyocd():
    adapter = VirtualAdapter(DebugPort(Silicon()))
    assert read_cpuid(adapter) == CORTEX_M4_CPUID


def test_a_chip_that_does_not_answer_pyocd_is_reported():
    adapter = DeadAdapter(DebugPort(Silicon()))
    with pytest.raises(BoardError, match=r"Target not detected.*; No ACK received"):
        read_cpuid(adapter)


def test_another_chip_is_noticed():
    diagnosis = by_name(check_bench(FakeBench(answer=0x410FC240)))["chip"]
    assert diagnosis.status is Status.FAIL
    assert "0x410fc240" in diagnosis.what


def test_ports_without_permission_name_the_group(tmp_path):
    closed = SerialPort(str(tmp_path / "gone"), (0x0403, 0x6015))
    diagnosis = doctor_board.check_ports((closed,))
    assert diagnosis.status is Status.FAIL
    assert "usermod -aG dialout" in diagnosis.remedy
    built_in = SerialPort("/dev/ttyS0")
    assert doctor_board.check_ports((built_in,)).status is Status.WARN


def usb_device(folder, **values):
    folder.mkdir(parents=True)
    for name, value in values.items():
        (folder / name).write_text(f"{value}\n")


def test_adapters_are_found_on_the_bus_without_permission(tmp_path):
    nodes = tmp_path / "dev"
    (nodes / "001").mkdir(parents=True)
    (nodes / "001" / "007").touch()
    bus = tmp_path / "sys"
    usb_device(bus / "1-1", idVendor="0d28", idProduct="0204", busnum=1, devnum=7)
    usb_device(bus / "1-2", idVendor="046d", idProduct="0204", busnum=1, devnum=8)
    usb_device(bus / "1-3", idVendor="0d28", idProduct="0204")  # just unplugged
    found = Bench(sysfs=bus, device_folder=nodes).usb_nodes()
    assert found == (UsbNode(nodes / "001" / "007", is_accessible=True),)
    assert Bench(sysfs=tmp_path / "none").usb_nodes() == ()


def test_drives_are_found_by_their_details(tmp_path, drive, monkeypatch):
    monkeypatch.setattr(doctor_board.sys, "platform", "linux")
    mounts = tmp_path / "mounts"
    lines = [
        f"/dev/sda1 {str(drive).replace(' ', chr(92) + '040')} vfat rw 0 0",
        f"/dev/sdb1 {tmp_path / 'other'} vfat rw 0 0",
        f"server:/x {drive} nfs rw 0 0",
    ]
    mounts.write_text("\n".join(lines) + "\n")
    assert Bench(mounts=mounts).drives() == (drive,)
    assert Bench(mounts=tmp_path / "none").drives() == ()


def test_findings_read_as_lines_and_as_json():
    diagnoses = [
        Diagnosis("probe", Status.FAIL, "none found", "first\nsecond"),
        Diagnosis("python", Status.OK, "3.11.2"),
        Diagnosis("chip", Status.FAIL, "silent"),
    ]
    assert to_lines(diagnoses) == [
        "FAIL  probe             none found",
        "      -> first",
        "      -> second",
        "ok    python            3.11.2",
        "FAIL  chip              silent",
    ]
    assert to_data(diagnoses)[0] == {
        "name": "probe",
        "status": "fail",
        "what": "none found",
        "remedy": "first\nsecond",
    }
    with pytest.raises(BoardError, match=r"probe: none found; 1 more above \(first\)"):
        refuse_failures(diagnoses)


def test_a_log_is_explained_once_per_trouble():
    log = """Open On-Chip Debugger 0.12.0
Info : [max32xxx.cpu] target has 6 breakpoints, 4 watchpoints
Info : CMSIS-DAP: Interface ready
Error: Error connecting DP: cannot read IDR
Error: Error connecting DP: cannot read IDR
0000123 I Target type is cortex_m [board]
0000456 C No available debug probes are connected [__main__]
""".splitlines()
    troubles = list(explain_log(log))
    assert [text for text, _ in troubles] == [log[3], log[6]]
    assert all(meaning for _, meaning in troubles)
