"""What click hands over: the value of every option that does something, by its parameter's name.

Types only. `request` gives them their meaning; a test holds the names equal to those declared.
"""

from pathlib import Path
from typing import TypedDict


class Given(TypedDict):
    """Values of one call; None where an option without a default was not given."""

    # files
    network: tuple[str, ...]
    config_file: Path | None
    checkpoint_file: tuple[Path, ...]
    sample_input: tuple[Path, ...]
    weight_input: Path | None
    bias_input: Path | None
    evaluation: Path | None
    test_dir: Path
    prefix: str | None
    device: str
    overwrite: bool
    c_filename: str
    api_filename: str
    weight_filename: str
    sample_filename: str
    sample_output_filename: str

    # what to do
    check: bool
    show: str | None
    compare: bool
    out: Path | None
    explain: str | None
    options: bool
    as_json: bool
    verbose: bool
    variants: bool

    # the network
    avg_pool_rounding: bool
    overlap_data: bool
    allow: tuple[str, ...]
    output_width: str | None
    input_offset: int | None
    stop_after: int | None
    no_bias: str | None
    ignore_activation: bool
    ignore_streaming: bool
    streaming_layers: str | None
    skip_yaml_layers: int
    skip_checkpoint_layers: int
    synthesize_input: int | None
    synthesize_words: int

    # the register program
    fifo: bool
    fast_fifo: bool
    mexpress: bool
    zero_sram: bool
    powerdown: bool
    write_zero_registers: bool
    fixed_input: bool
    ready_sel: int | None
    ready_sel_fifo: int | None
    ready_sel_aon: int | None
    max_checklines: int | None

    # the C code
    timer: int | None
    no_timer: bool
    softmax: bool
    no_kat: bool
    layer_checks: bool
    no_scale_output: bool
    no_unload: bool
    mlator: bool
    ignore_mlator_warning: bool
    verify_kernels: bool
    verify_writes: bool
    compact_data: bool
    compact_weights: bool
    debugwait: int
    no_wfi: bool
    energy: bool
    forever: bool
    boost: str | None
    clock_divider: str
    switch_delay: int
    no_fifo_wait: bool
    slow_load: int
    riscv: bool
    riscv_debug: bool
    riscv_exclusive: bool
    riscv_flash: bool | None
    riscv_cache: bool | None
    board_name: str
    define: str
    zephyr: bool
    vscode: bool
