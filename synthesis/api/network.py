"""One network: a request in, a compiled network or a refusal out."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from max78000.errors import InputError
from max78000.facts.chip import MAX78000, Chip
from max78000.program.input_file import signed_bytes
from max78000.program.layer_dump import save_dump
from max78000.program.layer_table import LayerTable
from max78000.program.program import RegisterProgram
from synthesis.compile import Compiled
from synthesis.emit.checks import check_project
from synthesis.emit.firmware_size import report_firmware
from synthesis.emit.layer_files import layer_table
from synthesis.emit.options import ProjectOptions
from synthesis.emit.whole_project import project_files
from synthesis.emit.write import write_project
from synthesis.generate.options import ProgramOptions
from synthesis.graph.interpret import answers, interpret
from synthesis.graph.scales import final_scale
from synthesis.lower.overrides import Overrides, apply_overrides
from synthesis.lower.stand_in import StandIns, stand_in
from synthesis.read.checkpoint import Checkpoint
from synthesis.read.description import NetworkSpec
from synthesis.read.evaluation import read_evaluation
from synthesis.read.files import Files, Ready, find_files, read_source
from synthesis.read.source import InputPath, Tensor
from synthesis.report.report import Report, report_on, to_json
from synthesis.rules.manual import allowed_rules
from synthesis.variants.advice import compile_or_advise

if TYPE_CHECKING:
    from max78000.machine.predict import LoadedMachine


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the compiler.

    Attributes:
        files: description, weights and sample.
        options: choices about the register program, its name among them.
        project: choices about the C code.
        overrides: what changes in the network before it is compiled.
        input_path: how the input reaches the accelerator.
        allowed: rules that only warn.
        chip: to compile for.
        checks_shapes: what is missing of the default checkpoint and sample is made up, by the
            shapes in the description; nothing can be written then.
        tries_variants: the report says what changes of the network would bring; each takes as
            long as to place the network.
    """

    files: Files
    options: ProgramOptions
    project: ProjectOptions = field(default_factory=ProjectOptions)
    overrides: Overrides = field(default_factory=Overrides)
    input_path: InputPath = InputPath.MEMORY
    allowed: frozenset[str] = frozenset()
    chip: Chip = MAX78000
    checks_shapes: bool = False
    tries_variants: bool = False


def compile_files(request: Request, ready: Ready | None = None) -> "CompiledNetwork":
    """Compile what is asked for.

    Args:
        request: where things are, and every choice.
        ready: what need not be read from files.
    Raises:
        ToolError: what is wrong with the files; or all violations of a stage's rules at once, each
            with place, numbers and a way out; and at the end, where the chip is too small, the
            cheapest change with which the network fits, found by trying.
    """
    evaluation = request.files.evaluation
    scores = read_evaluation(evaluation, request.files.checkpoint) if evaluation else ()
    made_up = StandIns(ready or Ready())
    if request.checks_shapes:
        made_up = stand_in(request.files, made_up.ready, request.chip)
    source = read_source(request.files, request.input_path, made_up.ready)
    source = apply_overrides(source, request.overrides)
    compiled = compile_or_advise(source, request.options, request.chip, request.allowed)
    warnings = check_project(compiled, request.project, request.chip)
    report = report_on(compiled, request.chip, (*made_up.notes, *warnings))
    firmware = report_firmware(compiled, request.project, request.chip)
    report = replace(report, firmware=firmware, scores=scores)
    if request.tries_variants:
        from synthesis.variants.gains import find_gains  # noqa: PLC0415 - who asks for it waits

        found = find_gains(source, report, request.chip, request.allowed)
        report = replace(report, variants=found)
    return CompiledNetwork(request, compiled, report)


