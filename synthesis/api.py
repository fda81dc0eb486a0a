"""The compiler for Python: `compile_network`, and what can be done with its result.

    from synthesis import compile_network

    network = compile_network("networks/digit_net.yaml", "digit_net-q.pth.tar", picture)
    (scores,) = network.machine().predict(another)  # bit for bit what the chip computes
    network.write("build/digit_net")

Takes files or values. Computes nothing of its own: the stages are in `compile`, the simulated
accelerator is in `max78000`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from numpy.typing import ArrayLike

from max78000.errors import InputError
from max78000.facts.chip import MAX78000, Chip
from max78000.machine.predict import LoadedMachine, signed_bytes
from max78000.program.layer_dump import save_dump
from max78000.program.layer_table import LayerTable
from max78000.program.program import RegisterProgram
from synthesis.compile import Compiled, compile_source
from synthesis.emit.layer_files import layer_table
from synthesis.emit.options import ProjectOptions
from synthesis.emit.whole_project import project_files
from synthesis.emit.write import write_project
from synthesis.generate.options import Options
from synthesis.graph.interpret import interpret
from synthesis.read.checkpoint import Checkpoint, read_checkpoint
from synthesis.read.description import NetworkSpec
from synthesis.read.files import Files, find_files, read_text
from synthesis.read.onnx_file import read_onnx
from synthesis.read.sample import read_sample
from synthesis.read.source import InputPath, Source, Tensor
from synthesis.read.yaml_reader import read_network
from synthesis.report.report import Report
from synthesis.rules.manual import allowed_rules


@dataclass(frozen=True, slots=True)
class CompiledNetwork:
    """A network that fits the chip: its program, its report, and ways to run it.

    Attributes:
        stages: everything the compiler made on the way: graph, placement, results, program, report.
        files: the description and the weights, as named in the C files.
        options: that it was compiled with.
        chip: that it was compiled for.
    """

    stages: Compiled
    files: Files
    options: Options
    chip: Chip

    @property
    def program(self) -> RegisterProgram:
        """Everything the chip is told, and the known answer."""
        return self.stages.program

    @property
    def report(self) -> Report:
        """What the network takes of the chip, layer by layer."""
        return self.stages.report

    @property
    def layers(self) -> dict[str, Tensor]:
        """What the interpreter makes of the sample: int64 (C, H, W) by layer name, in order."""
        names = (layer.name for layer in self.stages.graph.layers)
        return dict(zip(names, self.stages.results, strict=True))

    @property
    def table(self) -> LayerTable:
        """Where the accelerator leaves each layer's result; for `LoadedMachine.layers`."""
        return layer_table(self.stages, self.chip)

    def interpret(self, x: ArrayLike) -> tuple[Tensor, ...]:
        """Compute the outputs without the accelerator, from the graph alone; see `predict`."""
        graph = self.stages.graph
        image = signed_bytes(x, "x")
        if image.shape != (graph.input_shape.channels, *graph.input_shape.dims):
            found = "x".join(map(str, image.shape))
            raise InputError(f"is {found}, the network takes {graph.input_shape}", where="x")
        results = interpret(graph, image, round_average=self.options.round_average)
        return tuple(results[layer.index] for layer in graph.outputs)

    def machine(self) -> LoadedMachine:
        """Load the program into a simulated accelerator, which sees nothing else of the network."""
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
            project: choices about the C code; left out, a plain known-answer test.
            layer_checks: the firmware checks every layer and says which is the first to differ.
            overwrite: replace the files in a folder that exists.
        Returns:
            The folder, for `max78000 build` and its like.
        Raises:
            InputError: it exists; or description or weights were never in a file, so that there is
                no hash that C files could name.
        """
        project = project or ProjectOptions()
        for path in (self.files.network, self.files.checkpoint):
            if not path.is_file():
                why = "is no file, and a project names the hashes of what it is made of"
                fix = "save what was made in memory, and compile from the files"
                raise InputError(why, where=str(path), fix=fix)
        project = replace(project, checks_layers=layer_checks or project.checks_layers)
        contents = project_files(self.stages, self.files, project, self.chip)
        write_project(Path(folder), contents, overwrite=overwrite)
        return Path(folder)


def compile_network(
    network: str | Path | NetworkSpec,
    checkpoint: str | Path | Checkpoint | None = None,
    sample: ArrayLike | Path | None = None,
    options: Options | None = None,
    *,
    input_path: InputPath = InputPath.MEMORY,
    allow: Collection[str] = (),
) -> CompiledNetwork:
    """Compile a network for the MAX78000.

    Args:
        network: description: a YAML file, or read already.
        checkpoint: integer weights: a `.pth.tar` or `.onnx` file, or read already. Left out: the
            file in `checkpoints` that is named like the description.
        sample: an input for the known answer, integers -128..127, (C, H, W) or (C, L); or its
            `.npy` file. Left out: the file in `networks/samples` named like the description.
        options: choices about the program, its name among them.
        input_path: how the input reaches the accelerator.
        allow: rules that only warn.
    Raises:
        ToolError: what is wrong with the files; or all violations of a stage's rules at once, each
            with place, numbers and a way out.
    """
    spec = network if isinstance(network, NetworkSpec) else _read_description(Path(network))
    weights = checkpoint.source if isinstance(checkpoint, Checkpoint) else checkpoint
    files = find_files(Path(spec.source), None if weights is None else Path(weights), None)
    parameters = checkpoint if isinstance(checkpoint, Checkpoint) else _read_weights(files)
    image = _image_of(files.sample if sample is None else sample, files)
    options = options or Options(files.network.stem)
    source = Source(spec, parameters, image, input_path)
    stages = compile_source(source, options, MAX78000, allowed_rules(allow))
    return CompiledNetwork(stages, files, options, MAX78000)


def _read_description(path: Path) -> NetworkSpec:
    return read_network(read_text(path), str(path))


def _read_weights(files: Files) -> Checkpoint:
    is_onnx = files.checkpoint.suffix.lower() == ".onnx"
    return read_onnx(files.checkpoint) if is_onnx else read_checkpoint(files.checkpoint)


def _image_of(sample: ArrayLike | Path | None, files: Files) -> Tensor:
    """The sample, checked, from wherever it is."""
    if sample is None:
        fix = "give sample=, an array of the network's input shape or a .npy file"
        raise InputError("there is no sample input", where=str(files.network), fix=fix)
    if isinstance(sample, str | Path):
        return read_sample(Path(sample))
    return signed_bytes(sample, "sample")
