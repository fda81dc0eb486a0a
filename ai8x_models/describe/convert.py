"""Plain PyTorch operations become layers of ours: the same network, ready for QAT.

A convolution takes the batch norm and the activation behind it along. What is left over and no
layer can do is refused, all of it at once. Weights are copied. Two things differ from the model
that was given: data saturate at -1 and 127/128 (examples scale the network so that theirs do not),
and answers without activation have 32 bits. The limits of single layers are `layers.rules`'; which
layers the accelerator runs as one is for `stages` to see, which is asked here only so that a model
that is refused is refused for everything at once.
"""

from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ai8x_models.describe.answers import restricted, without_tail, words_of
from ai8x_models.describe.finish import Tail
from ai8x_models.describe.fused import (
    Fused,
    activation_of,
    fused_layer,
    is_fold_reader,
    is_known_clamp,
    is_wide_clamp,
    norm_of,
)
from ai8x_models.describe.graph import (
    Activate,
    Affine,
    Clamp,
    Concat,
    Convolution,
    Foreign,
    Graph,
    Input,
    Join,
    Node,
    Normalize,
    Op,
    Own,
    Pad,
    PaddedPooling,
    Permute,
    Pooling,
    Slice,
    Upsample,
    View,
)
from ai8x_models.describe.onnx_reader import OnnxModel
from ai8x_models.describe.ranges import fit_scales
from ai8x_models.describe.record import record
from ai8x_models.describe.rewrites.axes import axes_dropped
from ai8x_models.describe.rewrites.editor import Rewrite
from ai8x_models.describe.rewrites.entrance import Preparation, prepare, without_preparations
from ai8x_models.describe.rewrites.order import permutes_cancelled, views_merged
from ai8x_models.describe.rewrites.pipeline import rewritten
from ai8x_models.describe.stages import problems_of
from ai8x_models.layers.layers import ElementWise, FusedLayer, Pool
from ai8x_models.layers.qat import Layer
from ai8x_models.layers.rules import Pair, refusal
from ai8x_models.zoo.registry import Shape
from max78000.errors import InternalError, ProblemList, ToolError, UnsupportedError, raise_all
from max78000.facts.fixed import Activation

_SEED = 0  # of the examples that stand in where none are given


