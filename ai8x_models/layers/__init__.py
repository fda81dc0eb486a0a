"""What the chip computes, as torch modules: fused layers, their grids, rules and integers."""
