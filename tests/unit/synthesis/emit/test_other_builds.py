"""What other builds find in a project: which files, when, and what is kept of an editor's."""

import json

import pytest

from networks import Net, compile_net, project_of, write_files
from synthesis.emit.options import FileNames, ProjectOptions, RiscV
from synthesis.emit.write import write_project
from synthesis.read.files import Files

NET = Net("{name: first}\n{name: last}", "4x2x3x3 4x4x3x3", bias=2)
VSCODE = {
    ".vscode/tasks.json",
    ".vscode/launch.json",
    ".vscode/c_cpp_properties.json",
    ".vscode/max78000.cfg",
}
ZEPHYR = {
    *("zephyr/module.yml", "zephyr/CMakeLists.txt", "zephyr/Kconfig", "zephyr/led.h"),
    *("zephyr/cnn_zephyr.c", "zephyr/cnn_zephyr.h"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Options -> files of the project."""
    files = Files(*write_files(tmp_path_factory.mktemp("tiny"), NET))
    compiled = compile_net(NET)
    return lambda **options: project_of(compiled, files, ProjectOptions(**options))


def test_cmake_always_the_others_on_request(project):
    plain = project()
    assert "CMakeLists.txt" in plain
    assert not any("/" in name for name in plain)
    assert {name for name in project(has_zephyr=True) if "/" in name} == ZEPHYR
    assert {name for name in project(has_vscode=True) if "/" in name} == VSCODE
    assert "CMakeLists.txt" not in project(riscv=RiscV())


def test_cmake_names_the_files(project):
    text = project(has_softmax=True, timer=0, names=FileNames(main="app.c", api="net.c"))
    assert "add_library(tiny_cnn STATIC net.c softmax.c)" in text["CMakeLists.txt"]
    assert "add_executable(firmware app.c)" in text["CMakeLists.txt"]
    text = project(names=FileNames(api=None), defines=("A=1", "B"), has_kat=False)
    assert "add_library" not in text["CMakeLists.txt"]
    assert "add_executable(firmware main.c)" in text["CMakeLists.txt"]
    assert "target_compile_definitions(firmware PRIVATE A=1 B)" in text["CMakeLists.txt"]
    assert "add_test" not in text["CMakeLists.txt"]


def test_zephyr_measures_only_on_request(project):
    assert "MXC_TMR" not in project(has_zephyr=True)["zephyr/CMakeLists.txt"]
    assert "cnn_zephyr_stop_time" in project(has_zephyr=True, timer=1)["zephyr/cnn_zephyr.c"]
    assert "config TINY_CNN\n" in project(has_zephyr=True)["zephyr/Kconfig"]


def test_one_header_has_all(project):
    assert '#include "mxc.h"' in project()["cnn.h"]
    assert "cnn_finish" not in project()["cnn.h"]


def test_settings_of_the_editor_are_kept(project, tmp_path):
    folder = tmp_path / "tiny"
    write_project(folder, project(has_vscode=True, board="FTHR_RevA"), overwrite=False)
    tasks = folder / ".vscode/tasks.json"
    assert "FTHR_RevA" in json.dumps(json.loads(tasks.read_text()))
    tasks.write_text("edited")
    (folder / "CMakeLists.txt").write_text("edited")
    write_project(folder, project(has_vscode=True), overwrite=True)
    assert tasks.read_text() == "edited"
    assert (folder / "CMakeLists.txt").read_text() != "edited"
