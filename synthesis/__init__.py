"""The compiler: a network description and integer weights in, a register program and C out."""

from synthesis.api import CompiledNetwork, compile_network
from synthesis.read.source import InputPath

__all__ = ["CompiledNetwork", "InputPath", "compile_network"]
