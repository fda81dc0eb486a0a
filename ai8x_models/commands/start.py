"""Where `ai8x` begins: nothing is imported before Ctrl-C has an answer.

Importing takes a second on some machines, and a second is enough to think better of it.
"""

import sys

from max78000.errors import INTERRUPTED
from max78000.errors.interruption import heeding


def main() -> None:
    """Run the command line."""
    try:
        with heeding():
            from ai8x_models.commands.loading import watch_loading
            from ai8x_models.commands.main import main as command

            watch_loading(sys.stderr)
            command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
