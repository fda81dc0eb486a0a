"""The part: facts, arithmetic, register program, simulated accelerator."""
