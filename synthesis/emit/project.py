"""Register program -> the text of every file of a C project. Writes nothing: the caller does,
atomically.

The files, functions and macros are the ones users of the vendor's generator call, so that existing
application code keeps compiling. Same inputs, same bytes: no dates, no paths.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from max78000 import regmap
from max78000.chip import Chip
from max78000.program import OutputMap, RegisterProgram
from max78000.regmap import global_register_addr, quadrant_register_addr
from synthesis.emit import rows
from synthesis.version import VERSION

MAX_STEP = 1 << 16


@dataclass(frozen=True, slots=True)
class ProjectOptions:
    """What the command line decides about the C code."""

    timer: int | None = None
    has_kat: bool = True
    has_unload: bool = True
    softmax_shift: int | None = None  # None: no soft-max
    debug_wait_s: int = 2


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What the emitted text says about the network besides the program itself."""

    quadrants: tuple[int, ...]
    num_outputs: int
    unloaded: tuple[int, ...]  # layers that cnn_unload() delivers
    streams: bool  # some layers run at the same time
    summary: tuple[str, ...]
    provenance: tuple[str, ...]


def emit_project(
    program: RegisterProgram, facts: ProjectFacts, options: ProjectOptions, chip: Chip
) -> dict[str, str]:
    """File name -> text."""
    environment = Environment(
        loader=PackageLoader("synthesis.emit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    context = _context(program, facts, options, chip)
    inputs = rows.input_rows(program, chip) or rows.fifo_rows(program, chip)
    arrays = {
        "weights.h": (
            "Weights and biases, packed as the accelerator loads them.",
            [rows.kernel_array(program), *map(rows.bias_array, rows.bias_rows(program, chip))],
        ),
        "sampledata.h": (
            "Sample input in the layout of the first layer.",
            [rows.word_array(f"SAMPLE_INPUT_{row.number}", row.words) for row in inputs],
        ),
        "sampleoutput.h": ("The known answer.", [rows.known_answer_array(program)]),
    }
    if not options.has_kat:
        del arrays["sampleoutput.h"]
    files = {
        name: environment.get_template("arrays.h.j2").render(context, title=title, arrays=lines)
        for name, (title, lines) in arrays.items()
    }
    names = ["cnn.c", "cnn.h", "main.c", "Makefile", "project.mk"]
    if options.softmax_shift is not None:
        names.append("softmax.c")
    for name in names:
        files[name] = environment.get_template(f"{name}.j2").render(context)
    return files


def _context(
    program: RegisterProgram, facts: ProjectFacts, options: ProjectOptions, chip: Chip
) -> Mapping[str, Any]:
    outputs = [output for output in program.outputs if output.layer in facts.unloaded]
    power = sum(1 << quadrant for quadrant in facts.quadrants)
    acknowledge = regmap.CTL.pack(cnn_irq=1, cnn_en=1, stream_en=int(facts.streams))
    return {
        "name": program.name,
        "chip": chip.name,
        "version": VERSION,
        "provenance": facts.provenance,
        "summary": facts.summary,
        "num_outputs": facts.num_outputs,
        "unload_words": -(-sum(map(_n_bytes, outputs)) // 4),
        "has_wide_outputs_only": all(output.width_bits == 32 for output in outputs),
        "timer": options.timer,
        "has_kat": options.has_kat,
        "has_unload": options.has_unload,
        "softmax_shift": options.softmax_shift,
        "debug_wait_s": options.debug_wait_s,
        "control_addrs": [
            rows.hex_word(quadrant_register_addr(chip, regmap.CTL, quadrant))
            for quadrant in facts.quadrants
        ],
        "acknowledge": rows.hex_word(acknowledge),
        "power_mask": f"0x{power:x}",
        "isolation_mask": f"0x{~power & 0xF:x}",
        "init": rows.write_rows(program.phase("init"), chip),
        "configure": tuple(rows.configure_blocks(program, chip)),
        "start": rows.write_rows(program.phase("start"), chip),
        "biases": rows.bias_rows(program, chip),
        "inputs": rows.input_rows(program, chip),
        "fifos": rows.fifo_rows(program, chip),
        "fifo_status": rows.hex_word(global_register_addr(chip, regmap.FIFO_STAT)),
        "unload": tuple(rows.unload_rows(outputs)) if options.has_unload else None,
    }


def _n_bytes(output: OutputMap) -> int:
    channels, height, width = output.shape
    return channels * height * width * output.width_bits // 8
