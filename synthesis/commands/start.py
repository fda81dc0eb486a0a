"""Where `synthesize` begins: nothing is imported before Ctrl-C has an answer.

Importing takes a second on some machines, and a second is enough to think better of it.
"""

import gc
import os
import sys

from max78000.errors import INTERRUPTED
from max78000.errors.interruption import heeding

# Objects between two looks for garbage: importing and compiling make many, and hardly any garbage.
FEW_COLLECTIONS = 50_000


def main() -> None:
    """Run the command line."""
    gc.set_threshold(FEW_COLLECTIONS)
    # The matrix products of layers are small: a second thread waits longer than it works.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with heeding():
            from synthesis.commands.synthesize import main as command  # noqa: PLC0415

            command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
