"""The emitted C on an emulated RISC-V core: it compiles, feeds the fast FIFO, finds its answer."""

import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from emulator import CNN_BASE, CNN_SIZE, COMMON, SHF_ALLOC, SHIM
from unicorn import UC_ARCH_RISCV, UC_MODE_RISCV32, Uc
from unicorn.riscv_const import (
    UC_RISCV_REG_A0,
    UC_RISCV_REG_MEPC,
    UC_RISCV_REG_PC,
    UC_RISCV_REG_RA,
    UC_RISCV_REG_SP,
)

from max78000.machine import Machine
from networks import Net, compile_net, project_of, write_files
from synthesis.emit.options import ProjectOptions, RiscV
from synthesis.read.files import Files
from synthesis.read.source import InputPath

RISCV_SHIM = Path(__file__).parent / "riscv_shim"
ZIG = (sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=all")
RISCV = (*ZIG, "-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+a+c")
ARM = (*ZIG, "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4")
FAST, PAGE = 0x400C_0000, 0x1000
RETURN = 0x10FF_FF00
CALLS = ("cnn_init", "cnn_load_weights", "cnn_load_bias", "cnn_configure")
STREAMED = "{streaming: true, pad: 1}\n{streaming: true, pad: 1}"
NETS = {
    "fast": Net("{pad: 1, activate: ReLU}", "4x3x3x3", "3x6x6", input_path=InputPath.FAST_FIFO),
    "streamed": Net(STREAMED, "4x3x3x3 4x4x3x3", "3x12x12", input_path=InputPath.FAST_FIFO),
    "chw": Net("{pad: 1, data_format: chw}", "4x1x3x3", "1x6x6", input_path=InputPath.FAST_FIFO),
    "fifo": Net("{pad: 1}", "4x3x3x3", "3x6x6", input_path=InputPath.FIFO),
    "plain": Net("{pad: 1}", "4x3x3x3", "3x6x6", bias=3),
}
OPTIONS = ProjectOptions(timer=0, riscv=RiscV(has_debug_pins=True, owns_memory=True))


class Core:
    """A RISC-V core with flash, RAM and a few peripherals, beside the simulated accelerator."""

    def __init__(self, elf, machine):
        self.uc = Uc(UC_ARCH_RISCV, UC_MODE_RISCV32)
        self.symbols = {}
        for base, size in ((0x1000_0000, 0x100_0000), (0x2000_0000, 0x100_0000),
                           (0x4000_0000, FAST - 0x4000_0000)):  # fmt: skip
            self.uc.mem_map(base, size)
        for base, size in ((CNN_BASE, CNN_SIZE), (FAST, PAGE)):
            self._connect(base, size, machine)
        with elf.open("rb") as file:
            image = ELFFile(file)
            for section in image.iter_sections():
                if section["sh_flags"] & SHF_ALLOC and section["sh_type"] == "SHT_PROGBITS":
                    self.uc.mem_write(section["sh_addr"], section.data())
            for symbol in image.get_section_by_name(".symtab").iter_symbols():
                self.symbols[symbol.name] = symbol["st_value"]

    def _connect(self, base, size, machine):
        def store(_uc, offset, n_bytes, value, _data):
            if n_bytes == 1:
                machine.store_byte(base + offset, value)
            else:
                machine.store(base + offset, value)

        def load(_uc, offset, _n_bytes, _data):
            return machine.load(base + offset)

        self.uc.mmio_map(base, size, load, None, store, None)

    def call(self, name):
        """Call a function, or take an interrupt, and return its result."""
        self.uc.reg_write(UC_RISCV_REG_SP, 0x20F0_0000)
        self.uc.reg_write(UC_RISCV_REG_RA, RETURN)
        self.uc.reg_write(UC_RISCV_REG_MEPC, RETURN)
        self.uc.emu_start(self.symbols[name], RETURN)
        assert self.uc.reg_read(UC_RISCV_REG_PC) == RETURN
        return self.uc.reg_read(UC_RISCV_REG_A0)

    def word(self, name):
        return int.from_bytes(self.uc.mem_read(self.symbols[name], 4), "little")


def written(folder, net, options=OPTIONS):
    """The project of a network in a folder."""
    compiled = compile_net(net)
    files = Files(*write_files(folder, net))
    for name, text in project_of(compiled, files, options).items():
        (folder / name).write_text(text)
    return compiled


def compile_c(compiler, folder, names, elf):
    """Compile files of a project; warnings are errors."""
    sources = [*(str(folder / name) for name in names), str(SHIM / "bare.c")]
    headers = (f"-I{path}" for path in (RISCV_SHIM, SHIM, folder))
    linker = (f"-Wl,-T,{RISCV_SHIM / 'bare.ld'}", "-Wl,--no-gc-sections", "-o", str(elf))
    command = [*compiler, *COMMON, *headers, *sources, *linker]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", NETS)
def test_the_network_runs_from_the_riscv_core(tmp_path, name):
    compiled = written(tmp_path, NETS[name])
    elf = tmp_path / "riscv.elf"
    compile_c(RISCV, tmp_path, ("main_riscv.c", "cnn.c"), elf)
    machine = Machine()
    core = Core(elf, machine)
    for call in CALLS:
        assert core.call(call) == 1
    feed = ("cnn_start", "load_input")
    for call in feed if compiled.graph.input_path.is_fifo else reversed(feed):
        core.call(call)
    assert machine.is_irq_pending
    assert core.word("cnn_time") == 0
    core.call("CNN_IRQHandler")
    assert not machine.is_irq_pending
    assert core.word("cnn_time") == 1
    assert core.call("check_output") == 1
    assert machine.check_known_answer(compiled.program) is None


def test_a_wrong_answer_is_seen(tmp_path):
    compiled = written(tmp_path, NETS["fast"])
    compile_c(RISCV, tmp_path, ("main_riscv.c", "cnn.c"), tmp_path / "riscv.elf")
    machine = Machine()
    core = Core(tmp_path / "riscv.elf", machine)
    for call in (*CALLS, "cnn_start", "load_input"):
        core.call(call)
    answer = compiled.program.known_answer[0]
    machine.store(answer.addr, answer.words[0] ^ 1)
    assert core.call("check_output") == 0


def test_the_arm_core_compiles(tmp_path):
    written(tmp_path, NETS["fast"])
    compile_c(ARM, tmp_path, ("main.c",), tmp_path / "arm.elf")


EVERYTHING = ProjectOptions(
    riscv=RiscV(keeps_in_flash=False),
    measures_energy=True,
    has_softmax=True,
    verifies_kernels=True,
    verifies_registers=True,
    sleeps=False,
    slow_load_us=3,
)


def test_other_options_compile_too(tmp_path):
    written(tmp_path, NETS["fast"], EVERYTHING)
    assert "rvflash" not in (tmp_path / "main_riscv.c").read_text()
    names = ("main_riscv.c", "cnn.c", "softmax.c")
    compile_c(RISCV, tmp_path, names, tmp_path / "riscv.elf")
    compile_c(ARM, tmp_path, ("main.c",), tmp_path / "arm.elf")