@dataclass(frozen=True, slots=True)
class Network:
    """A graph whose operators are all layers of ours.

    Args:
        graph: without what the application does with the answers.
        on_cpu: what that is, as text.
        tail: the same as steps.
        preparations: what the application does with the input, in order.
        rewrites: what was said in other words, and its cost.
        arch: name of the model.
        input_scale: factor on the examples that the network was scaled for; a power of two.
        output_scales: factor on each answer, likewise.
        is_new: the layers were made here, and are those of no other model.
        order: nodes with layers, in the order in which a checkpoint has their weights: as they run,
            or as the model holds them whose layers they are.
    """

    graph: Graph
    on_cpu: tuple[str, ...]
    input_scale: float
    output_scales: tuple[float, ...]
    is_new: bool
    order: tuple[int, ...]
    arch: str
    tail: Tail | None = None
    preparations: tuple[Preparation, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()

    def prepared(self, x: Tensor) -> Tensor:
        """(N, *shape of the model's input) as the first layer takes it, not scaled yet."""
        return prepare(self.preparations, x)


class Converted(nn.Module):
    """The accelerator's part of a network, made of layers of ours, in the checkpoint's order.

    Takes data, `prepared`, times `input_scale`; gives its answers times `output_scales`.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.arch = network.arch
        seen: set[int] = set()
        for node in (network.graph.nodes[index] for index in network.order):
            if isinstance(node.op, Own) and id(node.op.layer) not in seen:
                name = node.name
                while hasattr(self, name):  # an attribute of this class, such as `network`
                    name += "_"
                seen.add(id(node.op.layer))
                self.add_module(name, node.op.layer)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, C, H, W) or (N, C, L); one answer, or a tuple of them."""
        results: list[Tensor] = []
        for node in self.network.graph.nodes:
            inputs = [results[source] for source in node.inputs]
            match node.op:
                case Input():
                    results.append(x)
                case Own(layer):  # a mean over rows and columns keeps no axes for them
                    results.append(layer(*inputs).reshape(len(x), *node.shape))
                case Concat():
                    results.append(torch.cat(inputs, dim=1))
                case _:
                    results.append(inputs[0].reshape(len(x), *node.shape))
        answers = tuple(results[index] for index in self.network.graph.outputs)
        return answers[0] if len(answers) == 1 else answers

    def __deepcopy__(self, memo: dict[int, object]) -> "Converted":
        """Layers are in the graph and in the module; both become the same copies."""
        nodes = tuple(
            replace(node, op=Own(deepcopy(node.op.layer, memo)))
            if isinstance(node.op, Own)
            else node
            for node in self.network.graph.nodes
        )
        graph = replace(self.network.graph, nodes=nodes)
        return Converted(replace(self.network, graph=graph)).train(self.training)


def convert(
    model: nn.Module, shape: Shape, examples: Tensor | None = None, rewrites: bool = True
) -> Converted:
    """Make the same network of our layers.

    Args:
        model: of plain `torch.nn`, of our layers, or of both; it is left as it was.
        shape: of its input, (C, H, W) or (C, L).
        examples: (N, *shape); with them the network is scaled so that no tensor saturates.
        rewrites: say in other words what the accelerator lacks, where that is exact.

    Raises:
        InputError: the model does not run on such data.
        ProblemList: everything that the accelerator cannot do, each with its place and a rewrite.
    """
    return deepcopy(Converted(network_of(model, shape, examples, rewrites)))


def arch_of(model: nn.Module) -> str:
    """Name of a model: its class's, or that of the file or the model it was made of."""
    return model.arch if isinstance(model, Converted | OnnxModel) else type(model).__name__


def network_of(
    model: nn.Module, shape: Shape, examples: Tensor | None = None, rewrites: bool = True
) -> Network:
    """The network of a model; layers of ours in it are the model's own. Raises as `convert`."""
    if examples is None:
        generator = torch.Generator().manual_seed(_SEED)
        recorded = record(model, torch.rand(2, *shape, generator=generator) * 2 - 1)
    else:
        recorded = record(model, examples)
    recorded = _tidied(recorded)
    graph, tail = without_tail(recorded)
    on_cpu = words_of(recorded, tail.nodes)
    graph, preparations = without_preparations(graph)
    graph, notes = rewritten(graph, is_allowed=rewrites)
    graph = restricted(graph, graph.outputs)
    network = replace(
        _Converter(graph, on_cpu, is_scaled=examples is not None).network(),
        arch=arch_of(model),
        tail=tail,
        preparations=preparations,
        rewrites=notes,
    )
    if network.is_new:
        return network
    places = {id(module): place for place, module in enumerate(model.modules())}

    def place(index: int) -> int:  # poolings and joins that the model does not hold come last
        return places.get(id(_layer(network.graph, index)), len(places))

    return replace(network, order=tuple(sorted(network.order, key=place)))


def _tidied(graph: Graph) -> Graph:
    """Without what leads to no answer, and what comes and goes: so exporters of files write it."""
    graph, _ = permutes_cancelled(graph)
    graph = axes_dropped(restricted(graph, graph.outputs))
    return restricted(views_merged(graph), graph.outputs)


def _layer(graph: Graph, index: int) -> Layer | None:
    op = graph.nodes[index].op
    return op.layer if isinstance(op, Own) else None


class _Converter:
    """One pass over the nodes. `new` maps nodes that are done to those of the new graph."""

    def __init__(self, graph: Graph, on_cpu: tuple[str, ...], is_scaled: bool) -> None:
        self.graph = graph
        self.on_cpu = on_cpu
        self.readers = graph.readers()
        self.chains = {
            index: self._chain(index)
            for index, node in enumerate(graph.nodes)
            if isinstance(node.op, Convolution)
        }
        self.wide = frozenset(index for index, chain in self.chains.items() if self._is_wide(chain))
        self.scales = fit_scales(graph, self.wide, is_scaled)
        self.answer_scales: dict[int, float] = {}
        self.nodes: list[Node] = []
        self.new: dict[int, int] = {}
        self.is_scaled = is_scaled
        self.shared: dict[int, tuple[Fused, FusedLayer, float]] = {}
        self.problems: list[ToolError] = []

    def network(self) -> Network:
        """Convert everything, or raise what cannot be."""
        taken = {index for chain in self.chains.values() for index in chain[1:]}
        for index, node in enumerate(self.graph.nodes):
            if index in taken:
                self.new[index] = self.new[node.inputs[0]]
                continue
            try:
                self._convert(index, node)
            except ToolError as error:
                found = error.problems if isinstance(error, ProblemList) else (error,)
                self.problems += [
                    type(one)(one.why, where=node.where, fix=one.fix, rule=one.rule)
                    for one in found
                ]
                self._add(index, Input(), replace(node, inputs=()))  # something of this shape
        outputs = tuple(self.new[index] for index in self.graph.outputs)
        graph = Graph(tuple(self.nodes), outputs)
        if self.problems:
            self.problems += problems_of(graph)
            raise_all({str(one): one for one in self.problems}.values())
        factors = tuple(
            self.answer_scales.get(self.new[index], self.scales[index])
            for index in self.graph.outputs
        )
        is_new = any(isinstance(node.op, Convolution) for node in self.graph.nodes)
        order = tuple(index for index in range(len(graph.nodes)) if _layer(graph, index))
        return Network(graph, self.on_cpu, self.scales[0], factors, is_new, order, "")

    def _convert(self, index: int, node: Node) -> None:
        match node.op:
            case Convolution():
                self._add_layer(index, node)
            case Pooling(kind, size, stride):
                layer = Pool(len(size), pool=kind, pool_size=_pair(size), pool_stride=_pair(stride))
                self._add(index, Own(layer), node)
            case Join(combine):
                self._add(index, Own(ElementWise(combine)), node)
            case Clamp(low=-1) if is_known_clamp(node.op):
                self.new[index] = self.new[node.inputs[0]]  # every layer does that anyway
            case Input() | Concat() | View() | Own():
                self._add(index, node.op, node)
            case _:
                raise _refusal(node.op)

    def _add(self, index: int, op: Op, node: Node) -> None:
        inputs = tuple(self.new[source] for source in node.inputs)
        self.new[index] = len(self.nodes)
        self.nodes.append(replace(node, op=op, inputs=inputs))

    def _chain(self, index: int) -> tuple[int, ...]:
        """A convolution and what it takes along: batch norm, activation, clamp."""
        chain = [index]
        stages: tuple[type, ...] = (Normalize, Activate, Clamp)
        while self.graph.is_private(chain[-1]):
            following = self.readers[chain[-1]][0]
            op = self.graph.nodes[following].op
            if not isinstance(op, stages) or (isinstance(op, Clamp) and not is_known_clamp(op)):
                break
            stages = stages[stages.index(type(op)) + 1 :]
            chain.append(following)
        ops = [self.graph.nodes[one].op for one in chain]
        is_linear = not any(isinstance(op, Activate | Clamp) for op in ops)
        return (*chain, *self._activation_behind_pool(chain[-1])) if is_linear else tuple(chain)

    def _activation_behind_pool(self, index: int) -> tuple[int, ...]:
        """ReLU behind max pooling may as well come before it."""
        if not self.graph.is_private(index):
            return ()
        pool = self.readers[index][0]
        if not self.graph.is_private(pool):
            return ()
        behind = self.readers[pool][0]
        is_max = isinstance(op := self.graph.nodes[pool].op, Pooling) and op.kind == "max"
        is_relu = self.graph.nodes[behind].op == Activate(Activation.RELU)
        return (behind,) if is_max and is_relu else ()

    def _is_wide(self, chain: tuple[int, ...]) -> bool:
        """An answer of the network that nobody has bounded."""
        ops = [self.graph.nodes[index].op for index in chain]
        is_answer = chain[-1] in self.graph.outputs and not self.readers[chain[-1]]
        return is_answer and all(
            isinstance(op, Convolution | Normalize) or is_wide_clamp(op) for op in ops
        )

    def _add_layer(self, index: int, node: Node) -> None:
        """Make the layer of a chain, or take the one that has these weights already."""
        chain = self.chains[index]
        behind = [self.graph.nodes[one].op for one in chain[1:]]
        assert isinstance(node.op, Convolution)
        fused = Fused(
            node.op,
            norm_of(behind),
            activation_of(behind),
            folds=is_fold_reader(self.graph, index, node.op.stride[0]),
            is_wide=index in self.wide,
            is_scaled=self.is_scaled,
            scales=(self.scales[node.inputs[0]], self.scales[chain[-1]]),
        )
        key = id(node.op.weight)
        if key not in self.shared:
            self.shared[key] = fused, *fused_layer(fused)
        before, layer, scale = self.shared[key]
        if not before.is_like(fused):
            why = "uses weights again with another bias, activation or scale than before"
            raise UnsupportedError(why, fix="give both uses the same, or weights of their own")
        self._add(index, Own(layer), node)
        if index in self.wide:
            self.answer_scales[self.new[index]] = scale


def _pair(sizes: Shape) -> Pair:
    rows, columns = (*sizes, 1)[:2]
    return rows, columns


def _refusal(op: Op) -> ToolError:
    """Why an operation that is left over has no layer."""
    match op:
        case Foreign(why, fix, rule):
            return refusal(why, fix=fix, rule=rule)
        case Affine() | Permute() | Slice() | Pad() | Upsample():
            return _refusal(op.otherwise)
        case PaddedPooling():
            return _refusal(op.pad.otherwise)
        case Normalize():
            fix = "put it directly after one, into whose weights it is folded"
            return UnsupportedError("batch norm that follows no convolution", fix=fix)
        case Activate(activation):
            why = f"{activation.value} that follows no convolution"
            fix = "move it in front of the addition or pooling, or put a 1x1 convolution before it"
            return UnsupportedError(why, fix=fix, rule="C17")
        case Clamp(low, high):
            fix = "use ReLU, or nothing: data saturate at -1 and 1"
            return UnsupportedError(f"keeps numbers within {low:g}..{high:g}", fix=fix)
        case _:
            raise InternalError(f"no layer for {op}")
