"""Model -> description: the whole way, on one screen."""

from collections.abc import Mapping, Sequence

from torch import nn

from ai8x_models.describe.convert import Network, network_of
from ai8x_models.describe.description import INPUT, LayerEntry, NetworkDescription
from ai8x_models.describe.graph import Graph, Own
from ai8x_models.describe.stages import stages_of
from ai8x_models.layers.layers import FoldedConv2d, FusedLayer
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
    folds = any(
        isinstance(node.op, Own)
        and isinstance(node.op.layer, FoldedConv2d)
        and network.graph.nodes[0].shape[0] != node.op.layer.folded_channels
        for node in network.graph.nodes
    )
    arch = arch or network.arch
    shape = network.graph.nodes[0].shape
    fold = 2 if folds else 1
    return NetworkDescription(
        arch,
        dataset or arch.lower(),
        shape,
        fold,
        network.on_cpu,
        entries,
        tuple(str(one) for one in network.preparations),
        tuple(str(one) for one in network.rewrites),
    )


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
