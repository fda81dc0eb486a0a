"""What the chip is: sizes, addresses, registers, integer arithmetic, cycles, energy."""
