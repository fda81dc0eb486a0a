"""What is said about names that our package does not know."""

import pytest
from firmware_projects import TOOLCHAINS, ZIG, write_c_project

from max78000.errors import InputError
from max78000.firmware.advice import advise
from max78000.firmware.build import build_project
from max78000.firmware.sources import project_units
from max78000.firmware.support import our_package


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = write_c_project(tmp_path_factory.mktemp("advice"), main="")
    return our_package("EvKit_V1", ZIG, project_units(folder))


@pytest.mark.parametrize(
    "said",
    [
        "main.c:1:2: error: implicit declaration of function 'MXC_SPI_Init'; did you mean",
        "main.c:1:2: error: call to undeclared function 'MXC_SPI_Init'; ISO C99",
        "main.c:3: undefined reference to `MXC_SPI_Init'",
        "ld.lld: error: undefined symbol: MXC_SPI_Init",
        "main.c:3: undefined reference to \u2018MXC_SPI_Init\u2019",
    ],
)
def test_a_function_of_the_sdk(package, said):
    expected = (
        "of the vendor's SDK, not in our package: MXC_SPI_Init (spi.h); build with --sdk PATH"
    )
    assert advise(said, package) == expected


@pytest.mark.parametrize(
    "said", ["fatal error: i2s.h: No such file or directory", "fatal error: 'i2s.h' file not found"]
)
def test_a_header_of_the_sdk(package, said):
    assert advise(said, package) == (
        "of the vendor's SDK, not in our package: i2s.h; build with --sdk PATH"
    )


def test_a_name_that_is_misspelled(package):
    said = "implicit declaration of function 'MXC_SYS_ClockSelect'"
    assert advise(said, package) == "MXC_SYS_ClockSelect: did you mean MXC_SYS_Clock_Select?"


def test_a_name_of_nobodys(package):
    assert advise("undefined reference to `net_step_47'", package) == ""
    assert advise("main.c:3:1: error: expected ';'", package) == ""


@pytest.mark.long
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_refusal_ends_with_it(tmp_path, toolchain):
    text = '#include "mxc.h"\nint main(void) { return MXC_DMA_Init(); }\n'
    with pytest.raises(InputError, match=r"MXC_DMA_Init \(dma\.h\); build with --sdk PATH\)$"):
        build_project(write_c_project(tmp_path / "dma", main=text), toolchain)


def test_files_that_are_not_compiled_are_named_where_a_name_is_missing(package, tmp_path):
    folder = write_c_project(tmp_path / "parts", main="int main(void) { return f(); }")
    write_c_project(folder / "src", f="int f(void) { return 1; }")
    write_c_project(folder / "build", g="")
    for name in ("twice.S", "more.cpp", "libh.a"):
        (folder / name).write_text("")
    said = advise("main.c:4: undefined reference to `f'", package, folder)
    assert said.startswith("not compiled: libh.a, more.cpp, src/f.c, twice.S; *.c of the folder")
    assert advise("main.c:4: error: expected ';'", package, folder) == ""


@pytest.mark.parametrize("said", ["undefined reference to `main'", "undefined symbol: main"])
def test_a_program_without_main(package, said):
    assert "firmware starts at main(), which no compiled file has" in advise(said, package)


@pytest.mark.parametrize("said", ["multiple definition of `main'; a.o", "duplicate symbol: main"])
def test_a_program_with_two_mains(package, said):
    assert advise(said, package) == (
        "two files define it: name those that count as SRCS in a Makefile"
    )
