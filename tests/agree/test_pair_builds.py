"""Projects for both cores on the vendor's SDK: one firmware, with the RISC-V image in its flash."""

import subprocess

import pytest
from brought import beside
from click.testing import CliRunner
from installed import needs, needs_gcc
from newlib import HAS_NEWLIB

from max78000.commands.build import build
from max78000.commands.simulate import simulate
from max78000.errors import InputError, UnsupportedError
from max78000.firmware import riscv_toolchain
from max78000.firmware.image import FLASH_ADDR, flash_bytes_of, read_image, value_of
from max78000.firmware.pair import build_pair
from max78000.firmware.sources import has_riscv, units_by_core
from max78000.firmware.toolchain import find_gcc, find_zig
from networks import Net, compile_net, project_of, write_files
from synthesis.emit.options import ProjectOptions, RiscV
from synthesis.read.files import Files

RISCV_GCC = "riscv64-unknown-elf-gcc"
NET = Net("{name: first}\n{name: last}", "4x2x3x3 4x4x3x3", bias=2)
ARCHIVED, RECENT = beside("sdk", "2022"), beside("sdk", "2025", "MAX")
SDKS = {"2022": (ARCHIVED,), "2025": (RECENT, ARCHIVED)}
needs_sdk = pytest.mark.skipif(
    not ARCHIVED.is_dir() or not HAS_NEWLIB, reason="needs shared/sdk and newlib"
)


@pytest.fixture
def project(tmp_path):
    files = Files(*write_files(tmp_path, NET))
    folder = tmp_path / "tiny"
    folder.mkdir()
    options = ProjectOptions(timer=0, debug_wait_s=0, riscv=RiscV())
    for name, text in project_of(compile_net(NET), files, options).items():
        (folder / name).write_text(text)
    return folder


def test_which_file_is_whose(project):
    assert has_riscv(project)
    names = [[unit.source.name for unit in units] for units in units_by_core(project)]
    assert names == [["main.c"], ["cnn.c", "main_riscv.c"]]


def test_without_a_compiler_one_line_says_so(monkeypatch):
    monkeypatch.setattr(riscv_toolchain, "GCCS", ("no-such-gcc",))
    with pytest.raises(UnsupportedError, match=r"no no-such-gcc is installed.*apt install gcc-ris"):
        riscv_toolchain.find_riscv(find_zig().c_library)


@needs_sdk
@needs_gcc
@needs(RISCV_GCC)
@pytest.mark.slow
@pytest.mark.parametrize("year", SDKS)
def test_both_images_in_one(project, year):
    words = [word for root in SDKS[year] for word in ("--sdk", str(root))]
    result = CliRunner().invoke(build, [str(project), *words])
    assert result.exit_code == 0, result.output
    elf = project / "build/tiny.elf"
    second = project / "build/tiny-riscv.elf"
    start = value_of(elf, "__FlashStart_")
    assert start % 256 == 0
    assert value_of(second, "__isr_vector") == start
    loaded = flash_bytes_of(second, start)
    image = read_image(elf)
    assert image.is_pair
    assert image.flash_content()[start - FLASH_ADDR :] == loaded
    assert image.bin.read_bytes() == image.flash_content()
    alone = project / "alone.bin"
    objcopy = RISCV_GCC.replace("gcc", "objcopy")
    subprocess.run([objcopy, "-O", "binary", second, alone], check=True)
    assert alone.read_bytes() == loaded
    result = CliRunner().invoke(simulate, [str(elf)])
    assert "the RISC-V core is not simulated" in result.stderr
    assert "Waiting..." in result.stdout


@needs_sdk
@needs_gcc
@needs(RISCV_GCC)
@pytest.mark.slow
def test_what_does_not_link_is_told(project):
    (project / "cnn.c").write_text("int nothing;\n")
    with pytest.raises(InputError, match=r"(?s)gcc-riscv .* does not link it.*cnn_init"):
        build_pair(project, find_gcc(), sdk=SDKS["2022"])
