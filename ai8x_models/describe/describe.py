"""Model -> description: the whole way, on one screen."""

from collections.abc import Mapping, Sequence

from torch import nn

from ai8x_models.describe.answers import words_of
from ai8x_models.describe.convert import Network, network_of
from ai8x_models.describe.description import INPUT, LayerEntry, NetworkDescription
from ai8x_models.describe.finish import End, StepEntry, finish_entries, seen_shape
from ai8x_models.describe.graph import Graph, Own, View
from ai8x_models.describe.stages import stages_of
from ai8x_models.layers.layers import FusedLayer, fold_of
from ai8x_models.layers.rules import refusal
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, InternalError, ProblemList, ToolError


def describe(
    model: nn.Module, shape: Shape, arch: str = "", dataset: str = "", rewrites: bool = True
) -> NetworkDescription:
    """Describe a network to the compiler.

    Args:
        model: of our layers, of plain `torch.nn`, or of both. The weights of a description are
            found by position; those of a model that is not all ours are in `convert(model, shape)`.
        shape: of its input, (C, H, W) or (C, L).
        arch: name that its checkpoints carry; left out, that of the model's class.
        dataset: what it is for; left out, `arch` in small letters.
        rewrites: say in other words what the accelerator lacks, where that is exact; see `rewrites`
            of the result.

    Raises:
        InputError: the model does not run on such data, or holds its layers in an impossible order.
        ProblemList: everything that the accelerator cannot do, each with its place and a rewrite.
    """
    return describe_network(network_of(model, shape, rewrites=rewrites), model, arch, dataset)


def check_model(model: nn.Module, shape: Shape) -> tuple[ToolError, ...]:
    """Everything that keeps a network from the accelerator, as `describe` would raise it.

    None means that it can be described; whether it fits is the compiler's to say.
    """
    try:
        describe(model, shape)
    except InternalError:
        raise
    except ToolError as error:
        return error.problems if isinstance(error, ProblemList) else (error,)
    return ()


def describe_network(
    network: Network, model: nn.Module, arch: str = "", dataset: str = ""
) -> NetworkDescription:
    """Describe a network that has been looked at already; see `describe`."""
    entries = stages_of(network.graph)
    if not entries:
        why = "does nothing that the accelerator could do"
        raise InputError(why, where=type(model).__name__, fix="describe a model with a layer in it")
    if not network.is_new:
        entries = _in_checkpoint_order(entries, network.graph, model)
    arch = arch or network.arch
    shape = network.graph.nodes[0].shape
    layers = (node.op.layer for node in network.graph.nodes if isinstance(node.op, Own))
    finish, left = _finish(network, entries)
    return NetworkDescription(
        arch=arch,
        dataset=dataset or arch.lower(),
        input_shape=shape,
        fold=fold_of(layers, shape[0]),
        on_cpu=network.on_cpu,
        layers=tuple(entries),
        preparations=tuple(str(one) for one in network.preparations),
        rewrites=tuple(str(one) for one in network.rewrites),
        finish=finish,
        left=left,
    )


def _finish(
    network: Network, entries: Sequence[LayerEntry]
) -> tuple[tuple[StepEntry, ...], tuple[str, ...]]:
    """The section behind the layers, and in words what it does not say."""
    tail, by_name = network.tail, {entry.name: entry for entry in entries}
    names = [_layer_name(network.graph, index) for index in network.graph.outputs]
    if tail is None or len(names) != len(tail.ends) or not by_name.keys() >= set(names):
        return (), network.on_cpu
    ends = [
        End(name, seen_shape(by_name[name].out_shape), scale)
        for name, scale in zip(names, network.output_scales, strict=True)
    ]
    found = finish_entries(tail, ends, tuple(by_name))
    return found, words_of(tail.graph, tail.left) if found else network.on_cpu


def _layer_name(graph: Graph, index: int) -> str:
    """The layer whose result a node shows."""
    node = graph.nodes[index]
    return _layer_name(graph, node.inputs[0]) if isinstance(node.op, View) else node.name


def _in_checkpoint_order(
    entries: Sequence[LayerEntry], graph: Graph, model: nn.Module
) -> tuple[LayerEntry, ...]:
    """Entries in the order in which the model holds their layers, which is the checkpoint's.

    Raises:
        InputError: the model has layers that never run, or one that stands before one it reads.
    """
    names = {
        id(node.op.layer): node.name for node in reversed(graph.nodes) if isinstance(node.op, Own)
    }
    held = [
        (path, id(layer)) for path, layer in model.named_modules() if isinstance(layer, FusedLayer)
    ]
    idle = [path for path, layer in held if layer not in names]
    if idle:
        why = f"layers that never run have weights in the checkpoint: {', '.join(idle)}"
        raise InputError(why, where=type(model).__name__, fix="remove them, or run them")
    by_name = {entry.name: entry for entry in entries}
    weighted = iter([by_name[names[layer]] for _, layer in held])
    order: dict[str, LayerEntry] = {}
    for entry in entries:
        if entry.has_weights:
            _append(next(weighted), by_name, order, type(model).__name__)
        elif all(source in order or source == INPUT for source in entry.sources):
            order.setdefault(entry.name, entry)
    for entry in entries:
        _append(entry, by_name, order, type(model).__name__)
    return tuple(order.values())


def _append(
    entry: LayerEntry, by_name: Mapping[str, LayerEntry], order: dict[str, LayerEntry], where: str
) -> None:
    """Append an entry, after those without weights of its own that it needs."""
    if entry.name in order:
        return
    for source in (*entry.sources, *filter(None, [entry.weight_source])):
        before = by_name.get(source)
        if before is None or source in order:
            continue
        if before.has_weights:
            why = f"the model defines {entry.name} before {before.name}, which it reads"
            fix = f"define {before.name} before {entry.name}: checkpoints have that order"
            raise refusal(why, where, fix, "G9")
        _append(before, by_name, order, where)
    order[entry.name] = entry
