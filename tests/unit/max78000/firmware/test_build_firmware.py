"""Projects become firmware: with each compiler, once, the same bytes everywhere; refusals."""

import shutil
import subprocess
import sys

import pytest
from firmware_projects import HELLO, TOOLCHAINS, ZIG, Log, write_c_project

from max78000.errors import CapacityError, InputError, InternalError
from max78000.facts.memory_map import FLASH_BYTES
from max78000.firmware import sources
from max78000.firmware.build import build_project
from max78000.firmware.sources import BOARDS, SUPPORT
from max78000.firmware.stamp import read_stamp

pytestmark = pytest.mark.long  # seconds each

EVERY = pytest.mark.parametrize("toolchain", TOOLCHAINS)
USES = "extern {kind} char {name}[]; int main(void) {{ {name}[0]{store}; return 0; }}\n"


@EVERY
@pytest.mark.parametrize("board", BOARDS)
def test_builds_without_warnings(tmp_path, toolchain, board):
    log = Log()
    image = build_project(
        write_c_project(tmp_path / "hello", main=HELLO), toolchain, board, watch=log
    )
    assert log.warnings == []
    assert image.elf == tmp_path / "hello/build/hello.elf"
    assert all(path.is_file() for path in (image.elf, image.hex, image.bin))


def test_does_nothing_when_nothing_changed(tmp_path):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    first = build_project(folder, ZIG)
    log = Log()
    assert build_project(folder, ZIG, watch=log) == first
    assert log.steps == []


def test_compiles_only_what_changed(tmp_path):
    folder = write_c_project(tmp_path / "hello", main=HELLO, other="int other;\n")
    build_project(folder, ZIG)
    (folder / "main.c").write_text(HELLO.replace("hello", "goodbye"))
    log = Log()
    image = build_project(folder, ZIG, watch=log)
    assert log.steps == ["compile main.c", "link hello.elf"]
    assert b"goodbye" in image.flash_content()


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '{"link": ""}'], ids=len)
def test_a_damaged_stamp_is_none(tmp_path, text):
    (tmp_path / "a.stamp").write_text(text)
    assert read_stamp(tmp_path / "a.elf") is None


def test_a_changed_header_compiles_what_may_include_it(tmp_path):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    build_project(folder, ZIG)
    (folder / "extra.h").write_text("#define EXTRA 1\n")
    log = Log()
    build_project(folder, ZIG, watch=log)
    assert log.steps[:1] == ["compile main.c"]


@pytest.mark.parametrize("suffix", [".elf", ".hex", ".bin", ".stamp"])
def test_a_missing_or_damaged_output_is_made_again(tmp_path, suffix):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    whole = build_project(folder, ZIG).elf.with_suffix(suffix)
    content = whole.read_bytes()
    if suffix == ".elf":
        whole.write_bytes(content[:-1] + b"?")
    else:
        whole.unlink()
    build_project(folder, ZIG)
    assert whole.read_bytes() == content


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda whole: whole[:99], lambda whole: whole[:-1] + b"?"]
)
def test_a_damaged_object_is_compiled_again(tmp_path, damage):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    elf = build_project(folder, ZIG).elf
    whole, (part,) = elf.read_bytes(), folder.glob("build/objects-zig/project-main-*.o")
    part.write_bytes(damage(part.read_bytes()))
    elf.unlink()
    log = Log()
    assert build_project(folder, ZIG, watch=log).elf.read_bytes() == whole
    assert log.steps == ["compile main.c", "link hello.elf"]


def test_what_a_killed_build_has_left_is_removed(tmp_path):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    build_project(folder, ZIG)
    killed = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                            capture_output=True, text=True, check=True)  # fmt: skip
    left = folder / f"build/objects-zig.{killed.stdout.strip()}.tmp"
    left.mkdir()
    (left / "project-main.o").write_bytes(b"half")
    build_project(folder, ZIG)
    assert not left.exists()


@EVERY
@pytest.mark.usefixtures("compiled_anew")
def test_same_bytes_in_another_folder(tmp_path, toolchain):
    one = build_project(write_c_project(tmp_path / "hello", main=HELLO), toolchain)
    other = build_project(write_c_project(tmp_path / "far, away/hello", main=HELLO), toolchain)
    assert one.elf.read_bytes() == other.elf.read_bytes()
    for place in (tmp_path, SUPPORT.parent, toolchain.headers):
        assert str(place).encode() not in one.elf.read_bytes()


def test_old_objects_do_not_pile_up(tmp_path):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    build_project(folder, ZIG)
    before = len(list(folder.glob("build/objects-zig/*")))
    (folder / "main.c").write_text(HELLO + "\n")
    build_project(folder, ZIG)
    assert len(list(folder.glob("build/objects-zig/*"))) == before
    assert not list(folder.glob("build/.*"))


