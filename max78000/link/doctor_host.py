"""Checks of this computer: Python, compiler, virtual board, and the programs that drive a probe."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from max78000.errors import UnsupportedError
from max78000.firmware.toolchain import GCC, find_gcc, find_zig
from max78000.link.doctor import Diagnosis, Status
from max78000.link.serial_ports import INSTALL

OLDEST_PYTHON = (3, 11)
PATIENCE_S = 10.0  # for a program to say its version
VERSION = re.compile(r"\b(\d+(?:\.\d+)+)")
OPENOCD_WITH_WRONG_LOADER = "0.12.0"
COMPILER_REMEDY = "pip install ziglang\nor: sudo apt install gcc-arm-none-eabi"
LOADER_WARNING = (
    "its max32xxx driver is built for a flash controller at 0x40000000, "
    "where the MAX78000 has its clocks"
)
LOADER_REMEDY = (
    "max78000 flash does not use that driver; scripts of your own must not give it a work area"
)


@dataclass(frozen=True, slots=True)
class Host:
    """What the checks ask of the computer; tests put another one in its place."""

    python: tuple[int, ...] = tuple(sys.version_info[:3])

    def compilers(self) -> tuple[str, ...]:
        """Compilers for the chip's core, with their versions."""
        return tuple(str(found) for found in (find_gcc(), find_zig()) if found)

    def package_version(self, name: str) -> str:
        """Version of a Python package; empty if it is not installed."""
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return ""

    def program_version(self, name: str) -> str:
        """Version of a program on the PATH; empty if there is none, "unknown" if it hides it."""
        path = shutil.which(name)
        if path is None:
            return ""
        try:
            result = subprocess.run(
                [path, "--version"], capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
        found = VERSION.search(result.stdout + result.stderr)  # OpenOCD says it on stderr
        return found[1] if found else "unknown"


def check_host(host: Host) -> tuple[Diagnosis, ...]:
    """Look at everything that needs no board."""
    return (
        check_python(host),
        check_compiler(host),
        check_virtual_board(host),
        check_pyserial(host),
        check_pyocd(host),
        check_openocd(host),
    )


def check_python(host: Host) -> Diagnosis:
    """The interpreter is recent enough."""
    version = ".".join(map(str, host.python))
    if host.python >= OLDEST_PYTHON:
        return Diagnosis("python", Status.OK, version)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Diagnosis("python", Status.FAIL, f"{version} is too old", f"install Python {oldest}")


def check_compiler(host: Host) -> Diagnosis:
    """There is a C compiler for the Cortex-M4; either of two builds the firmware."""
    try:
        found = host.compilers()
    except UnsupportedError as error:  # one is there, and does not run
        return Diagnosis("compiler", Status.FAIL, str(error), COMPILER_REMEDY)
    if found:
        return Diagnosis("compiler", Status.OK, ", ".join(found))
    return Diagnosis(
        "compiler",
        Status.FAIL,
        f"neither {GCC} nor the package ziglang is here",
        COMPILER_REMEDY,
    )


def check_virtual_board(host: Host) -> Diagnosis:
    """Firmware can run without a board."""
    version = host.package_version("unicorn")
    if version:
        return Diagnosis("virtual board", Status.OK, f"unicorn {version}")
    return Diagnosis(
        "virtual board",
        Status.WARN,
        "the package unicorn is not installed: firmware cannot be run without a board",
        'pip install "max78000-toolchain[board]"',
    )


def check_pyserial(host: Host) -> Diagnosis:
    """Serial ports can be opened."""
    version = host.package_version("pyserial")
    if version:
        return Diagnosis("pyserial", Status.OK, version)
    what = "not installed: neither console nor power monitor can be read"
    return Diagnosis("pyserial", Status.WARN, what, INSTALL)


def check_pyocd(host: Host) -> Diagnosis:
    """The preferred way to a probe is installed."""
    version = host.package_version("pyocd")
    if version:
        return Diagnosis("pyocd", Status.OK, version)
    return Diagnosis(
        "pyocd",
        Status.WARN,
        "not installed: no probe can be found from here",
        INSTALL,
    )


def check_openocd(host: Host) -> Diagnosis:
    """The other way to a probe; Debian's version has a trap for this chip."""
    version = host.program_version("openocd")
    if not version:
        return Diagnosis("openocd", Status.OK, "not installed, and not needed where pyocd is")
    if version == OPENOCD_WITH_WRONG_LOADER:
        return Diagnosis("openocd", Status.WARN, f"{version}: {LOADER_WARNING}", LOADER_REMEDY)
    return Diagnosis("openocd", Status.OK, version)
