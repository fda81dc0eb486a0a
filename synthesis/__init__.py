"""The compiler: a network description and integer weights in, a register program and C out.

The names below are imported when they are asked for: the command line has to answer Ctrl-C before
the compiler is there.
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthesis.api import CompiledNetwork, compile_network
    from synthesis.read.source import InputPath

__all__ = ["CompiledNetwork", "InputPath", "compile_network"]


def __getattr__(name: str) -> object:
    """Import a public name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve_name(f"synthesis.api:{name}")