@EVERY
def test_compile_errors_come_as_the_compiler_says_them(tmp_path, toolchain):
    folder = write_c_project(
        tmp_path / "bad", main="int main(void) { return x; }\n", two="int int;\n"
    )
    with pytest.raises(InputError, match=r"does not compile main\.c, two\.c") as caught:
        build_project(folder, toolchain)
    assert "main.c:1:25: error" in str(caught.value)
    assert "two.c:1:" in str(caught.value)
    assert not list(folder.glob("build/*.elf"))


@EVERY
def test_warnings_are_shown_and_do_not_stop_the_build(tmp_path, toolchain):
    log = Log()
    text = "int main(void) { int idle = 1; return 0; }\n"
    build_project(write_c_project(tmp_path / "loud", main=text), toolchain, watch=log)
    assert len(log.warnings) == 1
    assert "idle" in log.warnings[0]


@EVERY
def test_link_errors_name_the_missing_function(tmp_path, toolchain):
    text = "void absent(void); int main(void) { absent(); return 0; }\n"
    with pytest.raises(InputError, match="absent"):
        build_project(write_c_project(tmp_path / "bad", main=text), toolchain)


@EVERY
def test_too_much_for_the_flash(tmp_path, toolchain):
    folder = write_c_project(
        tmp_path / "large",
        main=USES.format(kind="const volatile", name="kernels", store=""),
        data="extern const volatile char kernels[];\n"
        "const volatile char kernels[600000] = { 1 };\n",
    )
    with pytest.raises(CapacityError, match=r"of 524,288 bytes of flash; largest: kernels 600,000"):
        build_project(folder, toolchain)
    assert not list(folder.glob("build/*.elf"))


@EVERY
@pytest.mark.parametrize("size_bytes", ["127,000", "200,000"])  # into the stack, past the end
def test_too_much_for_the_ram(tmp_path, toolchain, size_bytes):
    size = size_bytes.replace(",", "")
    folder = write_c_project(
        tmp_path / "large",
        main=USES.format(kind="volatile", name="maps", store=" = 1"),
        data=f"extern volatile char maps[];\nvolatile char maps[{size}];\n",
    )
    why = rf"of 125,952 bytes of RAM .*; largest: maps {size_bytes}"
    with pytest.raises(CapacityError, match=why):
        build_project(folder, toolchain)


def test_a_failed_build_keeps_no_stamp(tmp_path):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    image = build_project(folder, ZIG)
    (folder / "main.c").write_text("void absent(void); int main(void) { absent(); return 0; }\n")
    with pytest.raises(InputError):
        build_project(folder, ZIG)
    (folder / "main.c").write_text(HELLO)
    assert build_project(folder, ZIG) == image


@EVERY
def test_arithmetic_the_core_lacks(tmp_path, toolchain):
    text = """
    #include <stdint.h>
    volatile uint64_t a = 10, b = 3;
    volatile double d = 1.5;
    int main(void) { a = a / b; d = d * 2.0; return (int)d; }
    """
    image = build_project(write_c_project(tmp_path / "sums", main=text), toolchain)
    assert image.flash_bytes < FLASH_BYTES


def write_app(monkeypatch, folder, text):
    monkeypatch.setattr(sources, "APPS", folder)
    return write_c_project(folder / "blink", main=text)


def test_an_application_takes_the_place_of_main(tmp_path, monkeypatch):
    write_app(
        monkeypatch, tmp_path / "apps", "int number(void); int main(void) { return number(); }"
    )
    number = "int number(void); int number(void) { return 42; }\n"
    folder = write_c_project(tmp_path / "net", main="#error not wanted\n", number=number)
    image = build_project(folder, ZIG, app="blink")
    assert image.elf.name == "net-blink.elf"
    assert image.symbol("number")


def test_an_application_that_the_network_does_not_suit(tmp_path, monkeypatch):
    write_app(monkeypatch, tmp_path / "apps", '#error "wants another network"\n')
    folder = write_c_project(tmp_path / "net", main=HELLO)
    with pytest.raises(InputError, match="wants another network"):
        build_project(folder, ZIG, app="blink")


def test_unknown_names_are_refused_with_the_known_ones(tmp_path, monkeypatch):
    folder = write_c_project(tmp_path / "hello", main=HELLO)
    write_app(monkeypatch, tmp_path / "apps", HELLO)
    with pytest.raises(InputError, match=r"'dance' is not a known application .*blink"):
        build_project(folder, ZIG, app="dance")
    with pytest.raises(InputError, match=r"'Breadboard' is not a known board .*EvKit_V1"):
        build_project(folder, ZIG, board="Breadboard")


def test_a_folder_without_c_files_is_refused(tmp_path):
    with pytest.raises(InputError, match="no C files"):
        build_project(tmp_path, ZIG)


def test_a_broken_support_package_is_a_defect_of_ours(tmp_path, monkeypatch):
    broken = shutil.copytree(SUPPORT, tmp_path / "bsp")
    (broken / "src/sleep.c").write_text("#error broken\n")
    monkeypatch.setattr(sources, "SUPPORT", broken)
    with pytest.raises(InternalError, match=r"sleep\.c"):
        build_project(write_c_project(tmp_path / "hello", main=HELLO), ZIG)
