"""From the word on the command line to a probe; what a probe needs is imported only for it."""

import importlib

from max78000.errors import UnsupportedError
from max78000.link.probe import Probe

PROBES = ("pyocd", "openocd", "daplink")


def choose_probe(name: str, uid: str | None = None) -> Probe:
    """Return the probe of that name.

    Raises:
        UnsupportedError: a package it needs is not installed.
    """
    try:
        module = importlib.import_module(f"max78000.link.{name}_probe")
    except ImportError as error:
        fix = "pip install 'max78000-toolchain[link]', or use --probe openocd"
        raise UnsupportedError(
            f"needs a package: {error}", where=f"probe {name}", fix=fix
        ) from None
    probe: Probe = getattr(module, f"{name.capitalize()}Probe")(uid=uid)
    return probe
