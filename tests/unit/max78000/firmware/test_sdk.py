"""The vendor's SDK in place of our package: a stand-in of the same layout, and the genuine ones."""

import shutil
from dataclasses import replace

import pytest
from brought import beside
from click.testing import CliRunner
from firmware_projects import ZIG, Log, write_c_project
from installed import needs_gcc
from newlib import needs_newlib

from max78000.board.board import VirtualBoard
from max78000.commands.simulate import simulate
from max78000.errors import InputError, UnsupportedError
from max78000.firmware.build import build_project, firmware_of
from max78000.firmware.image import read_image
from max78000.firmware.sdk import sdk_package
from max78000.firmware.sources import LINKER_SCRIPT
from max78000.firmware.stamp import read_stamp
from max78000.firmware.toolchain import CLibrary, find_gcc

GCC = find_gcc()
ARCHIVED, RECENT = beside("sdk", "2022"), beside("sdk", "2025", "MAX")
BOTH = {"2022": (ARCHIVED,), "2025": (RECENT, ARCHIVED)}
needs_sdk = pytest.mark.skipif(not ARCHIVED.is_dir(), reason="there is no shared/sdk")
DEVICE = "CMSIS/Device/Maxim/MAX78000"
FILES = {  # a program that says through semihosting-free means, its LED word, that it ran
    f"{DEVICE}/Include/max78000.h": "#define CHIP 78000\n",
    "CMSIS/Include/core_cm4.h": "",
    "PeriphDrivers/Include/MAX78000/mxc.h": '#include "max78000.h"\n#include "board.h"\n',
    "PeriphDrivers/Include/MAX78000/nvic_table.h": "void MXC_NVIC_SetVector(int, void *);\n",
    "PeriphDrivers/Source/SYS/sys_ai85.c": "int MXC_SYS_Number(void) { return 78; }\n",
    "PeriphDrivers/Source/SYS/unlisted.c": "#error not for this chip\n",
    "PeriphDrivers/Source/TMR/tmr_revb.h": "",
    "PeriphDrivers/max78000_files.mk": "S := $(LIBS_DIR)/PeriphDrivers/Source\n"
    "PERIPH_DRIVER_C_FILES += $(S)/SYS/sys_ai85.c\n",
    f"{DEVICE}/Source/system_max78000.c": '#include "mxc.h"\nint SystemCoreClock = CHIP;\n',
    f"{DEVICE}/Source/heap.c": "",
    f"{DEVICE}/Source/GCC/startup_max78000.S": """
        .syntax unified
        .thumb
        .section .vectors, "a"
        .long 0x20020000
        .long Reset_Handler
        .section .text.reset
        .global Reset_Handler
        .type Reset_Handler, %function
        Reset_Handler: bl main
        bkpt 0
    """,
    f"{DEVICE}/Source/GCC/max78000.ld": LINKER_SCRIPT.read_text().replace(
        "ENTRY(reset_handler)", "ENTRY(Reset_Handler)"
    ),
    "Boards/MAX78000/EvKit_V1/Include/board.h": "int Board_Init();\nint MXC_SYS_Number();\n",
    "Boards/MAX78000/EvKit_V1/Source/board.c": "int Board_Init() { return undeclared_here(); }\n"
    "int undeclared_here(void) { return 5; }\n",
    "Boards/MAX78000/EvKit_V1/board.mk": "SRCS += board.c\nVPATH += $(BOARD_DIR)/Source\n"
    "IPATH += $(BOARD_DIR)/Include $(BOARD_DIR)/../Include\n",
}
MAIN = """
#include "mxc.h"
volatile int seen;
int main(void) { seen = MXC_SYS_Number() + Board_Init() + CHIP; return 0; }
"""


