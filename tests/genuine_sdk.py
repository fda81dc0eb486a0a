"""Programs built with the vendor's genuine SDK, where a checkout has it in shared/sdk.

Only for tests: what runs here is the vendor's own start-up, drivers and board support. The sources
are compiled once for each process and machine, into a folder of temporary files.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from newlib import HAS_NEWLIB

ROOT = Path(__file__).resolve().parent.parent
PLACES = [folder / "shared" / "sdk" for folder in (ROOT, ROOT.parent)]
SDK = next((place for place in PLACES if place.is_dir()), PLACES[0])
BASE = SDK / "2022" / "Libraries"
DEVICE = BASE / "CMSIS/Device/Maxim/MAX78000"
DRIVERS = BASE / "PeriphDrivers"
BOARD = BASE / "Boards/MAX78000"
NEWER = SDK / "2025" / "MAX/Libraries"
CNN_PROJECTS = SDK / "2022/Examples/MAX78000/CNN"
FLAGS = (
    "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-Os", "-w",
    "-ffunction-sections", "-fdata-sections", "-DTARGET=MAX78000", "-DTARGET_REV=0x4131",
    "-DBOARD_EVKIT_V1", "-DCAMERA_OV7692",
)  # fmt: skip

needs_sdk = pytest.mark.skipif(
    not (BASE.is_dir() and shutil.which("arm-none-eabi-gcc") and HAS_NEWLIB),
    reason="the vendor's SDK (shared/sdk), arm-none-eabi-gcc or its newlib is not here",
)


def _sources_2022():
    """The drivers that the SDK's own list names, and what every program is linked with."""
    listing = (DRIVERS / "max78000_files.mk").read_text()
    names = (line.split()[-1] for line in listing.splitlines() if "C_FILES +=" in line)
    drivers = [DRIVERS / "Source" / name.removeprefix("$(SOURCE_DIR)/") for name in names]
    return [*drivers, *_common(DEVICE)]


def _sources_2025():
    """The newer drivers where they are; the older half where the snapshot lacks one."""
    found = {path.name: path for path in (NEWER / "PeriphDrivers/Source").rglob("*.c")}
    drivers = [found.get(path.name, path) for path in _sources_2022() if DRIVERS in path.parents]
    extra = [found[name] for name in ("icc_common.c",) if name in found]
    return [*drivers, *extra, *_common(NEWER / "CMSIS/Device/Maxim/MAX78000")]


def _common(device):
    board = BOARD / "EvKit_V1/Source/board.c"
    shared = [BOARD / "Source" / f"{name}.c" for name in ("stdio", "led", "pb")]
    start = DEVICE / "Source/GCC/startup_max78000.S"
    system = [device / "Source" / f"{name}.c" for name in ("system_max78000", "heap")]
    return [start, *system, board, *shared]


def _includes(year):
    drivers = DRIVERS if year == "2022" else NEWER / "PeriphDrivers"
    device = DEVICE if year == "2022" else NEWER / "CMSIS/Device/Maxim/MAX78000"
    folders = [
        device / "Include", BASE / "CMSIS/Include", drivers / "Include/MAX78000",
        BOARD / "EvKit_V1/Include", BOARD / "Include", CNN_PROJECTS / "Common",
    ]  # fmt: skip
    return [*folders, *(path for path in (drivers / "Source").iterdir() if path.is_dir())]


def _folder():
    folder = Path(tempfile.gettempdir()) / f"genuine-sdk-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    return folder


def _compile(source, folder, year, flags=()):
    key = hashlib.sha256(f"{source} {year} {flags} {FLAGS}".encode() + source.read_bytes())
    target = folder / f"{source.stem}-{key.hexdigest()[:12]}.o"
    if not target.exists():
        new = target.with_suffix(f".{os.getpid()}")
        includes = [f"-I{path}" for path in (source.parent, *_includes(year))]
        command = ["arm-none-eabi-gcc", *FLAGS, *flags, *includes, "-c", source, "-o", new]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        new.rename(target)
    return target


@cache
def library(year):
    """Object files of the whole SDK; of 2025, without the older drivers that do not fit to it."""
    if year == "2022":
        return [_compile(source, _folder(), year) for source in _sources_2022()]
    found = []
    for source in _sources_2025():
        with suppress(AssertionError):
            found.append(_compile(source, _folder(), year))
    return found


@cache
def build(sources, year="2022", flags=()):
    """Link a program of C files with the SDK; the path of its ELF file."""
    objects = [_compile(source, _folder(), year, flags) for source in sources]
    key = hashlib.sha256(" ".join(map(str, [*objects, *library(year)])).encode()).hexdigest()[:16]
    elf = _folder() / f"{key}.elf"
    if not elf.exists():
        script = DEVICE / "Source/GCC/max78000.ld"
        new = elf.with_suffix(f".{os.getpid()}")
        command = ["arm-none-eabi-gcc", *FLAGS, "-Wl,--gc-sections", f"-T{script}",
                   "-Wl,--entry=Reset_Handler", *objects, *library(year),
                   "-lc", "-lm", "-lnosys", "-o", new]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        new.rename(elf)
    return elf


def build_text(text, year="2022"):
    """Build a program given as text."""
    source = _folder() / f"main-{hashlib.sha256(text.encode()).hexdigest()[:12]}.c"
    if not source.exists():
        source.write_text(text)
    return build((source,), year)


def cnn_sources(name):
    """The C files of one of the SDK's networks."""
    sources = sorted((CNN_PROJECTS / name).glob("*.c"))
    if not any(path.name == "softmax.c" for path in sources):
        sources.append(CNN_PROJECTS / "Common/softmax.c")
    return tuple(path for path in sources if "riscv" not in path.name)
