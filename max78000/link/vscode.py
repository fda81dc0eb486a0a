"""The settings with which VS Code builds, runs and debugs a project: its folder `.vscode`.

They name the `max78000` command, OpenOCD and a GDB by the names that are on the PATH, and no folder
of this machine: where headers are, the editor learns from the compile commands of the last build.
"""

import json
from pathlib import Path
from typing import Any

from max78000.link.probe import CORTEX_M4_CPUID

FOLDER = ".vscode"
TARGET = Path(__file__).with_name("openocd_flash.cfg")  # the chip, for OpenOCD
TARGET_FILE = "max78000.cfg"
GDB_PORT = 3333  # OpenOCD's own choice


def vscode_files(board: str) -> dict[str, str]:
    """File name -> text.

    Args:
        board: what the firmware is built for.
    """
    files = {
        "tasks.json": _tasks(board),
        "launch.json": _launch(),
        "c_cpp_properties.json": _properties(),
    }
    texts = {name: f"{json.dumps(content, indent=4)}\n" for name, content in files.items()}
    texts[TARGET_FILE] = TARGET.read_text(encoding="utf-8")
    return {f"{FOLDER}/{name}": text for name, text in texts.items()}


def _tasks(board: str) -> dict[str, Any]:
    def task(label: str, *words: str, **more: Any) -> dict[str, Any]:
        return {
            "label": label,
            "type": "process",
            "command": "max78000",
            "args": [label, ".", *words],
            "options": {"cwd": "${workspaceFolder}"},
            "problemMatcher": ["$gcc"],
            **more,
        }

    on_board = ("--board", board)
    return {
        "version": "2.0.0",
        "tasks": [
            task("build", *on_board, group={"kind": "build", "isDefault": True}),
            task("simulate", *on_board, group={"kind": "test", "isDefault": True}),
            task("flash", *on_board, dependsOn="build"),
        ],
    }


def _launch() -> dict[str, Any]:
    """The program is written by our own `flash`: OpenOCD has no driver for this chip's flash."""
    adapter = '-f interface/cmsis-dap.cfg -c "transport select swd" -c "adapter speed 2000"'
    return {
        "version": "0.2.0",
        "configurations": [
            {
                "name": "Debug on the board",
                "type": "cppdbg",
                "request": "launch",
                "preLaunchTask": "flash",
                "program": "${workspaceFolder}/build/${workspaceFolderBasename}.elf",
                "cwd": "${workspaceFolder}",
                "MIMode": "gdb",
                "miDebuggerPath": "arm-none-eabi-gdb",
                "linux": {"miDebuggerPath": "gdb-multiarch"},
                "miDebuggerServerAddress": f"localhost:{GDB_PORT}",
                "debugServerPath": "openocd",
                "debugServerArgs": f"{adapter} -f {FOLDER}/{TARGET_FILE}",
                "serverStarted": f"Listening on port {GDB_PORT} for gdb connections",
                "filterStderr": True,
                "postRemoteConnectCommands": [
                    {"text": f"monitor max78000_connect {CORTEX_M4_CPUID:#010x}"}
                ],
                "stopAtConnect": True,
            }
        ],
    }


def _properties() -> dict[str, Any]:
    return {
        "version": 4,
        "configurations": [
            {
                "name": "MAX78000",
                "compileCommands": "${workspaceFolder}/build/compile_commands.json",
                "includePath": ["${workspaceFolder}"],
                "cStandard": "gnu11",
                "intelliSenseMode": "gcc-arm",
            }
        ],
    }
