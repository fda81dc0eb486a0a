"""Description + integer weights + input shape -> Graph: channels and dimensions of every layer
resolved.

Only what has to hold for a graph to exist is checked here; what the chip can do is `rules`'
business.
"""

from dataclasses import dataclass, replace

from max78000.errors import InputError, ToolError, raise_all
from max78000.facts.chip import Chip
from synthesis.graph.copies import as_convolution
from synthesis.graph.ir import (
    BUFFER,
    INPUT,
    Buffer,
    Constraints,
    Graph,
    Kernel,
    Layer,
    Pool,
    Producer,
    Shape,
)
from synthesis.lower.assign import assign_kernels, weight_owners
from synthesis.lower.buffer import (
    buffer_problems,
    place_at_buffer,
    read_buffer,
    read_unload,
    unload_problems,
)
from synthesis.lower.operation import Operation, read_operation
from synthesis.lower.sequence import Step, order_layers
from synthesis.lower.unused import unused_entries
from synthesis.read.checkpoint import Checkpoint
from synthesis.read.description import (
    LayerSpec,
    NetworkSpec,
    Operator,
    Pair,
)
from synthesis.read.source import Source, Tensor


def lower(source: Source, chip: Chip) -> Graph:
    """Build the graph.

    Args:
        source: description, weights, and the sample for its shape.
        chip: number of layers and of processors, size of a data memory instance.

    Raises:
        ToolError: all problems of one stage at once: order, operations, weights, shapes.
    """
    network, checkpoint = source.network, source.checkpoint
    input_shape = Shape(*source.image.shape)
    _check_arch(network, checkpoint)
    check_image(network, source.image)
    steps = order_layers(network, chip)
    operations = read_operations(steps)
    kernels = assign_kernels(steps, operations, checkpoint)
    done = Done(layers=[], image=input_shape, buffer=read_buffer(network))
    problems: list[ToolError] = []
    for step, operation, kernel in zip(steps, operations, kernels, strict=True):
        layer = resolve_layer(step, operation, kernel, done)
        if step.spec.move:
            problems.extend(_not_a_copy(layer))
            layer = as_convolution(layer)
        done.layers.append(place_at_buffer(layer, done.buffer, chip))
    graph = Graph(
        name=network.arch,
        source=network.source,
        input_shape=input_shape,
        layers=tuple(done.layers),
        output_map=network.output_map,
        input_path=source.input_path,
        buffer=done.buffer,
        unload=read_unload(network),
        unused=unused_entries(checkpoint, len(weight_owners(steps, operations))),
    )
    raise_all([*problems, *_shape_problems(graph, chip), *unload_problems(graph.unload, chip)])
    if not network.finish:
        return graph
    from synthesis.lower.finish import lower_finish  # noqa: PLC0415 - few networks have one

    return replace(graph, finish=lower_finish(network, graph))


def _check_arch(network: NetworkSpec, checkpoint: Checkpoint) -> None:
    arch = checkpoint.arch
    if arch is not None and arch.lower() != network.arch.lower():
        raise InputError(
            f"arch is {network.arch}, the checkpoint {checkpoint.source} was made for {arch}",
            where=f"{network.source}:1",
            fix="use the checkpoint of this network, or correct arch",
            rule="G12",
        )


def check_image(network: NetworkSpec, image: Tensor) -> None:
    """The sample has the shape that the description gives, if it gives one (rule G24)."""
    wanted = (*(network.input_shape or image.shape), 1)[:3]
    if image.shape != wanted:
        raise InputError(
            f"the sample is {Shape(*image.shape)}, the network takes {Shape(*wanted)}",
            where=network.source,
            fix=f"give a sample of {Shape(*wanted)} (channels, rows, columns), or correct "
            "input_shape",
            rule="G24",
        )


def read_operations(steps: tuple[Step, ...]) -> list[Operation]:
    """The operation of every layer.

    Raises:
        ToolError: all that contradict themselves.
    """
    operations, problems = [], list[ToolError]()
    for step in steps:
        try:
            operations.append(read_operation(step.spec, step.where))
        except InputError as error:
            problems.append(error)
    raise_all(problems)
    return operations


@dataclass(frozen=True, slots=True)
class Done:
    """What a layer can read: the layers so far, the image, the rolling buffer."""

    layers: list[Layer]
    image: Shape
    buffer: Buffer | None

    def shape(self, producer: Producer) -> Shape:
        """Of a tensor."""
        if producer == BUFFER and self.buffer is not None:
            return self.buffer.shape
        return self.layers[producer.step].out_shape if producer.is_layer else self.image


