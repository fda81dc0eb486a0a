"""The virtual board: a Cortex-M4, its peripherals, and the simulated accelerator on one bus."""
