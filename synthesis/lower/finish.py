"""The section `finish` of a description -> a `Finish`: names and shapes resolved."""

from max78000.errors import InputError, ToolError, raise_all
from max78000.facts.fixed import DATA_ONE
from synthesis.finish.finish import Finish, FinishInput, FinishStep
from synthesis.finish.steps import Argmax, Misfit, Shape, shape_of
from synthesis.graph.ir import Graph, Layer
from synthesis.graph.ir import Shape as TensorShape
from synthesis.graph.scales import final_scale
from synthesis.read.description import NetworkSpec, StepSpec

RULE = "G26"


def lower_finish(network: NetworkSpec, graph: Graph) -> Finish:
    """Resolve the steps behind the accelerator.

    Args:
        network: the description.
        graph: its layers.
    Raises:
        ToolError: everything wrong with the steps.
    """
    if graph.unload:
        why = "finish reads the results of layers, and unload delivers something else"
        raise InputError(
            why, where=network.where_finish(0), fix="leave one of the two out", rule=RULE
        )
    found = _Steps(network, graph)
    for position in range(len(network.finish)):
        try:
            found.add(position)
        except Misfit as error:
            found.refuse(position, error.why, error.fix)
    found.check_use()
    raise_all(found.problems)
    return found.finish()


def unit_of(layer: Layer) -> float:
    """Real number for a stored 1 of a layer's result; docs/hardware/arithmetic.md."""
    bits = layer.kernel.bits if layer.is_wide and layer.kernel is not None else 1
    return 1 / (DATA_ONE << (bits - 1))


def seen_shape(shape: TensorShape) -> Shape:
    """Channels, rows, columns as steps see them: what is 1 at the end is no axis."""
    sizes: Shape = (shape.channels, *shape.dims)
    while len(sizes) > 1 and sizes[-1] == 1:
        sizes = sizes[:-1]
    return sizes


class _Steps:
    """The steps so far. A reference is the index of a layer's input, or minus a step's number."""

    def __init__(self, network: NetworkSpec, graph: Graph) -> None:
        self.network = network
        self.graph = graph
        self.layers = {layer.name.lower(): layer for layer in graph.layers}
        self.inputs: dict[str, FinishInput] = {}
        self.shapes: dict[str, Shape] = {}
        self.sources: dict[str, tuple[str, ...]] = {}  # step -> what it reads
        self.problems: list[ToolError] = []

    def add(self, position: int) -> None:
        """Take one step.

        Raises:
            Misfit: it cannot be taken.
        """
        spec = self.network.finish[position]
        name = self.name_of(position).lower()
        if name in self.shapes or name in self.layers or name in self.sources:
            raise Misfit("the name is taken", "give every layer and step a name of its own")
        sources = self._sources(position, spec)
        self.sources[name] = sources
        known = [self._shape(source) for source in sources]
        self.shapes[name] = shape_of(spec.step, known)

    def name_of(self, position: int) -> str:
        """Name of a step, given or not."""
        return self.network.finish[position].name or f"step{position}"

    def refuse(self, position: int, why: str, fix: str) -> None:
        """Note a problem."""
        where = self.network.where_finish(position)
        self.problems.append(InputError(why, where=where, fix=fix, rule=RULE))

    def check_use(self) -> None:
        """Refuse steps that lead nowhere, and such that read an index."""
        if self.problems:
            return
        read = {source for sources in self.sources.values() for source in sources}
        for position, spec in enumerate(self.network.finish):
            name = self.name_of(position).lower()
            if isinstance(spec.step, Argmax) and name in read:
                why = "an index is read by another step, which take real numbers"
                self.refuse(position, why, "make it a result, and do the rest in the application")
            elif name not in read and not self._is_result(position):
                self.refuse(position, "nobody reads it, and it is no result", "give result: true")

    def finish(self) -> Finish:
        """The whole, without problems."""
        numbers = {name: index for index, name in enumerate((*self.inputs, *self.sources))}
        steps = (
            FinishStep(
                name=self.name_of(position),
                where=self.network.where_finish(position),
                step=spec.step,
                inputs=tuple(numbers[source] for source in sources),
                shape=self.shapes[name],
                is_result=self._is_result(position),
            )
            for position, (spec, (name, sources)) in enumerate(
                zip(self.network.finish, self.sources.items(), strict=True)
            )
        )
        return Finish(tuple(self.inputs.values()), tuple(steps))

    def _is_result(self, position: int) -> bool:
        """Marked, or the last one if none is."""
        steps = self.network.finish
        is_last = position == len(steps) - 1
        return steps[position].result or (is_last and not any(spec.result for spec in steps))

    def _sources(self, position: int, spec: StepSpec) -> tuple[str, ...]:
        if spec.inputs is not None:
            return spec.inputs
        if position:
            return (self.name_of(position - 1).lower(),)
        return (self.graph.layers[-1].name.lower(),)

    def _shape(self, source: str) -> Shape:
        if source in self.shapes:
            return self.shapes[source]
        layer = self.layers.get(source)
        if layer is None:
            if source in self.sources:  # refused itself, or this step
                raise Misfit(f"reads {source}, which is not there", "mend that step first")
            raise Misfit(f"reads {source}: no layer and no step before", "name one of these")
        if layer not in self.graph.unloaded:
            raise Misfit(f"reads layer {layer.name}, which is not unloaded", _unloaded_fix(layer))
        shape = seen_shape(layer.out_shape)
        scale = final_scale(layer, self.graph)
        self.inputs[source] = FinishInput(layer.name, shape, unit_of(layer), scale)
        return shape


def _unloaded_fix(layer: Layer) -> str:
    return f"give {layer.name} output: true"