def resolve_layer(step: Step, operation: Operation, kernel: Kernel | None, done: Done) -> Layer:
    """A layer with its shapes; without a kernel its outputs are as many as its inputs."""
    spec = step.spec
    dims = spec.in_dim or _source_dims(step, done)
    is_1d = operation.op is Operator.CONV1D or (
        operation.op is Operator.PASSTHROUGH and dims[1] == 1
    )
    pool = _one_dimensional(operation.pool) if is_1d else operation.pool
    pooled = pool.output(dims, is_1d=is_1d)
    n_flattened = max(1, pooled[0] * pooled[1]) if spec.flatten else 1
    source_channels = [done.shape(source).channels for source in step.sources]
    channels = _in_channels(step, operation, kernel, source_channels, n_flattened)
    outputs = int(kernel.weights_oihw.shape[0]) if kernel is not None else channels
    out_dims = (1, 1) if spec.flatten else _output_dims(operation, pooled, is_1d=is_1d)
    return Layer(
        index=len(done.layers),
        name=step.name,
        where=step.where,
        op=operation.op,
        sources=step.sources,
        in_shape=Shape(channels, *dims),
        out_shape=Shape(spec.out_channels or outputs, *out_dims),
        pool=pool,
        operands=operation.operands,
        combine=operation.combine,
        pool_first=spec.pool_first is not False,
        kernel=kernel,
        kernel_size=operation.kernel_size,
        pad=operation.pad,
        stride=operation.stride,
        dilation=operation.dilation[0] if is_1d else max(operation.dilation),
        output_pad=operation.output_pad,
        flatten=spec.flatten,
        activation=operation.activation,
        output_width=spec.output_width or 8,
        in_crop=spec.in_crop or (0, 0),
        is_output=spec.output,
        buffer_shift=spec.buffer_shift or 0,
        buffer_insert=spec.buffer_insert or 0,
        is_streaming=spec.streaming,
        follows_streaming=bool(done.layers) and done.layers[-1].is_streaming,
        passthrough_bits=0 if kernel else spec.quantization or 0,
        constraints=_constraints(spec),
    )


def _constraints(spec: LayerSpec) -> Constraints:
    return Constraints(
        processors=spec.processors,
        output_processors=spec.output_processors,
        in_offset=spec.in_offset,
        out_offset=spec.out_offset,
        write_gap=spec.write_gap,
        bias_group=spec.bias_group,
        data_format=spec.data_format,
    )


def _one_dimensional(pool: Pool) -> Pool:
    return replace(pool, window=(pool.window[0], 1), stride=(pool.stride[0], 1))


def _source_dims(step: Step, done: Done) -> Pair:
    shape = done.shape(step.sources[0])
    dropped = step.spec.buffer_shift or 0
    return (max(0, shape.n_pixels - dropped), 1) if dropped else shape.dims


def _in_channels(
    step: Step,
    operation: Operation,
    kernel: Kernel | None,
    source_channels: list[int],
    n_flattened: int,
) -> int:
    """Input channels per operand, before flattening; counts that include pixels are divided."""
    spec = step.spec
    given = spec.in_channels
    stored = int(kernel.weights_oihw.shape[1]) if kernel is not None else 0
    if given is None and spec.in_sequences is None and stored and stored % n_flattened == 0:
        given = stored
    if given is not None:
        return given if given % n_flattened else given // n_flattened
    if step.sources == (INPUT,):
        return source_channels[0] // operation.operands
    return source_channels[0] if operation.combine else sum(source_channels)


def _output_dims(operation: Operation, pooled: Pair, *, is_1d: bool) -> Pair:
    if operation.op is Operator.CONVTRANSPOSE2D:
        rows, columns = (
            (n - 1) * 2 - 2 * pad + k + operation.output_pad
            for n, pad, k in zip(pooled, operation.pad, operation.kernel_size, strict=True)
        )
        return rows, columns
    rows, columns = (
        n + 2 * pad - dilation * (k - 1)
        for n, pad, k, dilation in zip(
            pooled, operation.pad, operation.kernel_size, operation.dilation, strict=True
        )
    )
    return rows, 1 if is_1d else columns


def _shape_problems(graph: Graph, chip: Chip) -> list[ToolError]:
    problems: list[ToolError] = []
    for layer in graph.layers:
        found = _empty(layer) or _not_1d(layer)
        found = found or list(buffer_problems(layer, graph.buffer, chip))
        problems.extend(found or _weights_problem(layer) + _source_problems(layer, graph))
    return problems


