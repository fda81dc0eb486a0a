"""A script of presses: which button, when, and for how long. Knows no pin.

`PB1@2.5` presses a button 2.5 seconds after power-on, `PB1@2.5+1` holds it for a second, and
`PB1@some text` presses it when the console has shown the text, until the program looks at it;
presses are separated by commas.
"""

from dataclasses import dataclass

from max78000.board.timeline import NS_PER_S
from max78000.errors import InputError

HOLD_S = 0.2
ASKED_HOLD_S = 0.05  # from when the program has looked
FIX = "write NAME@SECONDS, NAME@SECONDS+HELD or NAME@TEXT ON THE CONSOLE, separated by commas"


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button."""

    name: str
    time_ns: int | None  # None: when the console shows `text`
    text: str
    hold_ns: int = round(HOLD_S * NS_PER_S)


def read_presses(script: str, names: tuple[str, ...]) -> tuple[Press, ...]:
    """Read a script.

    Args:
        names: buttons that the board has.
    Raises:
        InputError: a press cannot be understood, or the board has no such button.
    """
    return tuple(_read(press.strip(), names) for press in script.split(",") if press.strip())


def _read(press: str, names: tuple[str, ...]) -> Press:
    name, separator, when = press.partition("@")
    if name not in names:
        why = f"the board has no button {name!r}; it has {', '.join(names)}"
        raise InputError(why, where="--buttons", fix=FIX)
    if not separator or not when:
        raise InputError(f"{press!r} does not say when", where="--buttons", fix=FIX)
    time, _, held = when.partition("+")
    try:
        time_s, hold_s = float(time), float(held) if held else HOLD_S
    except ValueError:
        return Press(name, None, when, round(ASKED_HOLD_S * NS_PER_S))
    if not 0 <= time_s < float("inf") or not 0 < hold_s < float("inf"):
        raise InputError(f"{press!r}: no such time", where="--buttons", fix=FIX)
    return Press(name, round(time_s * NS_PER_S), "", round(hold_s * NS_PER_S))
