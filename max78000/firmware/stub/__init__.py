"""The flash algorithm that debuggers load into the chip's RAM: C source, compiled words, layout."""