def _empty(layer: Layer) -> list[ToolError]:
    sizes = (*layer.in_shape.dims, *layer.pooled, *layer.out_shape.dims, layer.in_shape.channels)
    if min(sizes) > 0:
        return []
    return [
        InputError(
            f"nothing is left: input {layer.in_shape}, pooled to {layer.pooled[0]}x"
            f"{layer.pooled[1]}, output {layer.out_shape}",
            where=layer.where,
            fix="check the sample's size, pooling windows and strides",
            rule="D3",
        )
    ]


def _not_1d(layer: Layer) -> list[ToolError]:
    shape = layer.in_shape
    if layer.op is not Operator.CONV1D or shape.columns == 1:
        return []
    return [
        InputError(
            f"Conv1d reads an image of {shape.rows}x{shape.columns}",
            where=layer.where,
            fix=f"give in_dim: {shape.n_pixels}, or use Conv2d",
            rule="G16",
        )
    ]


def _not_a_copy(layer: Layer) -> list[ToolError]:
    is_copy = layer.op is Operator.PASSTHROUGH and layer.combine is None and not layer.pool.is_used
    if is_copy:
        return []
    fix = "use op: passthrough and nothing else, or remove move"
    return [
        InputError(
            "move in a layer that does more than to copy", where=layer.where, fix=fix, rule="P6"
        )
    ]


def _weights_problem(layer: Layer) -> list[ToolError]:
    outputs = layer.in_shape.channels
    if layer.kernel is not None:
        outputs = int(layer.kernel.weights_oihw.shape[0])
    if layer.out_shape.channels != outputs:
        why = f"out_channels is {layer.out_shape.channels}, the layer makes {outputs} channels"
        return [InputError(why, where=layer.where, fix="remove out_channels", rule="P3")]
    if layer.kernel is None:
        return []
    inputs = layer.in_shape.channels
    if layer.flatten:
        inputs *= layer.pooled[0] * layer.pooled[1]
    stored = int(layer.kernel.weights_oihw.shape[1])
    problems: list[ToolError] = []
    if stored != inputs:
        shape = "flattened " if layer.flatten else ""
        problems.append(
            InputError(
                f"{inputs} {shape}input channels, the weights {layer.kernel.source} have {stored}",
                where=layer.where,
                fix="check the sample's shape, in_sequences and the order of the layers",
                rule="G24" if INPUT in layer.sources else "P2",
            )
        )
    bias = layer.kernel.bias
    if bias is not None and bias.shape[0] != layer.out_shape.channels:
        problems.append(
            InputError(
                f"{bias.shape[0]} bias values for {layer.out_shape.channels} output channels",
                where=layer.where,
                fix="check out_channels and the checkpoint",
                rule="C13",
            )
        )
    return problems


def _source_problems(layer: Layer, graph: Graph) -> list[ToolError]:
    shapes = [graph.shape_of(source) for source in layer.sources]
    problems: list[ToolError] = []
    n_pixels = layer.in_shape.n_pixels + sum(layer.in_crop) * layer.in_shape.columns
    n_pixels += layer.buffer_shift
    same = all(shape.n_pixels == n_pixels for shape in shapes)
    joined = 0 if layer.combine else sum(shape.n_pixels for shape in shapes)
    if not same and joined != n_pixels:
        problems.append(
            InputError(
                f"reads {layer.in_shape.rows}x{layer.in_shape.columns} pixels, its producers have "
                + ", ".join(f"{shape.rows}x{shape.columns}" for shape in shapes),
                where=layer.where,
                fix="give in_dim, or make the producers equal",
                rule="G14",
            )
        )
    if problems:
        return problems
    counts = [shape.channels for shape in shapes]
    if layer.combine and len(set(counts)) > 1:
        why = f"combines tensors of {', '.join(map(str, counts))} channels"
        problems.append(InputError(why, where=layer.where, fix="make them equal", rule="G13"))
        return problems
    n_offered = sum(counts) if same and not layer.combine else counts[0]
    is_split = layer.combine is not None and len(counts) == 1  # rules G24 and E6b look at these
    if layer.index and not is_split and n_offered != layer.in_shape.channels:
        why = f"reads {layer.in_shape.channels} channels, its producers have {n_offered}"
        fix = "check in_sequences, in_channels and the order of the layers"
        problems.append(InputError(why, where=layer.where, fix=fix, rule="P2"))
    return problems
