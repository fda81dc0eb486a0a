"""Where `max78000` begins: nothing is imported before Ctrl-C has an answer.

Importing takes a second on some machines, and a second is enough to think better of it.
"""

import os
import sys

from max78000.errors import INTERRUPTED
from max78000.errors.interruption import heeding


def main() -> None:
    """Run the command line."""
    # The matrix products of layers are small: a second thread waits longer than it works.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with heeding():
            from max78000.commands.main import main as command  # noqa: PLC0415

            command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
