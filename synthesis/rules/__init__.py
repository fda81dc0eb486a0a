"""What the chip cannot do, one function per rule: its docstring is the manual entry."""
