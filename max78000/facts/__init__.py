"""What the chip is: sizes, addresses, registers, integer arithmetic, cycles, energy.

And where lies what is shipped with the tools.
"""
