"""The virtual board: a Cortex-M4, its peripherals, and the simulated accelerator in virtual time.

The files from bottom to top: `timeline` (time), `registers` (tables of registers), `device` (what
the bus asks for), `system`, `gpio`, `uart`, `timer`, `flash_controller` (devices), `accelerator`
(power, clock and time around the machine), `bus` and `peripherals` (wiring), `systick` and `scs`
(the core's registers), `engine` and `cpu` (instructions and exceptions), `code` (program files),
`processor` (all of it, as a debugger sees it), `stream` (the console's line), `board` (firmware in,
verdict out).

Not modelled: caches, wait states, cycles of instructions, supplies and brown-out, low-power modes
below sleep, interrupts of pins, DMA, the RISC-V core, the boot ROM, and every peripheral that is
not in `peripherals`.
"""
