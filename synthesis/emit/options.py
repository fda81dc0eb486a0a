"""What the command line decides about the C project. Values only; a default is a plain test."""

from dataclasses import dataclass, field

DEFAULT_BOARD = "EvKit_V1"


@dataclass(frozen=True, slots=True)
class FileNames:
    """Names of the written files. `api` None: its code goes into the main file; `sample_output`
    None: its constants do.
    """

    main: str = "main.c"
    api: str | None = "cnn.c"
    weights: str = "weights.h"
    sample: str = "sampledata.h"
    sample_output: str | None = "sampleoutput.h"

    @property
    def riscv_main(self) -> str:
        """The main file of the RISC-V core, if it runs the network."""
        return f"{self.main.removesuffix('.c')}_riscv.c"


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin of the part, such as 2.5 for the supply boost of the evaluation kit."""

    port: int
    index: int


@dataclass(frozen=True, slots=True)
class RiscV:
    """The network runs on the RISC-V core, and the Arm core starts it."""

    has_debug_pins: bool = False  # for a debugger of that core
    owns_memory: bool = False  # SRAM2 and SRAM3 are that core's alone
    keeps_in_flash: bool = True  # constants in the section of its linker script that stays there


@dataclass(frozen=True, slots=True)
class ProjectOptions:
    """What the command line decides about the C code."""

    timer: int | None = None
    has_kat: bool = True
    has_unload: bool = True
    scales_outputs: bool = True  # cnn_unload() multiplies by 2^final_scale of the checkpoint
    has_softmax: bool = False  # of the last layer
    debug_wait_s: int = 2
    sleeps: bool = True  # while the network runs; else spins
    measures_energy: bool = False
    runs_forever: bool = False
    checks_layers: bool = False  # main() checks every layer, not the known answer alone
    gathers_bytes: bool = False  # cnn_unload() uses the accelerator's byte gather where it can
    says_what_is_not_gathered: bool = True
    verifies_kernels: bool = False
    verifies_registers: bool = False
    has_compact_data: bool = True  # input from arrays; else one statement a word
    has_compact_weights: bool = False  # plain kernels without the word that is always 0
    has_fixed_input: bool = False
    clock_divider: int = 1
    switch_delay_ms: int = 0
    waits_for_fifo: bool = True
    slow_load_us: int = 0  # pause after every word for a FIFO
    boost: Pin | None = None
    has_zephyr: bool = False  # a module of Zephyr in it
    has_vscode: bool = False  # settings of VS Code in it
    riscv: RiscV | None = None  # None: the Arm core runs the network
    board: str = DEFAULT_BOARD
    defines: tuple[str, ...] = ()
    names: FileNames = field(default_factory=FileNames)
