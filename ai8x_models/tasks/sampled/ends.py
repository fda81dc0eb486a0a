"""The layers with which a network ends: what the accelerator gives, before the processor's steps.

A detector turns, cuts and joins what its last layers say. Each of them has a final scale of its
own, so in integers its results become real numbers there, not behind the steps; and these results
are what the accelerator is compared with.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ai8x_models.describe.convert import network_of
from ai8x_models.describe.graph import Own
from ai8x_models.layers.qat import DATA_GRID, WIDE_GRID, QatModule
from ai8x_models.zoo.registry import Shape

_Hook = Callable[[nn.Module, Any, Tensor], Tensor | None]


@dataclass(frozen=True, slots=True)
class Ends:
    """Layers by the name that descriptions give them.

    Args:
        layers: in the order of the network's outputs.
        private: names of those that no other layer reads.
    """

    layers: Mapping[str, nn.Module]
    private: frozenset[str]

    @classmethod
    def of(cls, model: nn.Module, shape: Shape) -> "Ends":
        """Find them; raises as `network_of`."""
        graph = network_of(model, shape).graph
        readers = graph.readers()
        layers: dict[str, nn.Module] = {}
        private: set[str] = set()
        for index in graph.outputs:
            node = graph.nodes[index]
            if isinstance(node.op, Own):
                layers[node.name] = node.op.layer
                private |= set() if readers[index] else {node.name}
        return cls(layers, frozenset(private))

    @contextmanager
    def kept(self) -> Iterator[dict[str, Tensor]]:
        """Collect what the layers give in the meantime, (N, ...) by name."""
        found: dict[str, Tensor] = {}

        def keep(name: str) -> _Hook:
            return lambda _layer, _inputs, result: found.update({name: result})

        with _hooked({name: (layer, keep(name)) for name, layer in self.layers.items()}):
            yield found

    @contextmanager
    def made_real(self) -> Iterator[None]:
        """Let the layers give real numbers, for steps to go on with, in place of integers.

        Those that other layers read go on giving integers; they have no final scale.
        """
        private = {name: self.layers[name] for name in self.layers if name in self.private}
        with _hooked({name: (layer, _made_real) for name, layer in private.items()}):
            yield


def real_numbers_of(integers: Tensor) -> Tensor:
    """Results of the accelerator as numbers; float64, which holds them all."""
    if integers.dtype is torch.float64:
        return integers
    one = WIDE_GRID.one if integers.dtype is torch.int32 else DATA_GRID.one
    return integers.double() / one


def _made_real(layer: nn.Module, _inputs: Any, result: Tensor) -> Tensor:
    unloaded = layer.unloaded(result) if isinstance(layer, QatModule) else result
    return real_numbers_of(unloaded)


@contextmanager
def _hooked(hooks: Mapping[str, tuple[nn.Module, _Hook]]) -> Iterator[None]:
    handles = [layer.register_forward_hook(hook) for layer, hook in hooks.values()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
