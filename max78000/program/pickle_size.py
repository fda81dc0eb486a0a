"""How much a pickle builds, found by looking at its operations; none of it is built.

A few bytes can name one tuple twice in another, that one twice in the next, and so on: what is a
hundred objects in memory takes years to hash or to print. And a length or an index makes the
unpickler take memory before it finds that there is nothing.

Format: the standard library's `pickletools`, whose table says what each operation takes and gives.
"""

import pickle
import pickletools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_VALUES = 1 << 22  # with everything shared written out; a network of a thousand layers has 10^5
MAX_INTEGER_BITS = 128  # PyTorch's own magic number has 77

_FILLS = frozenset({"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"})
_MARK = None


@dataclass(slots=True, eq=False)
class _Value:
    """An object of the pickle: how many values it holds, itself among them.

    What holds another counts it as it is then, so a held one must not be filled any more. Picklers
    fill an object before they put it anywhere, but for one that holds itself.
    """

    n_values: int = 1
    is_held: bool = False  # by another


def check_pickle(contents: bytes) -> None:
    """Look through the pickle at the start of some bytes.

    Raises:
        pickle.UnpicklingError: it builds more than any checkpoint does, or is none.
        ValueError: it is cut; so says `pickletools`.
    """
    stack: list[_Value | None] = []
    memo: dict[int, _Value] = {}
    for opcode, argument, _ in pickletools.genops(contents):
        _check_argument(opcode.name, argument, len(contents))
        if opcode.name == "MARK":
            stack.append(_MARK)
        elif opcode.name == "DUP":
            stack.append(_top(stack))
        elif opcode.name.endswith("GET"):
            stack.append(memo.setdefault(int(argument or 0), _Value()))
        elif opcode.name.endswith("PUT"):
            memo[int(argument or 0)] = _top(stack)
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = _top(stack)
        else:
            stack += _results(opcode, _taken(stack, opcode.stack_before))


def _check_argument(name: str, argument: Any, size: int) -> None:
    if name.endswith("PUT") and int(argument or 0) > size:
        raise pickle.UnpicklingError(f"index {argument} in a file of {size} bytes")
    if isinstance(argument, int) and argument.bit_length() > MAX_INTEGER_BITS:
        raise pickle.UnpicklingError(f"a whole number of {argument.bit_length():,} bits")


def _top(stack: Sequence[_Value | None]) -> _Value:
    if not stack or stack[-1] is _MARK:
        raise pickle.UnpicklingError("an operation without an object")
    return stack[-1]


def _taken(stack: list[_Value | None], before: Sequence[object]) -> list[_Value]:
    """What an operation takes from the stack: so many objects, or all down to the mark and more."""
    taken: list[_Value] = []
    n_below = len(before)
    if pickletools.markobject in before:
        n_below = before.index(pickletools.markobject)
        while stack and (value := stack.pop()) is not _MARK:
            taken.append(value)
    for _ in range(n_below):
        taken.append(_top(stack))
        stack.pop()
    return taken[::-1]


def _results(opcode: Any, taken: list[_Value]) -> list[_Value]:
    """What an operation leaves: something new that holds what it took, or that filled further."""
    if opcode.name in _FILLS and taken:
        if taken[0].is_held and len(taken) > 1:
            raise pickle.UnpicklingError("what another object holds is filled later")
        taken[0].n_values += sum(value.n_values for value in taken[1:])
        results = [taken[0]]
    else:
        n_values = 1 + sum(value.n_values for value in taken)
        results = [_Value(n_values) for _ in opcode.stack_after]
    for value in taken:
        value.is_held |= value not in results
    if any(value.n_values > MAX_VALUES for value in results):
        raise pickle.UnpicklingError(f"more than {MAX_VALUES:,} values inside each other")
    return results
