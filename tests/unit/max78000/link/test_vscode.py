"""Settings for VS Code: commands by name, no folders of this machine; OpenOCD reads its own."""

import json
import shlex
import subprocess

from click.testing import CliRunner
from installed import needs_openocd

from max78000.commands.main import cli
from max78000.link.vscode import vscode_files

FILES = vscode_files("FTHR_RevA")


def content(name):
    return json.loads(FILES[f".vscode/{name}"])


def test_tasks_are_commands_of_ours():
    tasks = {task["label"]: task for task in content("tasks.json")["tasks"]}
    assert list(tasks) == ["build", "simulate", "flash"]
    for task in tasks.values():
        verb, folder, *options = task["args"]
        assert (task["command"], folder) == ("max78000", ".")
        assert options == ["--board", "FTHR_RevA"]
        help_text = CliRunner().invoke(cli, [verb, "--help"]).output
        assert "--board" in help_text
    assert tasks["flash"]["dependsOn"] == "build"


def test_debugging_starts_with_what_was_flashed():
    (debugging,) = content("launch.json")["configurations"]
    assert debugging["preLaunchTask"] == "flash"
    assert debugging["program"].endswith("/build/${workspaceFolderBasename}.elf")
    (command,) = debugging["postRemoteConnectCommands"]
    assert command["text"] == "monitor max78000_connect 0x410fc241"


def test_headers_are_those_of_the_last_build():
    (properties,) = content("c_cpp_properties.json")["configurations"]
    assert properties["compileCommands"] == "${workspaceFolder}/build/compile_commands.json"


@needs_openocd
def test_openocd_reads_the_target(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (debugging,) = content("launch.json")["configurations"]
    words = shlex.split(debugging["debugServerArgs"])
    command = ["openocd", *words, "-c", "info commands max78000_*", "-c", "shutdown"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "max78000_connect" in result.stderr
