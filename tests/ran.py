"""Programs as tests run them: what they print, and the test fails where they do."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Where max78000 and the others are: on no path where nothing is activated.
TOOLS = Path(sys.executable).parent
MAKES_OWN = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # what `make test` tells a `make` inside


def ran(*command, folder=ROOT, **environment):
    """What a command prints on standard output; it has to end well.

    Args:
        command: words, and paths.
        folder: where it runs.
        environment: variables beside those of the tests; a `make` is as one started by hand.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in MAKES_OWN}
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**inherited, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
