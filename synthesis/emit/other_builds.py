"""Files with which the build of somebody else takes a project in: CMake always, Zephyr and VS Code
on request.

CMake is what most builds of C can take in, and one file beside the Makefile; a module of Zephyr is
a folder of its own, and an editor's settings are their owner's business.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from synthesis.emit.c_template import c_template
from synthesis.emit.options import ProjectOptions

ZEPHYR_FILES = ("module.yml", "CMakeLists.txt", "Kconfig", "cnn_zephyr.c", "cnn_zephyr.h", "led.h")


def other_builds(
    context: Mapping[str, Any],
    options: ProjectOptions,
    sources: Iterable[str],
    program: Collection[str],
) -> dict[str, str]:
    """File name -> text; empty for the RISC-V core, whose two images take the SDK's makefiles.

    Args:
        context: what the templates name.
        options: of the project; they say what is asked for.
        sources: names of all files.
        program: those of the known-answer test; what else there is of C is the network.
    """
    if options.riscv is not None:
        return {}
    library = [name for name in sources if name.endswith(".c") and name not in program]
    more = {"library": library, "program": program, "symbol": _symbol(context["name"])}
    files = {"CMakeLists.txt": c_template("CMakeLists.txt").render(context, **more)}
    if options.has_zephyr:
        files |= {
            f"zephyr/{name}": c_template(f"zephyr/{name}").render(context, **more)
            for name in ZEPHYR_FILES
        }
    if options.has_vscode:
        from max78000.link.vscode import vscode_files  # noqa: PLC0415 - brings all of flashing

        files |= vscode_files(options.board)
    return files


def _symbol(name: str) -> str:
    """A project's name in Kconfig's spelling."""
    return re.sub(r"\W", "_", name).upper()
