"""The compiler: a network description and integer weights in, a register program and C out."""

from synthesis.api import CompiledNetwork, compile_network

__all__ = ["CompiledNetwork", "compile_network"]
