"""Programs as tests run them: what they print, and the test fails where they do."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(
    sys.executable
).parent  # max78000 and the others, on no path where nothing is activated


def ran(*command, folder=ROOT, **environment):
    """What a command prints on standard output; it has to end well.

    Args:
        command: words, and paths.
        folder: where it runs.
        environment: variables beside those of the tests.
    """
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
