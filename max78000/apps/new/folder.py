"""The folder of an application: the network's files, `network.c`, and the program to edit."""

import json
from dataclasses import dataclass
from pathlib import Path
from string import Template

from max78000.apps.new.facts import AppNetwork, read_network
from max78000.apps.new.network_c import network_c
from max78000.apps.new.suits import check_watchdog, raw_bytes
from max78000.errors import InputError
from max78000.files import make_folder, refuse_existing, write_all
from max78000.firmware.sources import APP_FILE, DEFAULT_BOARD
from max78000.link.vscode import FOLDER as VSCODE_FOLDER
from max78000.link.vscode import vscode_files
from max78000.program.folder import PROGRAM_FILE
from max78000.program.layer_table import LAYERS_FILE
from max78000.program.network_file import NETWORK_FILE

HERE = Path(__file__).parent
FORMAT = "max78000-app-1"
NO_WATCHDOG = b"#define WATCHDOG_MS 0u"  # in main.c
APPS = ("serial", "camera", "microphone")
# What an application takes over of a project; those of them that are there.
OF_NETWORK = (
    *("cnn.c", "cnn.h", "weights.h", "cnn_finish.c", "cnn_finish.h", "softmax.c"),
    *(PROGRAM_FILE, LAYERS_FILE, NETWORK_FILE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be different in applications of one kind.

    Args:
        board: that the makefiles name.
        watchdog_s: after which a board that hangs starts again; 0: never.
        has_vscode: with settings of VS Code, unless it has some.
    """

    board: str = DEFAULT_BOARD
    watchdog_s: int = 0
    has_vscode: bool = False


DEFAULTS = Choices()


def write_application(
    folder: Path,
    app: str,
    project: Path,
    choices: Choices = DEFAULTS,
    *,
    overwrite: bool = False,
) -> AppNetwork:
    """Write an application around a network.

    Args:
        folder: to make; may be there and empty.
        app: one of `APPS`.
        project: what `synthesize` wrote.
        choices: of the makefiles, of `main.c`, and of settings.
        overwrite: replace what is in the folder, `main.c` too.
    Returns:
        What the application knows of the network.
    Raises:
        InputError: no such project, the folder holds an application, or the watchdog is too fast.
        UnsupportedError: the application does not suit the network.
    """
    if folder.resolve() == project.resolve():
        why = "is the network's own folder"
        raise InputError(why, where=str(folder), fix="name another folder for the application")
    net = read_network(project)
    n_raw_bytes = raw_bytes(app, net)
    check_watchdog(app, net, choices.watchdog_s)
    refuse_existing(folder / APP_FILE, overwrite)
    words = {"name": folder.resolve().name, "network": net.name, "board": choices.board}
    files = {name: _read(project / name) for name in OF_NETWORK if (project / name).is_file()}
    files |= {
        "main.c": _main(app, choices.watchdog_s),
        "network.c": network_c(net, n_raw_bytes).encode(),
        "README.md": _filled(f"{app}.md", words),
        "Makefile": _filled("Makefile.txt", words),
        "CMakeLists.txt": _filled("cmake.txt", words),
        APP_FILE: f"{json.dumps({'format': FORMAT, 'app': app, 'network': net.name})}\n".encode(),
    }
    if choices.has_vscode:
        settings = vscode_files(choices.board).items()
        files |= {name: text.encode() for name, text in settings if not (folder / name).exists()}
        make_folder(folder / VSCODE_FOLDER)
    make_folder(folder)
    write_all({folder / name: content for name, content in files.items()})
    return net


def app_of(folder: Path) -> str:
    """Which application a folder holds; empty for none.

    Raises:
        InputError: its description is damaged.
    """
    path = folder / APP_FILE
    if not path.is_file():
        return ""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"format is {data['format']!r}, not {FORMAT!r}")
        return str(data["app"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        fix = "write the application again: max78000 new"
        raise InputError(f"describes no application: {error}", where=str(path), fix=fix) from None


def _main(app: str, watchdog_s: int) -> bytes:
    text = _read(HERE / f"{app}.c")
    return text.replace(NO_WATCHDOG, b"#define WATCHDOG_MS %du" % (1000 * watchdog_s))


def _filled(name: str, words: dict[str, str]) -> bytes:
    return Template(_read(HERE / name).decode()).substitute(words).encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
