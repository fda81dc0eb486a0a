"""Checks of what is plugged in: adapter, its permissions and firmware, serial ports, the chip.

Looks only: nothing here erases, resets or halts.

Source: docs/board.md; [kit] unlocking, adapter firmware; [DAPLink] the adapter's files.
"""

import importlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

from max78000.errors import BoardError
from max78000.link.doctor import Diagnosis, Status
from max78000.link.flash_errors import explain
from max78000.link.probe import CORTEX_M4_CPUID, CPUID_ADDR, wrong_chip
from max78000.link.serial_ports import ADAPTER_ID, PortUse, SerialPort, group_remedy, list_ports

DETAILS_FILE = "DETAILS.TXT"  # on the drive of a DAPLink adapter
FAIL_FILE = "FAIL.TXT"  # why the last file copied to it was refused
OLDEST_ADAPTER = 256  # "Interface Version" of the vendor's image v1.0.2 for these boards
DRIVE_TYPES = ("vfat", "msdos", "fuseblk")  # an adapter's drive; never a network share
RULE_FILE = "/etc/udev/rules.d/60-max78000.rules"
RULE = "\n".join(
    f'SUBSYSTEM=="{system}", ATTRS{{idVendor}}=="{ADAPTER_ID[0]:04x}", '
    f'ATTRS{{idProduct}}=="{ADAPTER_ID[1]:04x}", MODE="0660", GROUP="plugdev", TAG+="uaccess"'
    for system in ("usb", "hidraw")
)
UNLOCK = """check power and cables; then reset the board and try again within 2 s
or copy an empty file erase.act to the adapter's drive: this erases the chip (docs/board.md)"""
CABLES = """EVKit: adapter on header JH5, its USB cable, and the board switched on (SW1)
FTHR: its USB cable, a data cable rather than one for charging"""


@dataclass(frozen=True, slots=True)
class AttachedProbe:
    """A debug probe on the bus, not yet opened (`link.probe` does); `handle` is pyOCD's."""

    uid: str
    description: str
    handle: Any = None


