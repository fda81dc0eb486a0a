"""A project with CMake: firmware of its own, a library in the build of somebody else, Zephyr."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from brought import beside
from click.testing import CliRunner
from installed import needs, needs_gcc
from newlib import needs_newlib
from ran import ran

from max78000.apps.new.folder import Choices, write_application
from max78000.board.board import Limits, VirtualBoard
from max78000.commands.info import info
from max78000.firmware.sources import CMAKE
from max78000.firmware.toolchain import find_gcc
from networks import Net, compile_net, project_of, write_files
from synthesis.emit.options import FileNames, ProjectOptions
from synthesis.read.files import Files

pytestmark = [needs("cmake"), pytest.mark.long]
GCC = find_gcc()
NET = Net(
    "{name: first, activate: ReLU}\n{name: last, op: linear, flatten: true, output_width: 32}",
    "4x2x3x3 3x144", bias=2, sections="finish:\n- {op: softmax, dim: 0}\n",
)  # fmt: skip
PLAIN = ProjectOptions(debug_wait_s=0, timer=0, has_softmax=True)
OPTIONS = {
    "plain": PLAIN,
    "one file": ProjectOptions(debug_wait_s=0, names=FileNames(api=None, sample_output=None)),
    "defined": ProjectOptions(debug_wait_s=0, defines=("SYS_START=", "ONE=1"), board="FTHR_RevA"),
}
FOREIGN = """
cmake_minimum_required(VERSION 3.20)
project(foreign LANGUAGES C)
find_package(max78000 REQUIRED CONFIG)
add_subdirectory(tiny)
target_link_libraries(tiny_cnn PUBLIC max78000::headers)
add_executable(app app.c)
target_link_libraries(app PRIVATE tiny_cnn)
max78000_firmware(app)
"""
NO_TARGETS = """
cmake_minimum_required(VERSION 3.20)
project(nothing LANGUAGES C)
find_package(max78000 REQUIRED CONFIG)
"""
APP = """
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "cnn.h"
volatile uint32_t cnn_time;
static uint32_t output[CNN_UNLOAD_WORDS];
static cnn_finish_t answer;
static volatile double half = 0.5;
int main(void)
{
    cnn_enable(MXC_S_GCR_PCLKDIV_CNNCLKSEL_PCLK, MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV1);
    printf("%d\\n", cnn_init() && cnn_load_weights() && cnn_load_bias() && cnn_configure());
    int *numbers = malloc(4);
    printf("%.3f %d %d\\n", sin(half), numbers != NULL, (int)sizeof(output) / 4);
    (void)answer;
    return 0;
}
"""
# What Zephyr's build system and its layer for the chip have, as far as a module sees it.
OF_ZEPHYR = """
cmake_minimum_required(VERSION 3.20)
project(zephyr LANGUAGES C)
set(CONFIG_TINY_CNN y)
function(zephyr_library_named name)
  add_library(${name} STATIC)
  target_compile_definitions(${name} PRIVATE
    CONFIG_TINY_CNN_IRQ_PRIORITY=3 TARGET=MAX78000 TARGET_REV=0x4131)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror -std=gnu17)
  target_include_directories(${name} SYSTEM PRIVATE ${HEADERS})
  set(ZEPHYR_CURRENT_LIBRARY ${name} PARENT_SCOPE)
