"""What a core holds, in words: for whoever looks after a fault. Changes nothing."""

from collections.abc import Callable

from max78000.board.cpu import Core

N_GENERAL = 13
PER_LINE = 4
N_STACK_WORDS = 64  # that are searched for return addresses


def dump(core: Core, describe: Callable[[int], str], word_at: Callable[[int], int | None]) -> str:
    """Registers with names of functions, and what on the stack looks like callers.

    Args:
        core: as the fault left it.
        describe: an address of code in words; empty if nothing is known about it.
        word_at: the word of memory at an address; None where none is.
    """
    names = [f"R{n}" for n in range(N_GENERAL)] + ["SP", "LR", "XPSR", "CONTROL", "PRIMASK"]
    cells = [f"{name:7} {core.register(name):08x}" for name in names]
    lines = ["   ".join(cells[i : i + PER_LINE]) for i in range(0, len(cells), PER_LINE)]
    for name, addr in (("PC", core.pc), ("LR", core.register("LR") & ~1)):
        lines.append(f"{name:7} {addr:08x}   {describe(addr)}".rstrip())
    stack = core.register("SP")
    for addr in range(stack, stack + 4 * N_STACK_WORDS, 4):
        word = word_at(addr)
        place = describe(word & ~1) if word is not None and word & 1 else ""
        if place:
            lines.append(f"stack   {addr:08x}   {word:08x}   {place}")
    return "\n".join(lines)
