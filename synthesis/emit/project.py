"""Register program -> the text of every file of a C project. Writes nothing: the caller does,
atomically.

The files, functions and macros are the ones users of the vendor's generator call, so that existing
application code keeps compiling. Same inputs, same bytes: no dates, no paths.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.regmap import quadrant_register_addr
from max78000.program.program import Copy, KernelBlock, OutputMap, RegisterProgram
from max78000.program.strict_json import hex_word
from synthesis.emit import rows
from synthesis.emit.c_template import c_template
from synthesis.emit.options import FileNames, Pin, ProjectOptions
from synthesis.emit.other_builds import other_builds
from synthesis.emit.places import gather_problem, places_array
from synthesis.emit.unload import softmax_context, unload_context
from synthesis.generate.unload import UnloadLayout
from synthesis.version import VERSION

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.emit.finish import FinishText
    from synthesis.finish.plan import Plan

FINISH_FILES = ("cnn_finish.c", "cnn_finish.h")
__all__ = [
    "FileNames",
    "Pin",
    "ProjectFacts",
    "ProjectOptions",
    "emit_project",
    "gather_warnings",
]


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What the emitted text says about the network besides the program itself."""

    quadrants: tuple[int, ...]
    unload: UnloadLayout  # what cnn_unload() delivers
    streams: bool  # some layers run at the same time
    softmax_shift: int | None  # None: no soft-max; values of 8-bit layers take 0
    finish: "Plan | None"  # what stands behind the accelerator
    scales: tuple[str, ...]  # final scales, if there are any but 0
    summary: tuple[str, ...]
    provenance: tuple[str, ...]


def emit_project(
    program: RegisterProgram, facts: ProjectFacts, options: ProjectOptions, chip: Chip
) -> dict[str, str]:
    """File name -> text."""
    context = project_context(program, facts, options, chip)
    names = options.names

    def render(template: str, **more: Any) -> str:
        return c_template(template).render(context, **more)

    files = {
        name: render("arrays.h", title=title, arrays=arrays)
        for name, title, arrays in data_headers(program, options, chip)
    }
    files["cnn.h"] = render("cnn.h")
    if options.riscv is None:
        test_file, test = names.main, render("main.c")
        files |= {name: render(name) for name in ("Makefile", "project.mk")}
    else:
        test_file, test = names.riscv_main, render("main_riscv.c")
        files[names.main] = render("main_arm_wrapper.c")
        files["Makefile"] = render("Makefile_riscv")
    if names.api is None:
        files[test_file] = render("cnn.c") + "\n" + test
    else:
        files[names.api] = render("cnn.c")
        files[test_file] = test
    if facts.softmax_shift is not None:
        files["softmax.c"] = render("softmax.c")
    if facts.finish is not None:
        files |= {name: render(name) for name in FINISH_FILES}
    return files | other_builds(context, options, files, (test_file,))


def gather_warnings(unloaded: Iterable[OutputMap]) -> tuple[str, ...]:
    """Outputs that `--mlator` does not help, and why (rule O7)."""
    return tuple(
        f"layer {output.layer} {output.name}: --mlator is ignored, {problem} [O7]"
        for output in unloaded
        if (problem := gather_problem(output))
    )


def data_headers(
    program: RegisterProgram, options: ProjectOptions, chip: Chip
) -> list[tuple[str, str, list[rows.Array]]]:
    """Name, title and arrays of the files that hold constants."""
    names = options.names
    biases = map(rows.bias_array, rows.bias_rows(program, chip))
    kernels = rows.kernel_array(program, is_compact=_is_compact(program, options))
    inputs = rows.input_rows(program, chip) or rows.fifo_rows(program, chip)
    samples = [rows.word_array(f"SAMPLE_INPUT_{row.number}", row.words) for row in inputs]
    headers = [
        (
            names.weights,
            "Weights and biases, packed as the accelerator loads them.",
            [kernels, *biases],
        ),
        (names.sample, "Sample input in the layout of the first layer.", samples),
    ]
    if options.has_kat and names.sample_output is not None:
        headers.append((names.sample_output, "The known answer.", _answer(program)))
    return headers


