"""Analysers that follow every path find nothing in C of ours: emitted, of the package, of apps."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from installed import needs, needs_gcc
from test_emitted_options import MIXED, NAMES, PIN, STREAMED
from test_finish_options import NET as FINISHED

from max78000.firmware.objects import arguments_of
from max78000.firmware.sources import APPS, MAIN, SHARED, SUPPORT, Origin, TranslationUnit
from max78000.firmware.support import OUR_LANGUAGE, PROJECT_LANGUAGE
from max78000.firmware.toolchain import find_gcc
from networks import compile_net, project_of
from synthesis.emit.options import ProjectOptions
from synthesis.read.files import Files

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
FILES = Files(ROOT / "README.md", ROOT / "LICENSE", None)  # only their hashes are printed
EVERYTHING = ProjectOptions(
    verifies_kernels=True, verifies_registers=True, gathers_bytes=True, boost=PIN, timer=1,
    measures_energy=True, has_softmax=True, slow_load_us=2,
)  # fmt: skip
PROJECTS = {
    # name: network, options of the code, options of the program
    "mixed": (MIXED, ProjectOptions(checks_layers=True), {}),
    "streamed": (STREAMED, ProjectOptions(names=NAMES), {}),
    "finished": (FINISHED, EVERYTHING, {"packs_kernels": False}),
}
# Of clang-tidy: all that looks for mistakes, but what asks for functions that C11 leaves out where
# libraries like (memcpy_s), for types in place of neighbouring parameters, and for casts of int8_t.
CHECKS = ",".join(
    (
        "-*", "clang-analyzer-*", "bugprone-*",
        "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling",
        "-bugprone-easily-swappable-parameters", "-bugprone-signed-char-misuse",
        "-bugprone-reserved-identifier",  # a C library defines them
    )
)  # fmt: skip
# Neither knows that every sum has at least one part that is not 0: what is largest counts.
SUMS = {"softmax.c": ",-clang-analyzer-core.DivideZero"}
# Of cppcheck: a negative number is shifted to hold that the compiler rounds down.
CPPCHECK = ("--enable=warning,performance,portability", "--std=c11", "--quiet",
            "--platform=arm32-wchar_t4", "--suppress=shiftNegativeLHS:*decoder.c",
            "--suppress=zerodiv:*softmax.c", "--suppress=invalidFunctionArg:*cnn_finish.c",
            "--error-exitcode=1")  # fmt: skip
HEADERS = SUPPORT / "include"
LEFT_OUT = ("c_library.c",)  # stands on another C library


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """All C files: of the package for all boards, of applications, of emitted projects."""
    folder = tmp_path_factory.mktemp("emitted")
    for name, (net, options, program) in PROJECTS.items():
        (folder / name).mkdir()
        for file, text in project_of(compile_net(net, **program), FILES, options).items():
            (folder / name / file).write_text(text, encoding="utf-8")
    ours = [path for path in (SUPPORT / "src").glob("*.c") if path.name not in LEFT_OUT]
    apps = [path for path in APPS.rglob("*.c") if path.name != MAIN]
    return (
        *(TranslationUnit(Origin.SUPPORT, path, (HEADERS,), OUR_LANGUAGE) for path in ours),
        *(TranslationUnit(Origin.APP, path, (SHARED, HEADERS), OUR_LANGUAGE) for path in apps),
        *(
            TranslationUnit(Origin.PROJECT, path, (path.parent, HEADERS), PROJECT_LANGUAGE)
            for path in folder.rglob("*.c")
        ),
    )


def findings(units, command_of):
    """What a program says of the files, two at a time; it says nothing of what is in order."""

    def said(unit):
        command = command_of(unit)
        done = subprocess.run(
            command, cwd=unit.source.parent, capture_output=True, text=True, check=False
        )
        loud = done.returncode != 0 or "warning:" in done.stdout + done.stderr
        return f"{unit.source}\n{done.stdout}{done.stderr}" if loud else ""

    with ThreadPoolExecutor(2) as pool:
        return "".join(pool.map(said, units))


@needs_gcc
def test_the_analyser_of_gcc(units):
    gcc = find_gcc()

    def command_of(unit):
        alone = replace(unit, flags=(*unit.flags, *gcc.alone_flags, "-fanalyzer"))
        return [*gcc.command, *gcc.core, *arguments_of(alone, gcc), "-o", os.devnull]

    assert not findings(units, command_of)


@needs("clang-tidy")
def test_clang_tidy(units):
    core = ("--target=thumbv7em-none-eabihf", "-mcpu=cortex-m4", "-ffreestanding")

    def command_of(unit):
        folders = [f"-I{folder}" for folder in unit.include_folders]
        checks = CHECKS + SUMS.get(unit.source.name, "")
        called = ["clang-tidy", "--quiet", f"--checks={checks}", unit.source.name]
        return [*called, "--", *core, *unit.flags, *folders]

    assert not findings(units, command_of)


@needs("cppcheck")
def test_cppcheck(units):
    def command_of(unit):
        folders = [f"-I{folder}" for folder in unit.include_folders]
        return ["cppcheck", *CPPCHECK, *folders, unit.source.name]

    assert not findings(units, command_of)
