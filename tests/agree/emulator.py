"""Emitted C on an emulated Cortex-M4: compile it, call it, see what reaches the accelerator."""

import subprocess
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_SP,
)

SHIM = Path(__file__).parent / "firmware_shim"
CNN_BASE, CNN_SIZE = 0x5000_0000, 0x0140_0000
RETURN = 0x10FF_FF00
SHF_ALLOC = 2  # ELF: the section takes memory
WARNINGS = ("-Wall", "-Wextra", "-Werror")
COMMON = ("-std=c11", "-O1", *WARNINGS, "-ffreestanding", "-fno-builtin", "-nostdlib",
          "-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")  # fmt: skip
COMPILERS = {
    "zig": (sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi",
            "-mcpu=cortex_m4", "-fno-sanitize=all"),
    "gcc": ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"),
}  # fmt: skip
ARGUMENTS = (UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3)


def build(compiler, folder, elf):
    """Compile all C files of a project folder; warnings are errors."""
    sources = sorted(map(str, folder.glob("*.c")))
    command = [*compiler, *COMMON, f"-I{SHIM}", f"-I{folder}", *sources, str(SHIM / "bare.c"),
               f"-Wl,-T,{SHIM / 'bare.ld'}", "-Wl,--no-gc-sections", "-o", str(elf)]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


class Core:
    """A core with flash, RAM and a few peripherals; `bus` gets what reaches the accelerator."""

    def __init__(self, elf, bus):
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.uc.mem_map(0x1000_0000, 0x100_0000)
        self.uc.mem_map(0x2000_0000, 0x100_0000)
        self.uc.mem_map(0x4000_0000, 0x10_0000)
        self.uc.mmio_map(
            CNN_BASE,
            CNN_SIZE,
            lambda _uc, offset, size, _data: bus.load(CNN_BASE + offset, size),
            None,
            lambda _uc, offset, size, value, _data: bus.store(CNN_BASE + offset, size, value),
            None,
        )
        self.symbols = {}
        with elf.open("rb") as file:
            image = ELFFile(file)
            for section in image.iter_sections():
                if section["sh_flags"] & SHF_ALLOC and section["sh_type"] == "SHT_PROGBITS":
                    self.uc.mem_write(section["sh_addr"], section.data())
            for symbol in image.get_section_by_name(".symtab").iter_symbols():
                self.symbols[symbol.name] = symbol["st_value"]

    def call(self, name, *arguments):
        """Call a function and return its result."""
        self._enter(*arguments)
        self.uc.emu_start(self.symbols[name] | 1, RETURN)
        return self.uc.reg_read(UC_ARM_REG_R0)

    def begin(self, name, n_instructions):
        """Execute the start of a function that may have no end; True if it had."""
        self._enter()
        self.uc.emu_start(self.symbols[name] | 1, RETURN, count=n_instructions)
        return self.uc.reg_read(UC_ARM_REG_PC) == RETURN

    def interrupt(self, name):
        """Execute an interrupt where the core is, then go on to the end of what it was doing."""
        context, pc = self.uc.context_save(), self.uc.reg_read(UC_ARM_REG_PC)
        self._enter(sp=self.uc.reg_read(UC_ARM_REG_SP) - 0x100 & ~7)
        self.uc.emu_start(self.symbols[name] | 1, RETURN)
        self.uc.context_restore(context)
        self.uc.emu_start(pc | 1, RETURN)

    def _enter(self, *arguments, sp=0x20F0_0000):
        self.uc.reg_write(UC_ARM_REG_SP, sp)
        self.uc.reg_write(UC_ARM_REG_LR, RETURN | 1)
        for register, value in zip(ARGUMENTS, arguments, strict=False):
            self.uc.reg_write(register, value)

    @property
    def console(self):
        """What was printed."""
        return self.read(self.symbols["console"], 1 << 16).partition(b"\0")[0].decode()

    def read(self, address, n_bytes):
        return bytes(self.uc.mem_read(address, n_bytes))

    def write(self, address, data):
        self.uc.mem_write(address, data)
