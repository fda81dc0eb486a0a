"""Makefiles of projects for the vendor's SDK: what is read of them, and what is not."""

from pathlib import Path

import pytest
from firmware_projects import ZIG, Log, write_c_project

from max78000.errors import InputError
from max78000.firmware.build import build_project
from max78000.firmware.makefile import Makefile, read_settings
from max78000.firmware.sources import project_units

EXAMPLE = """\
ifeq "$(BOARD)" ""
BOARD=EvKit_V1
endif
ifeq "$(MAXIM_PATH)" ""
LIBS_DIR=../../../Libraries
else
LIBS_DIR=/$(subst \\,/,$(subst :,,$(MAXIM_PATH))/Libraries)
endif
# Source files.
SRCS  = main.c
SRCS += src/net.c \\
        shared.c # the same everywhere
ifeq "$(BOARD)" "EvKit_V1"
SRCS += large.c
else ifeq ($(BOARD),FTHR_RevA)
SRCS += small.c
else
SRCS += none.c
endif
VPATH=.
VPATH += ../common:nowhere
IPATH = . ./include
export IPATH += $(LIBS_DIR)/Include
PROJ_CFLAGS+=-DMXC_ASSERT_ENABLE
PROJ_CFLAGS+=-D$(BOARD) -Wall -mcpu=cortex-m0
#PROJ_CFLAGS+=--specs=nano.specs
MXC_OPTIMIZE_CFLAGS ?= -O1
MXC_OPTIMIZE_CFLAGS ?= -O3
include $(LIBS_DIR)/board.mk
all:
\tSRCS = recipe.c
"""


@pytest.fixture
def example(tmp_path):
    folder = write_c_project(
        tmp_path / "demo", main="int main(void) { return 0; }\n", other="#error"
    )
    for name in ("demo/src/net.c", "common/shared.c", "demo/large.c", "demo/small.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"int in_{Path(name).stem};\n")
    (folder / "include").mkdir()
    (folder / "Makefile").write_text(EXAMPLE)
    return folder


def test_settings_of_an_example(example):
    settings = read_settings(example, "EvKit_V1")
    assert settings.sources == ("main.c", "src/net.c", "shared.c", "large.c")
    assert settings.source_folders == (example / "../common",)
    assert settings.include_folders == (example / "./include",)
    assert settings.flags == ("-DMXC_ASSERT_ENABLE", "-DEvKit_V1", "-Wall", "-O1")
    assert settings.ignored == ("-mcpu=cortex-m0",)


@pytest.mark.parametrize(("board", "name"), [("EvKit_V1", "large.c"), ("FTHR_RevA", "small.c")])
def test_the_board_decides_as_the_makefile_says(example, board, name):
    names = [unit.source.name for unit in project_units(example, board=board)]
    assert sorted(names) == sorted(["main.c", "net.c", "shared.c", name])


@pytest.mark.long
def test_only_what_is_named_is_compiled(example):
    log = Log()
    assert build_project(example, ZIG, watch=log).elf.is_file()
    assert log.warnings == [f"{example}/Makefile: left out: -mcpu=cortex-m0"]


def test_a_file_that_is_nowhere(example):
    (example / "large.c").unlink()
    with pytest.raises(InputError, match=r"Makefile: names large\.c, which is in none of .*VPATH"):
        project_units(example)


def test_settings_beside_our_makefile(tmp_path):
    folder = write_c_project(tmp_path / "net", main="", other="")
    (folder / "Makefile").write_text("all: ## Build\n\tmax78000 build .\n")
    (folder / "project.mk").write_text("VPATH += .\nPROJ_CFLAGS += -Wall -DNETWORK=7\n")
    units = project_units(folder)
    assert [unit.source.name for unit in units] == ["main.c", "other.c"]
    assert units[0].flags == ("-Wall", "-DNETWORK=7")


def test_folders_of_vpath_without_a_list(tmp_path):
    folder = write_c_project(tmp_path / "net", main="")
    write_c_project(folder / "src", more="", main="")
    (folder / "project.mk").write_text("VPATH += src\n")
    found = [unit.source for unit in project_units(folder)]
    assert found == [folder / "main.c", folder / "src/more.c"]


def variables(text, **given):
    makefile = Makefile(given)
    makefile.read(text)
    return makefile


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A = 1\nB = $(A) 2\nA = 3\n", ["3", "2"]),  # looked up when it is used
        ("A = 1\nB := ${A} 2\nA = 3\n", ["1", "2"]),
        ("B = $(B) again\n", None),  # without an end
        ("B = $(shell rm -rf /) x\n", None),
        ("ifdef A\nB = yes\nelse\nB = no\nendif\n", ["no"]),
        ("ifneq ($(A),1)\nifeq '1' '2'\nB = a\nelse\nB = b\nendif\nendif\n", ["b"]),
        (
            "ifeq (a,b)\nB = 1\nelse ifeq (a,a)\nB = 2\n"
            "else ifeq (c,c)\nB = 3\nelse\nB = 4\nendif\n",
            ["2"],
        ),
        ("endif\nelse\nB = 1\n", ["1"]),  # what make would refuse does no harm
    ],
)  # fmt: skip
def test_variables(text, value):
    words = variables(text).words("B")
    assert words == value if value is not None else "\0" in " ".join(words)


def test_a_makefile_that_is_no_text(tmp_path):
    (tmp_path / "Makefile").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="Makefile: cannot be read"):
        read_settings(tmp_path, "EvKit_V1")
