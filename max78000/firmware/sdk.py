"""The vendor's SDK in place of our board support package, where a user has it.

Its files are compiled where they lie; none of them comes with this tool. Both layouts of its
Libraries folder are known: the archived one of 2022, and the drivers of 2025, which have to be
given together with a folder that has start-up code and board files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from max78000.errors import InputError, UnsupportedError
from max78000.firmware.makefile import Makefile
from max78000.firmware.sources import Origin, TranslationUnit, require_board
from max78000.firmware.support import SupportPackage
from max78000.firmware.toolchain import Toolchain

DEVICE = "CMSIS/Device/Maxim/MAX78000"
DRIVERS = "PeriphDrivers/Source"
MARKS = (f"{DEVICE}/Include/max78000.h", f"{DRIVERS}/SYS/sys_ai85.c")  # it is an SDK, of this chip
DRIVER_LIST = "PeriphDrivers/max78000_files.mk"
# Where there is no list: what is the chip's own, and the revision that each peripheral of it is.
DRIVERS_OF_CHIP = frozenset(
    """
    mxc_assert mxc_delay mxc_lock nvic_table pins_ai85 sys_ai85
    adc_reva aes_revb cameraif_ai85 cameraif_reva crc_reva dma_reva flc_common flc_reva gpio_ai85
    gpio_common gpio_reva i2c_reva i2s_ai85 i2s_reva icc_reva lp_ai85 lpcmp_ai85 lpcmp_reva owm_reva
    pt_ai85 pt_reva rtc_reva sema_reva spi_reva1 tmr_ai85 tmr_common tmr_revb trng_ai85 trng_revb
    uart_ai85 uart_common uart_revb wdt_common wdt_revb wut_ai85 wut_reva
    """.split()  # noqa: SIM905 - reads better
)
# Files with a peripheral's functions that copies of the drivers lack; those of 2022 suit them, but
# for ADC, AES and RTC, whose functions have changed.
LENT = frozenset(
    {
        "crc_me17", "dma_me17", "flc_me17", "i2c_me17", "icc_me17", "owm_me17", "sema_me17",
        "spi_me17", "spi_reva", "wdt_me17",
    }
)  # fmt: skip
BOARD_DEFINES: Mapping[str, str] = MappingProxyType(
    {"EvKit_V1": "BOARD_EVKIT_V1", "FTHR_RevA": "BOARD_FTHR_REVA"}
)
# As the SDK's own makefiles have them; an empty value, as its headers define the same again.
FLAGS = ("-std=gnu11", "-Os", "-DTARGET=MAX78000", "-DTARGET_REV=0x4131", "-DCAMERA_OV7692=")
# What others write for the SDK need not be declared anywhere: the linker finds it.
PROJECT_FLAGS = ("-Wno-error=implicit-function-declaration", "-Wno-format", "-Wno-unused-parameter")
# The archived SDK has the function under CMSIS's own name alone; today's code calls it so.
SET_VECTOR, OLD_SET_VECTOR = "MXC_NVIC_SetVector", "NVIC_SetVector"
LIBRARIES = ("libc.a", "libm.a", "libnosys.a")


def sdk_package(
    roots: Sequence[Path], board: str, toolchain: Toolchain, _project: Sequence[TranslationUnit]
) -> SupportPackage:
    """The SDK in the named folders, for one board.

    Args:
        roots: folders that hold the SDK's Libraries, or are it; a piece that the first lacks is
            taken from the next.
        board: a name in `sources.BOARDS`.
        toolchain: the compiler; it needs newlib.

    Raises:
        InputError: the board is unknown, a folder holds no SDK, or pieces are in none of them.
        UnsupportedError: the compiler is not gcc, or has no C library.
    """
    require_board(board)
    if toolchain.name != "gcc":
        why = "the SDK's headers and start-up code are written for gcc"
        raise UnsupportedError(why, where=str(toolchain), fix="--compiler gcc")
    if toolchain.c_library is None:
        fix = "install newlib (Debian: apt install libnewlib-arm-none-eabi)"
        raise UnsupportedError(f"the SDK needs a C library, {toolchain} has none", fix=fix)
    sdk = _Sdk(tuple(map(_libraries, roots)))
    sources, board_headers = sdk.board_files(board)
    headers = tuple(dict.fromkeys((
        sdk.folder_of(f"Boards/MAX78000/{board}/Include/board.h"),
        *board_headers,
        sdk.folder_of("PeriphDrivers/Include/MAX78000/mxc.h"),
        sdk.folder_of(f"{DEVICE}/Include/max78000.h"),
        sdk.folder_of("CMSIS/Include/core_cm4.h", "CMSIS/*/Core/Include/core_cm4.h"),
        *sdk.driver_headers(),
    )))  # fmt: skip
    flags = (*FLAGS, f"-D{BOARD_DEFINES[board]}=",
             *(f"-ffile-prefix-map={root}=sdk" for root in sdk.roots))  # fmt: skip
    own = (
        *sources,
        *sdk.drivers(),
        sdk.find(f"{DEVICE}/Source/system_max78000.c"),
        sdk.find(f"{DEVICE}/Source/heap.c"),
        sdk.find(f"{DEVICE}/Source/GCC/startup_max78000.S"),
    )
    archives = [toolchain.c_library.archives[0].with_name(name) for name in LIBRARIES]
    return SupportPackage(
        name="sdk",
        units=tuple(TranslationUnit(Origin.SDK, path, headers, flags) for path in own),
        include_folders=headers,
        flags=(*flags, *PROJECT_FLAGS, *sdk.old_names()),
        linker_script=sdk.find(f"{DEVICE}/Source/GCC/max78000.ld"),
        link_flags=("-Wl,-e,Reset_Handler",),
        libraries=("-Wl,--start-group", *map(str, archives), "-Wl,--end-group"),
        sdk=sdk.roots,
    )


@dataclass(frozen=True, slots=True)
class _Sdk:
    """Libraries folders, looked through in order."""

    roots: tuple[Path, ...]

    def find(self, *patterns: str) -> Path:
        """Return the first file or folder of that name; the last of several versions."""
        for root in self.roots:
            for pattern in patterns:
                if found := sorted(root.glob(pattern)):
                    return found[-1]
        searched = ", ".join(map(str, self.roots))
        fix = "give another folder with --sdk that has it; see docs/firmware.md"
        raise InputError(f"no {patterns[0]}", where=searched, fix=fix)

    def folder_of(self, *patterns: str) -> Path:
        return self.find(*patterns).parent

    def old_names(self) -> tuple[str, ...]:
        """Flags with which code for today's SDK finds what this one calls otherwise."""
        header = self.find("PeriphDrivers/Include/MAX78000/nvic_table.h")
        has_today = SET_VECTOR in header.read_text(encoding="utf-8", errors="replace")
        return () if has_today else (f"-D{SET_VECTOR}={OLD_SET_VECTOR}",)

    def drivers(self) -> tuple[Path, ...]:
        """C files of the peripheral drivers: those that the SDK lists, else those of this chip.

        Where there is no list, files may be missing, too; those of `LENT` are taken from a folder
        that has one.
        """
        root = self._root_of_drivers()
        if (root / DRIVER_LIST).is_file():
            return self._listed(root)
        own = {path.stem: path for path in (root / DRIVERS).glob("*/*.c")}
        others = [path for other in self.roots if (other / DRIVER_LIST).is_file()
                  for path in self._listed(other)]  # fmt: skip
        found = [own[stem] for stem in sorted(DRIVERS_OF_CHIP & own.keys())]
        return (*found, *(path for path in others if path.stem in LENT - own.keys()))

    def driver_headers(self) -> tuple[Path, ...]:
        """Folders of the drivers' internal headers."""
        folders = sorted((self._root_of_drivers() / DRIVERS).glob("*/*.h"))
        return tuple(dict.fromkeys(path.parent for path in folders))

    def board_files(self, board: str) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """C files and header folders that a board's own makefile names."""
        path = self.find(f"Boards/MAX78000/{board}/board.mk")
        libraries = path.parents[3]
        given = {
            "BOARD_DIR": str(path.parent),
            "LIBS_DIR": str(libraries),
            "MISC_DRIVERS_DIR": str(libraries / "MiscDrivers"),
            "BOARD": board,
            "CAMERA": "OV7692",
        }
        makefile = Makefile.of([path], given)
        places = [Path(word) for word in makefile.words("VPATH")]
        found = []
        for name in makefile.words("SRCS"):
            there = [place / name for place in places if (place / name).is_file()]
            if not there:
                raise InputError(f"names {name}, which is not there", where=str(path))
            found.append(there[0])
        return tuple(found), tuple(filter(Path.is_dir, map(Path, makefile.words("IPATH"))))

    def _root_of_drivers(self) -> Path:
        return self.find(DRIVERS).parents[1]

    def _listed(self, root: Path) -> tuple[Path, ...]:
        makefile = Makefile.of(
            [root / DRIVER_LIST], {"LIBS_DIR": str(root), "TARGET_UC": "MAX78000"}
        )
        return tuple(dict.fromkeys(map(Path, makefile.words("PERIPH_DRIVER_C_FILES"))))


def _libraries(root: Path) -> Path:
    """Return the Libraries folder that a folder is, or has."""
    for folder in (root, root / "Libraries"):
        if any((folder / mark).is_file() for mark in MARKS):
            return folder.resolve()
    fix = f"name the folder of an SDK, or its Libraries: there is {MARKS[0]} in it"
    raise InputError("is no SDK for the MAX78000", where=str(root), fix=fix)
