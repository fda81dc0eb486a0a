"""The picture on its way in: the words of the FIFOs, until a running accelerator has all of them.

Source: docs/hardware/memories.md#fifo-input; docs/hardware/registers.md#fifo-control.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.machine.memory import MachineFault, RegisterFile

FAST = None  # in place of a FIFO's number


@dataclass(frozen=True, slots=True)
class InputFrame:
    """One input frame on its way in: words that have arrived, by FIFO.

    `spread` lists the quadrants that get a byte each of every word of the fast FIFO; if it is
    empty, words go whole to the quadrant of their FIFO, those of the fast one to quadrant 0.
    """

    n_words: int  # of each FIFO
    words: dict[int | None, list[int]]
    spread: tuple[int, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Every FIFO has got its words."""
        return all(len(words) >= self.n_words for words in self.words.values())

    def by_quadrant(self) -> dict[int, list[int]]:
        """The words for the first data memory of each quadrant that is fed."""
        # Quirk fast-fifo-bytes: byte q reaching processor 16q is assumed, not documented.
        if self.spread:
            return {q: [word >> (8 * q) & 0xFF for word in self.words[FAST]] for q in self.spread}
        return {fifo or 0: words for fifo, words in self.words.items()}

    def __str__(self) -> str:
        return "the FIFOs got " + ", ".join(f"{len(words)} words" for words in self.words.values())


def awaited_frame(
    chip: Chip, registers: RegisterFile, quadrants: Sequence[int]
) -> InputFrame | None:
    """The empty frame that started quadrants wait for; None if they read data memory.

    Raises:
        MachineFault: the registers disagree about which FIFO is used, or switch none on.
    """
    is_on, is_fast, is_grouped = (
        [q for q in quadrants if registers.get(regmap.CTL, name, q)]
        for name in ("fifo_en", "ffifo_en", "fifogrp")
    )
    n_words = registers.get(regmap.IFRM, "value")
    enabled = registers.get(regmap.FIFO_CTL, "fifo_en")
    if is_fast or is_grouped:
        if not set(is_fast) <= set(is_on):
            raise MachineFault(f"CTL.ffifo_en without CTL.fifo_en, in quadrants {is_fast}")
        if is_grouped and (is_grouped, is_fast) != ([0], [0]):
            why = f"set in quadrants {is_grouped}, the fast FIFO feeds quadrants {is_fast}"
            raise MachineFault(f"CTL.fifogrp is {why}; it goes with quadrant 0 alone")
        if enabled:
            raise MachineFault("the fast FIFO is on, but FIFO_CTL.fifo_en is not 0")
        if not n_words or not registers.load(regmap.FFIFO_CTL):
            raise MachineFault("the fast FIFO is on, but FFIFO_CTL or IFRM is 0")
        return InputFrame(n_words, {FAST: []}, () if is_grouped else tuple(is_fast))
    if not is_on:
        return None
    if not enabled or not n_words:
        raise MachineFault("the FIFO is on, but FIFO_CTL.fifo_en or IFRM is 0")
    if not registers.get(regmap.FIFO_CTL, "fifo_cpl"):
        raise MachineFault("FIFO_CTL.fifo_cpl is 0: FIFOs out of step are not modelled")
    return InputFrame(n_words, {f: [] for f in range(chip.n_quadrants) if enabled >> f & 1})
