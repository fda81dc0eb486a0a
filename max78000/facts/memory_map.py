"""The memories of the microcontroller: where flash and RAM are, how flash is erased and written.

Those of the accelerator are in `chip`. The linker script, the C sources and the flash loader hold
the same numbers once more; a test compares them.

Source: docs/hardware/firmware.md#memory-map; [DS] memory map.
"""

FLASH_ADDR = 0x1000_0000
FLASH_BYTES = 512 * 1024
PAGE_BYTES = 8 * 1024  # of flash, erased at once
LINE_BYTES = 16  # of flash, written at once
RAM_ADDR = 0x2000_0000
RAM_BYTES = 128 * 1024