@pytest.fixture
def stand_in(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "sdk/Libraries" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "sdk"


@needs_gcc
@needs_newlib
@pytest.mark.long
def test_a_project_on_the_stand_in(tmp_path, stand_in):
    folder = write_c_project(tmp_path / "net", main=MAIN)
    log = Log()
    image = build_project(folder, GCC, watch=log, sdk=(stand_in,))
    assert image.symbol("MXC_SYS_Number")
    assert "compile unlisted.c" not in log.steps
    assert not any("board.c" in text for text in log.warnings)
    board = VirtualBoard()
    board.load_elf(image.elf)
    board.run()
    seen = board.read_memory(image.symbol("seen").addr, 4)
    assert int.from_bytes(seen, "little") == 78 + 5 + 78000
    assert read_stamp(image.elf).board == "EvKit_V1"
    again = Log()
    build_project(folder, GCC, watch=again, sdk=(stand_in / "Libraries",))
    assert again.steps == []


@needs_gcc
@needs_newlib
@pytest.mark.long
def test_a_project_is_simulated_as_it_was_built(tmp_path, stand_in):
    folder = write_c_project(tmp_path / "net", main=MAIN)
    build_project(folder, GCC, sdk=(stand_in,))
    result = CliRunner().invoke(simulate, [str(folder), "--compiler", "gcc"])
    assert result.stderr.splitlines()[0] == (
        f"on the vendor's SDK, as it was built: --sdk {stand_in / 'Libraries'}"
    )
    assert read_image(firmware_of(folder)).symbol("MXC_SYS_Number")

    (folder / "main.c").write_text("int main(void) { return 0; }\n")
    build_project(folder, GCC)
    result = CliRunner().invoke(simulate, [str(folder), "--compiler", "gcc"])
    assert "SDK" not in result.stderr


@needs_gcc
@needs_newlib
@pytest.mark.long
def test_one_folder_lends_what_the_other_lacks(tmp_path, stand_in):
    recent = tmp_path / "recent"
    shutil.copytree(stand_in / "Libraries/PeriphDrivers", recent / "Libraries/PeriphDrivers")
    (recent / "Libraries/PeriphDrivers/max78000_files.mk").unlink()
    folder = write_c_project(tmp_path / "net", main=MAIN)
    assert build_project(folder, GCC, sdk=(recent, stand_in)).elf.is_file()
    with pytest.raises(InputError, match=r"no Boards/MAX78000/EvKit_V1/board\.mk .*--sdk"):
        build_project(folder, GCC, sdk=(recent,))


def test_what_is_no_sdk(tmp_path):
    gcc = replace(ZIG, name="gcc", c_library=ZIG.c_library or ZIG)
    with pytest.raises(InputError, match=r"is no SDK for the MAX78000 .*max78000\.h"):
        sdk_package((tmp_path,), "EvKit_V1", gcc, ())
    with pytest.raises(InputError, match="'Breadboard' is not a known board"):
        sdk_package((tmp_path,), "Breadboard", gcc, ())


def test_compilers_that_do_not_do(tmp_path):
    with pytest.raises(UnsupportedError, match=r"written for gcc \(--compiler gcc\)"):
        sdk_package((tmp_path,), "EvKit_V1", ZIG, ())
    alone = replace(ZIG, name="gcc", c_library=None)
    with pytest.raises(UnsupportedError, match="the SDK needs a C library"):
        sdk_package((tmp_path,), "EvKit_V1", alone, ())


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        ("void NVIC_SetVector(int, void *);", {"-DMXC_NVIC_SetVector=NVIC_SetVector"}),
        ("void MXC_NVIC_SetVector(int, void *);", set()),
    ],
)
def test_an_old_sdk_has_the_old_name_of_a_function(stand_in, header, flags):
    (stand_in / "Libraries/PeriphDrivers/Include/MAX78000/nvic_table.h").write_text(header)
    library = ZIG.c_library or CLibrary(stand_in, (stand_in / "libc_nano.a",))
    package = sdk_package((stand_in,), "EvKit_V1", replace(ZIG, name="gcc", c_library=library), ())
    assert {flag for flag in package.flags if "SetVector" in flag} == flags


def test_drivers_that_are_missing(stand_in):
    shutil.rmtree(stand_in / "Libraries/PeriphDrivers/Source")
    gcc = replace(ZIG, name="gcc", c_library=ZIG.c_library or ZIG)
    with pytest.raises(InputError, match=r"no PeriphDrivers/Source \(give another folder"):
        sdk_package((stand_in,), "EvKit_V1", gcc, ())


def test_a_board_file_that_is_missing(stand_in):
    (stand_in / "Libraries/Boards/MAX78000/EvKit_V1/Source/board.c").unlink()
    gcc = replace(ZIG, name="gcc", c_library=ZIG.c_library or ZIG)
    with pytest.raises(InputError, match=r"board\.mk: names board\.c, which is not there"):
        sdk_package((stand_in,), "EvKit_V1", gcc, ())


HELLO = """
#include <stdio.h>
#include "mxc.h"
int main(void) { LED_On(0); printf("%.3f %lu\\n*** PASS ***\\n", 2.5, 7ul); return 0; }
"""


@needs_sdk
@needs_gcc
@needs_newlib
@pytest.mark.slow
@pytest.mark.parametrize("board", ["EvKit_V1", "FTHR_RevA"])
@pytest.mark.parametrize("version", BOTH)
def test_the_genuine_ones(tmp_path, version, board):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    image = build_project(folder, GCC, board, sdk=BOTH[version])
    virtual = VirtualBoard(is_strict=False)
    virtual.load_elf(image.elf)
    assert "2.500 7\n*** PASS ***" in virtual.run().console
