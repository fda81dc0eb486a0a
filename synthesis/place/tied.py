"""Values that differ by known amounts: a union-find over tensors, each with its distance to others.

Used for lanes (tensors of a join lie side by side) and for offsets (operands lie word by word in
turn). No meaning of its own.
"""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Tensor = TypeVar("Tensor", bound=Hashable)  # what names one


class Tied(Generic[Tensor]):
    """Groups of tensors; inside a group every tensor's value is the group's plus a constant."""

    def __init__(self, sources: Iterable[Tensor]) -> None:
        self._links = {source: (source, 0) for source in sources}

    def copy(self) -> "Tied[Tensor]":
        """The same groups, to try something with."""
        other = Tied[Tensor](())
        other._links = dict(self._links)
        return other

    def add(self, source: Tensor) -> None:
        """One more tensor, tied to nothing."""
        self._links[source] = (source, 0)

    def distance(self, source: Tensor) -> tuple[Tensor, int]:
        """Representative of a tensor's group, and the tensor's value minus the representative's."""
        parent, step = self._links[source]
        if parent == source:
            return source, 0
        root, rest = self.distance(parent)
        self._links[source] = (root, step + rest)
        return self._links[source]

    def tie(self, first: Tensor, second: Tensor, by: int) -> bool:
        """Let the second value be the first plus `by`; False if the two are tied otherwise."""
        (root, before), (other, after) = self.distance(first), self.distance(second)
        if root == other:
            return after - before == by
        self._links[other] = (root, before + by - after)
        return True

    def joined(self, first: Tensor, second: Tensor, by: int) -> dict[Tensor, int]:
        """The group that tying two tensors would make: member -> distance to the lowest value."""
        (root, before), (other, after) = self.distance(first), self.distance(second)
        shift = before + by - after if root != other else 0
        members = {}
        for source in self._links:
            its_root, step = self.distance(source)
            if its_root in (root, other):
                members[source] = step + (shift if its_root == other else 0)
        lowest = min(members.values())
        return {source: step - lowest for source, step in members.items()}

    def groups(self) -> list[dict[Tensor, int]]:
        """Groups in the order of their first members: member -> distance to the lowest value."""
        found: dict[Tensor, dict[Tensor, int]] = {}
        for source in self._links:
            root, step = self.distance(source)
            found.setdefault(root, {})[source] = step
        return [
            {source: step - min(group.values()) for source, step in group.items()}
            for group in found.values()
        ]