@dataclass(frozen=True, slots=True)
class UsbNode:
    """A debug adapter on the USB bus, whether or not this user may open it."""

    path: Path
    is_accessible: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """What the checks ask of the things plugged in; tests put another one in its place."""

    sysfs: Path = Path("/sys/bus/usb/devices")
    device_folder: Path = Path("/dev/bus/usb")
    mounts: Path = Path("/proc/self/mounts")

    def probes(self) -> tuple[AttachedProbe, ...]:
        """Probes that pyOCD can use; none if it is not installed."""
        try:
            helpers = importlib.import_module("pyocd.core.helpers")
        except ImportError:
            return ()
        found = helpers.ConnectHelper.get_all_connected_probes(blocking=False)
        return tuple(AttachedProbe(probe.unique_id, probe.description, probe) for probe in found)

    def usb_nodes(self) -> tuple[UsbNode, ...]:
        """Adapters on the bus, from what Linux tells everybody; none on other systems."""
        return tuple(self._adapter_nodes())

    def _adapter_nodes(self) -> Iterator[UsbNode]:
        wanted = [f"{number:04x}" for number in ADAPTER_ID]
        for device in sorted(self.sysfs.glob("*/idVendor")):
            folder = device.parent
            try:
                ids = [_word(folder / "idVendor"), _word(folder / "idProduct")]
                numbers = [int(_word(folder / "busnum")), int(_word(folder / "devnum"))]
            except (OSError, ValueError):
                continue  # unplugged meanwhile
            if ids == wanted:
                node = self.device_folder / f"{numbers[0]:03d}" / f"{numbers[1]:03d}"
                yield UsbNode(node, os.access(node, os.R_OK | os.W_OK))

    def drives(self) -> tuple[Path, ...]:
        """Mounted drives of adapters."""
        return tuple(path for path in self._mount_points() if (path / DETAILS_FILE).is_file())

    def _mount_points(self) -> Iterator[Path]:
        if sys.platform == "win32":
            yield from (Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ")
        elif sys.platform == "darwin":
            yield from sorted(Path("/Volumes").glob("*"))
        elif self.mounts.exists():
            for line in self.mounts.read_text(encoding="utf-8", errors="replace").splitlines():
                _, place, kind, *_ = line.split(" ")
                if kind in DRIVE_TYPES:
                    yield Path(place.replace("\\040", " "))

    def ports(self) -> tuple[SerialPort, ...]:
        """Serial ports of this computer; none if pyserial is not installed."""
        try:
            return list_ports()
        except BoardError:
            return ()

    def read_cpuid(self, probe: AttachedProbe) -> int:
        """Connect without stopping the chip, and read what the core calls itself.

        Raises:
            BoardError: it does not answer; the reason is the probe software's own text.
        """
        return read_cpuid(probe.handle)


def check_bench(bench: Bench) -> tuple[Diagnosis, ...]:
    """Look at everything that is plugged in."""
    probes, nodes = bench.probes(), bench.usb_nodes()
    return (
        check_probe(probes, nodes),
        check_permission(nodes),
        check_adapter(bench.drives()),
        check_ports(bench.ports()),
        check_chip(bench, probes),
    )


def check_probe(probes: tuple[AttachedProbe, ...], nodes: tuple[UsbNode, ...]) -> Diagnosis:
    """There is a debug probe, and it can be used."""
    if probes:
        names = ", ".join(f"{probe.description} {probe.uid}" for probe in probes)
        remedy = f"choose one with --uid {probes[0].uid}" if len(probes) > 1 else ""
        return Diagnosis("probe", Status.OK, names, remedy)
    if nodes:
        return Diagnosis(
            "probe",
            Status.FAIL,
            f"an adapter is on the USB bus ({nodes[0].path}), but cannot be used",
            "see permission and pyocd; another program may have it open",
        )
    return Diagnosis("probe", Status.FAIL, "no debug probe found", CABLES)


def check_permission(nodes: tuple[UsbNode, ...]) -> Diagnosis:
    """This user may open the adapter."""
    if not sys.platform.startswith("linux"):
        return Diagnosis("permission", Status.OK, "this system asks for none")
    closed = [node.path for node in nodes if not node.is_accessible]
    if closed:
        remedy = (
            f"max78000 doctor --udev-rule | sudo tee {RULE_FILE}\n"
            "sudo udevadm control --reload-rules && sudo udevadm trigger\n"
            "then plug the adapter in again; the rule is:\n" + RULE
        )
        return Diagnosis("permission", Status.FAIL, f"no access to {closed[0]}", remedy)
    if nodes:
        return Diagnosis("permission", Status.OK, f"{nodes[0].path} may be opened")
    return Diagnosis("permission", Status.UNKNOWN, "no adapter on the USB bus")


def check_adapter(drives: tuple[Path, ...]) -> Diagnosis:
    """The adapter's firmware is recent, in its normal mode, and can erase a locked chip."""
    if not drives:
        return Diagnosis("adapter firmware", Status.UNKNOWN, "no adapter drive is mounted")
    try:
        details = read_details(drives[0] / DETAILS_FILE)
    except OSError as error:
        return Diagnosis("adapter firmware", Status.UNKNOWN, f"cannot be read: {error}")
    return _judge_adapter(drives[0], details)


def _judge_adapter(drive: Path, details: Mapping[str, str]) -> Diagnosis:
    version = details.get("interface version", "")
    if details.get("daplink mode", "").lower() == "bootloader":
        return Diagnosis(
            "adapter firmware",
            Status.FAIL,
            f"{drive}: the adapter is in maintenance mode and waits for firmware of its own",
            "unplug it, and plug it in again without touching its button",
        )
    what = f"{drive}: DAPLink {version or 'of unknown version'}"
    if not version.isdecimal() or int(version) < OLDEST_ADAPTER:
        remedy = f"update it to {OLDEST_ADAPTER:04d} or newer; docs/board.md tells how"
        return Diagnosis("adapter firmware", Status.WARN, f"{what} is old", remedy)
    if (drive / FAIL_FILE).is_file():
        remedy = f"read {drive / FAIL_FILE}; it goes when the adapter is plugged in again"
        return Diagnosis("adapter firmware", Status.WARN, f"{what} refused the last file", remedy)
    if details.get("automation allowed") == "0":
        remedy = "hold its button and copy an empty file auto_on.cfg to the drive"
        return Diagnosis("adapter firmware", Status.WARN, f"{what}, erase.act is off", remedy)
    return Diagnosis("adapter firmware", Status.OK, what)


def check_ports(ports: Iterable[SerialPort]) -> Diagnosis:
    """There is a port for the console, and this user may open it."""
    usb_ports = [port for port in ports if port.use is not PortUse.OTHER]
    if not usb_ports:
        remedy = "EVKit: USB cable to CN1, switch SW1 on; FTHR: its USB cable"
        return Diagnosis("serial ports", Status.WARN, "no USB serial port", remedy)
    closed = [port.device for port in usb_ports if not port.is_accessible]
    if closed:
        what = f"no permission for {', '.join(closed)}"
        return Diagnosis("serial ports", Status.FAIL, what, group_remedy(closed[0]))
    what = ", ".join(f"{port.device} ({port.use.value})" for port in usb_ports)
    return Diagnosis("serial ports", Status.OK, what)


def check_chip(bench: Bench, probes: tuple[AttachedProbe, ...]) -> Diagnosis:
    """The chip answers its debug port: it has power and is not locked out by its firmware."""
    if not probes:
        return Diagnosis("chip", Status.UNKNOWN, "no probe to ask it")
    try:
        cpuid = bench.read_cpuid(probes[0])
    except BoardError as error:
        remedy = explain(error.why) or UNLOCK
        return Diagnosis("chip", Status.FAIL, f"does not answer: {error.why}", remedy)
    if cpuid != CORTEX_M4_CPUID:
        refusal = wrong_chip(cpuid, "chip")
        return Diagnosis("chip", Status.FAIL, refusal.why, refusal.fix)
    return Diagnosis("chip", Status.OK, "Cortex-M4 r0p1 answers, not locked")


def read_details(path: Path) -> dict[str, str]:
    """The fields of DETAILS.TXT, lower-case names.

    Raises:
        OSError: it cannot be read.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.partition(":") for line in lines if not line.startswith("#"))
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def read_cpuid(handle: Any) -> int:
    """Ask the core behind a pyOCD probe for its CPUID while it runs.

    Raises:
        BoardError: no answer.
    """
    session = importlib.import_module("pyocd.core.session")
    exceptions = importlib.import_module("pyocd.core.exceptions")
    options = {
        "target_override": "cortex_m",
        "connect_mode": "attach",
        "auto_unlock": False,
        "no_config": True,
        "resume_on_disconnect": False,
    }
    said = BufferingHandler(capacity=1000)  # what pyOCD logs often says more than its exception
    logger = logging.getLogger("pyocd")
    logger.addHandler(said)
    try:
        with session.Session(handle, options=options) as attached:
            cpuid: int = attached.target.read32(CPUID_ADDR)
            return cpuid
    except (exceptions.Error, OSError) as error:
        texts = [record.getMessage() for record in said.buffer if record.levelno >= logging.ERROR]
        raise BoardError("; ".join([str(error) or type(error).__name__, *texts])) from None
    finally:
        logger.removeHandler(said)


def _word(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()
