"""C of ours under AddressSanitizer and the sanitizer of undefined behaviour, on this machine.

Emitted projects run from the first line of main() to PASS, with memory in the accelerator's place;
functions of the support package and of the applications run in the tests that hold them, again.
"""

import sys
from pathlib import Path

import pytest
from emulator import SHIM
from installed import find, needs
from native_build import SANITIZE, WATCHED
from ran import ran
from test_emitted_options import BYTES, MIXED, PIN, PLANES, ROLLING, STREAMED
from test_finish_options import NET as FINISHED

from networks import compile_net, project_of
from synthesis.emit.options import ProjectOptions
from synthesis.read.files import Files

ROOT = Path(__file__).resolve().parents[2]
HOST = Path(__file__).parent / "host_shim"
FILES = Files(ROOT / "README.md", ROOT / "LICENSE", None)  # only their hashes are printed
# What a 64-bit machine warns of in code for 32 bits: addresses are written as numbers.
FLAGS = ("-std=c11", "-O1", "-Wall", "-Wextra", "-Wno-int-to-pointer-cast", "-DON_HOST",
         "-Dmain=emitted_main")  # fmt: skip
# fmt: off
PROJECTS = {
    # network, options of the code, options of the program
    "plain":      (MIXED,    {},                                              {}),
    "kernels":    (MIXED,    {"has_compact_weights": True},     {"packs_kernels": False}),
    "statements": (MIXED,    {"has_compact_data": False, "boost": PIN, "timer": 1}, {}),
    "fixed":      (MIXED,    {"has_fixed_input": True},         {"has_fixed_input": True}),
    "soft-max":   (FINISHED, {"has_softmax": True},                           {}),
    "energy":     (FINISHED, {"measures_energy": True},                       {}),
    "bytes":      (BYTES,    {},                                              {}),
    "planes":     (PLANES,   {},                                              {}),
    "streamed":   (STREAMED, {"slow_load_us": 5},                             {}),
    "rolling":    (ROLLING,  {"verifies_registers": True},                    {}),
}
# fmt: on
OF_FUNCTIONS = (
    "tests/unit/max78000/firmware/test_printf.py",
    "tests/unit/max78000/firmware/test_math.py",
    "tests/unit/max78000/firmware/test_bsp_memory.py",
    "tests/unit/max78000/apps/shared/test_frames.py",
    "tests/property/test_random_finishes.py",
    "tests/agree/test_pose_decoder_c.py",
)
pytestmark = [needs("gcc"), pytest.mark.long]


@pytest.mark.skipif(sys.platform != "linux", reason="memory lies at the chip's addresses on Linux")
@pytest.mark.parametrize(("net", "code", "program"), PROJECTS.values(), ids=PROJECTS)
def test_emitted_projects_do_nothing_that_is_not_defined(net, code, program, tmp_path):
    options = ProjectOptions(**code)
    for name, text in project_of(compile_net(net, **program), FILES, options).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = tmp_path / "emitted"
    sources = [str(path) for path in sorted(tmp_path.glob("*.c"))]
    host = tmp_path / "host.o"
    compile_it = [*WATCHED, *FLAGS, f"-I{SHIM}", f"-I{tmp_path}"]
    ran(*compile_it, "-Umain", "-c", HOST / "host.c", "-o", host)
    ran(*compile_it, *sources, host, "-lm", "-o", made)
    assert "*** PASS ***" in ran(made)


@pytest.mark.slow
def test_functions_stay_inside_what_they_are_given():
    library = ran(find("gcc"), "-print-file-name=libasan.so").strip()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow"]
    watched = {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", SANITIZE: "1"}
    assert "100%" in ran(*command, *OF_FUNCTIONS, **watched)