def _answer(program: RegisterProgram) -> list[rows.Array]:
    return [rows.known_answer_array(program), places_array(program.outputs)]


def _in_flash(options: ProjectOptions) -> str:
    """What keeps a constant of the RISC-V core out of RAM."""
    if options.riscv is None or not options.riscv.keeps_in_flash:
        return ""
    return '__attribute__((section(".rvflash_section"))) '


def _packs_kernels(program: RegisterProgram) -> bool:
    """Whether kernels are loaded nine bytes a word; a network without any packs them all."""
    operations = program.phase("load_weights").operations
    return all(isinstance(operation, KernelBlock) for operation in operations)


def _is_compact(program: RegisterProgram, options: ProjectOptions) -> bool:
    return options.has_compact_weights and not _packs_kernels(program)


def project_context(
    program: RegisterProgram, facts: ProjectFacts, options: ProjectOptions, chip: Chip
) -> Mapping[str, Any]:
    """Everything that the templates name: the options as they are, and what is made of the rest."""
    return {
        **option_context(options),
        "timer": None if options.measures_energy else options.timer,
        "softmax_shift": facts.softmax_shift,
        "name": program.name,
        "chip": chip.name,
        "version": VERSION,
        "provenance": facts.provenance,
        "summary": facts.summary,
        "softmax": softmax_context(facts.unload, facts.softmax_shift),
        "finish": _finish_text(facts.finish),
        "scales_note": facts.scales,
        "packs_kernels": _packs_kernels(program),
        "has_compact_weights": _is_compact(program, options),
        **power_context(facts.quadrants, chip, streams=facts.streams),
        **_phases(program, options, chip),
        **unload_context(facts.unload, chip, gathers=options.gathers_bytes),
        "in_flash": _in_flash(options),
        "inline_arrays": _answer(program) if options.names.sample_output is None else [],
    }


def _finish_text(plan: "Plan | None") -> "FinishText | None":
    if plan is None:
        return None
    from synthesis.emit.finish import finish_text  # noqa: PLC0415 - few networks have one

    return finish_text(plan)


def option_context(options: ProjectOptions) -> dict[str, Any]:
    """The options by their names."""
    return {field.name: getattr(options, field.name) for field in fields(options)}


def power_context(quadrants: Sequence[int], chip: Chip, *, streams: bool) -> dict[str, Any]:
    """Quadrants in use: their power, and how their interrupt is acknowledged."""
    power = sum(1 << quadrant for quadrant in quadrants)
    # Quirk stream-restart: behind a stream its bit goes, too; the start is repeated whole.
    acknowledge = regmap.CTL.pack(cnn_irq=1, cnn_en=1, stream_en=int(streams))
    return {
        "control_addrs": [
            hex_word(quadrant_register_addr(chip, regmap.CTL, quadrant)) for quadrant in quadrants
        ],
        "acknowledge": hex_word(acknowledge),
        "power_mask": f"0x{power:x}",
        "isolation_mask": f"0x{~power & 0xF:x}",
    }


def _phases(program: RegisterProgram, options: ProjectOptions, chip: Chip) -> dict[str, Any]:
    """The program's phases as statements and rows."""
    init = program.phase("init")
    return {
        "init": rows.statements(init, chip),
        "has_clears": any(isinstance(operation, Copy) for operation in init.operations),
        "configure": tuple(
            rows.configure_blocks(program, chip, verifies=options.verifies_registers)
        ),
        "start": rows.statements(program.phase("start"), chip),
        "biases": rows.bias_rows(program, chip),
        "inputs": rows.input_rows(program, chip),
        "fifos": rows.fifo_rows(program, chip),
    }