@dataclass(frozen=True, slots=True)
class CompiledNetwork:
    """A network that fits the chip: its program, its report, and ways to run it.

    Attributes:
        request: what was asked for: files, options, chip.
        stages: everything the compiler made on the way: graph, placement, results, program.
        report: what the network takes of the chip, layer by layer; and warnings.
    """

    request: Request
    stages: Compiled
    report: Report

    @property
    def program(self) -> RegisterProgram:
        """Everything the chip is told, and the known answer."""
        return self.stages.program

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not stop the compiler, and should be known."""
        return self.report.warnings

    @property
    def layers(self) -> dict[str, Tensor]:
        """What the interpreter makes of the sample: int64 (C, H, W) by layer name, in order."""
        names = (layer.name for layer in self.stages.graph.layers)
        return dict(zip(names, self.stages.results, strict=True))

    @property
    def final_scales(self) -> tuple[int, ...]:
        """What the integers of `predict` and `interpret` mean, for each output.

        The network answers a value times two to the power of this (0 but for QATv2).
        """
        graph = self.stages.graph
        return tuple(final_scale(layer, graph) for layer in graph.outputs)

    @property
    def table(self) -> LayerTable:
        """Where the accelerator leaves each layer's result; for `LoadedMachine.layers`."""
        return layer_table(self.stages, self.request.chip)

    def interpret(self, x: ArrayLike) -> tuple[Tensor, ...]:
        """Compute the outputs without the accelerator, from the graph alone; see `predict`."""
        graph = self.stages.graph
        image = signed_bytes(x, "x")
        if image.shape != (graph.input_shape.channels, *graph.input_shape.dims):
            found = "x".join(map(str, image.shape))
            raise InputError(f"is {found}, the network takes {graph.input_shape}", where="x")
        results = interpret(graph, image, round_average=self.request.options.round_average)
        return tuple(results[layer.index] for layer in graph.outputs)

    def answers(self, outputs: Sequence[ArrayLike]) -> dict[str, NDArray[Any]]:
        """What the core makes of outputs, by the name of the result: the section `finish`.

        Args:
            outputs: as `interpret` and `LoadedMachine.predict` give them.
        Returns:
            float32, or int32 of an index; nothing for a network without the section.
        """
        graph = self.stages.graph
        results = [np.zeros(0, np.int64)] * len(graph.layers)
        for layer, output in zip(graph.outputs, outputs, strict=True):
            results[layer.index] = np.asarray(output, np.int64)
        return answers(graph, results, scales=self.request.project.scales_outputs)

    def machine(self) -> "LoadedMachine":
        """Load the program into a simulated accelerator, which sees nothing else of the network."""
        from max78000.machine.predict import LoadedMachine  # noqa: PLC0415 - who asks for it waits

        return LoadedMachine(self.program)

    def save_layers(self, path: str | Path) -> None:
        """Write `layers` as a dump (.npz) for `max78000 compare`.

        Raises:
            InputError: it cannot be written.
        """
        save_dump(Path(path), self.layers)

    def write(
        self,
        folder: str | Path,
        project: ProjectOptions | None = None,
        *,
        layer_checks: bool = False,
        overwrite: bool = False,
    ) -> Path:
        """Write the C project, whole or not at all.

        Args:
            folder: to make; its parents are made too.
            project: choices about the C code; left out, those of the request.
            layer_checks: the firmware checks every layer and says which is the first to differ.
            overwrite: replace the files in a folder that exists.
        Returns:
            The folder, for `max78000 build` and its like.
        Raises:
            InputError: it exists; or description or weights were never in a file, so that there is
                no hash that C files could name.
            ToolError: the network and these choices do not go together, or not into the flash.
        """
        project = project or self.request.project
        project = replace(project, checks_layers=layer_checks or project.checks_layers)
        files, chip = self.request.files, self.request.chip
        need_files(files)
        check_project(self.stages, project, chip)
        report = replace(self.report, firmware=report_firmware(self.stages, project, chip))
        contents = project_files(self.stages, report, files, project, chip)
        write_project(Path(folder), contents, overwrite=overwrite)
        return Path(folder)


def compile_network(  # noqa: PLR0913 - each is something that a user has or decides
    network: str | Path | NetworkSpec,
    checkpoint: str | Path | Checkpoint | None = None,
    sample: ArrayLike | Path | None = None,
    options: ProgramOptions | None = None,
    *,
    project: ProjectOptions | None = None,
    input_path: InputPath = InputPath.MEMORY,
    allow: Collection[str] = (),
) -> CompiledNetwork:
    """Compile a network for the MAX78000.

    Args:
        network: description: a YAML file, or read already.
        checkpoint: integer weights: a `.pth.tar` or `.onnx` file, or read already. Left out: the
            file in `checkpoints` that is named like the description; for `arch: test`, arrays
            where the vendor's generator looks for them.
        sample: an input for the known answer, integers -128..127, (C, H, W) or (C, L); or its
            `.npy` file. Left out: the file in `networks/samples` named like the description.
        options: choices about the program, its name among them.
        project: choices about the C code, which `CompiledNetwork.write` will make.
        input_path: how the input reaches the accelerator.
        allow: rules that only warn.
    Raises:
        ToolError: what is wrong with the files; or all violations of a stage's rules at once, each
            with place, numbers and a way out.
    """
    spec = network if isinstance(network, NetworkSpec) else None
    weights = checkpoint if isinstance(checkpoint, Checkpoint) else None
    sample_file = Path(sample) if isinstance(sample, str | Path) else None
    files = find_files(_path(network), _path(checkpoint), sample_file)
    request = Request(
        files=files,
        options=options or ProgramOptions(files.network.stem),
        project=project or ProjectOptions(),
        input_path=input_path,
        allowed=allowed_rules(allow),
    )
    return compile_files(request, Ready(spec, weights, _image_of(sample)))


def report_files(
    network: Path, checkpoint: Path, sample: Path, *, is_streamed: bool = False
) -> dict[str, Any]:
    """Say what a network of files takes of the chip, as `report.json` does.

    The trainer's search asks this of every candidate; it finds it by the entry point of the group
    `ai8x.compilers`, for neither of the two packages imports the other.

    Args:
        network: description, a YAML file.
        checkpoint: integer weights; untrained ones do.
        sample: an input.
        is_streamed: the input comes through the FIFO.
    Raises:
        ToolError: as `compile_network`.
    """
    input_path = InputPath.FIFO if is_streamed else InputPath.MEMORY
    compiled = compile_network(network, checkpoint, sample, input_path=input_path)
    found: dict[str, Any] = json.loads(to_json(compiled.report))
    return found


def need_files(files: Files) -> None:
    """Refuse to write what was never in a file."""
    for path in (files.network, files.checkpoint):
        if not path.is_file():
            why = "is no file, and a project names the hashes of what it is made of"
            fix = "save what was made in memory, and compile from the files"
            raise InputError(why, where=str(path), fix=fix)


def _path(given: str | Path | NetworkSpec | Checkpoint | None) -> Path | None:
    """Where something is, or was read from."""
    if isinstance(given, NetworkSpec | Checkpoint):
        return Path(given.source)
    return None if given is None else Path(given)


def _image_of(sample: ArrayLike | Path | None) -> Tensor | None:
    """The sample, checked, if it is a value."""
    return (
        None if sample is None or isinstance(sample, str | Path) else signed_bytes(sample, "sample")
    )
