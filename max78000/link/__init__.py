"""Ways to reach a board: probes, flash, console, the power monitor."""