endfunction()
function(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
function(zephyr_include_directories)
  target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
function(zephyr_library_compile_definitions)
  target_compile_definitions(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
add_subdirectory(tiny/zephyr)
"""
KERNEL_H = """
#include <stdint.h>
#include <stddef.h>
struct k_sem { int count; };
#define K_SEM_DEFINE(name, initial, limit) struct k_sem name = { initial }
void k_sem_give(struct k_sem *sem);
uint32_t k_cycle_get_32(void);
static inline uint32_t k_cyc_to_us_near32(uint32_t t) { return t / 100; }
"""
IRQ_H = """
struct entry { int irq; int priority; void (*isr)(const void *); const void *argument; };
#define IRQ_CONNECT(irq, priority, isr, argument, flags) \\
    do { static const struct entry one = { irq, priority, isr, argument }; (void)one; } while (0)
void irq_enable(unsigned int irq);
"""
RECENT, ARCHIVED = beside("sdk", "2025", "MAX", "Libraries"), beside("sdk", "2022", "Libraries")


def written(folder, options):
    """The project `tiny` in a folder."""
    files = Files(*write_files(folder, NET))
    for name, text in project_of(compile_net(NET), files, options).items():
        path = folder / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "tiny"


@needs_gcc
@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_firmware(tmp_path, name):
    project = written(tmp_path, OPTIONS[name])
    ran("cmake", "-B", "build", folder=project)
    (project / "build/tiny.stamp").write_text("of another build")
    said = ran("cmake", "--build", "build", folder=project)
    assert "warning" not in said
    assert "FLASH:" in said
    assert not (project / "build/tiny.stamp").exists()
    assert all((project / f"build/tiny.{kind}").stat().st_size for kind in ("elf", "hex", "bin"))
    assert (project / "build/compile_commands.json").is_file()
    assert "100% tests passed" in ran("ctest", folder=project / "build")


@needs_gcc
@needs_newlib
def test_a_library_in_the_build_of_somebody_else(tmp_path):
    written(tmp_path, PLAIN)
    (tmp_path / "CMakeLists.txt").write_text(FOREIGN)
    (tmp_path / "app.c").write_text(APP)
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={CMAKE}/arm-none-eabi-gcc.cmake"
    given = (toolchain, f"-Dmax78000_DIR={CMAKE}", "-DMAX78000_C_LIBRARY=ON")
    ran("cmake", "-B", "out", *given, folder=tmp_path)
    ran("cmake", "--build", "out", folder=tmp_path)
    assert (tmp_path / "out/tiny/libcnn.a").is_file()
    board = VirtualBoard()
    board.load_elf(tmp_path / "out/app.elf")
    assert board.run().console.startswith("1\n0.479 1 ")


@needs_gcc
def test_a_package_in_a_folder_with_capitals(tmp_path):
    package = tmp_path / "Site-Packages" / "MAX78000"
    for name in ("firmware/cmake", "firmware/bsp", "apps/shared"):
        shutil.copytree(CMAKE.parents[1] / name, package / name)
    of_package = package / "firmware/cmake"
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={of_package}/arm-none-eabi-gcc.cmake"
    (tmp_path / "CMakeLists.txt").write_text(NO_TARGETS)
    ran("cmake", "-B", "out", toolchain, f"-Dmax78000_DIR={of_package}", folder=tmp_path)


@needs_gcc
def test_an_application(tmp_path):
    project = written(tmp_path, PLAIN)
    folder = tmp_path / "an app"
    write_application(folder, "serial", project, Choices("FTHR_RevA", has_vscode=True))
    (folder / ".vscode/tasks.json").write_text("edited")
    write_application(folder, "serial", project, Choices(has_vscode=True), overwrite=True)
    assert (folder / ".vscode/tasks.json").read_text() == "edited"
    assert (folder / ".vscode/launch.json").is_file()
    ran("cmake", "-B", "build", folder=folder)
    assert "warning" not in ran("cmake", "--build", "build", folder=folder)
    board = VirtualBoard()
    board.load_elf(folder / "build/an app.elf")
    outcome = board.run(limits=Limits(virtual_s=5, is_end_at_time=True))
    assert "tiny: ready for inputs" in outcome.console


def test_the_folder_of_the_package_is_told():
    result = CliRunner().invoke(info, ["--cmake"])
    assert Path(result.stdout.strip()) == CMAKE
    assert (CMAKE / "max78000-config.cmake").is_file()


def headers():
    """Folders: the vendor's drivers of 2025, the core's headers of 2022."""
    device = RECENT / "CMSIS/Device/Maxim/MAX78000/Include"
    drivers = RECENT / "PeriphDrivers"
    return (device, drivers / "Include/MAX78000", ARCHIVED / "CMSIS/Include")


@pytest.mark.skipif(not RECENT.is_dir(), reason="there is no shared/sdk")
@needs_gcc
@needs_newlib
@pytest.mark.parametrize("options", [PLAIN, ProjectOptions()], ids=["timer", "plain"])
def test_a_module_of_zephyr(tmp_path, options):
    options = replace(options, has_zephyr=True)
    module = yaml.safe_load((written(tmp_path, options) / "zephyr/module.yml").read_text())
    assert module == {"name": "tiny", "build": {"cmake": "zephyr", "kconfig": "zephyr/Kconfig"}}
    stand_in = tmp_path / "headers/zephyr"
    stand_in.mkdir(parents=True)
    (stand_in / "kernel.h").write_text(KERNEL_H)
    (stand_in / "irq.h").write_text(IRQ_H)
    (tmp_path / "CMakeLists.txt").write_text(OF_ZEPHYR)
    seen = ";".join(map(str, (stand_in.parent, *headers())))
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={CMAKE}/arm-none-eabi-gcc.cmake"
    ran("cmake", "-B", "out", toolchain, f"-DHEADERS={seen}", folder=tmp_path)
    ran("cmake", "--build", "out", folder=tmp_path)
    archive = tmp_path / "out/tiny/zephyr/libtiny_cnn.a"
    symbols = ran("arm-none-eabi-nm", archive, folder=tmp_path)
    assert re.search(r" T cnn_zephyr_connect$", symbols, re.MULTILINE)
    assert re.search(r" D cnn_done$", symbols, re.MULTILINE) or " B cnn_done" in symbols
    assert "MXC_NVIC_SetVector" not in symbols
    assert "MXC_TMR" not in symbols
