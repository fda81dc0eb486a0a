"""Firmware for the chip: board support package, compilers, build, ELF facts. Talks to no board."""
