"""The compiler: a network description and integer weights in, a register program and C out."""
