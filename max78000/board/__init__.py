"""The virtual board: a Cortex-M4, its peripherals, and the simulated accelerator in virtual time.

The files from bottom to top: `timeline` (time), `objections` (strict or tolerant), `registers`
(tables of registers), `device` (what the bus asks for), `power` (low-power modes), `system`
(clocks), `accelerator` (power, clock and time around the machine), `world` (what is around the
chip), `bus`, `placement` (a row of the table of devices), `devices` (one file each, and the table),
`peripherals` (makes them), `outside` (sensors, displays and buttons, and which board has them),
`systick` and `scs` (the core's registers), `engine` and `cpu` (instructions and exceptions),
`memories`, `waiting` (notices that a program only waits), `code` (program files), `execution` (all
of it, running), `processor` (as a debugger sees it), `dump`, `stream` (the console's line), `board`
(firmware in, verdict out).

Not modelled: caches, wait states, cycles of instructions, supplies and brown-out, the RISC-V core,
the boot ROM, and every peripheral that is not in `devices.table`.
"""
