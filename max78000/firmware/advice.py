"""Ways out of what compilers and linkers say about code that was written for the vendor's SDK.

They say that a name is unknown; here it is looked up: a function of the SDK that our package does
not have, or one that is spelled otherwise.
"""

import re
from difflib import get_close_matches
from pathlib import Path

from max78000.firmware import sources
from max78000.firmware.support import SupportPackage

FUNCTIONS_FILE = Path(__file__).with_name("sdk_functions.txt")
N_NAMED = 6
_SPOKEN = r"['\"`\u2018]([\w./]+)['\"\u2019]"
_UNKNOWN = tuple(
    re.compile(pattern)
    for pattern in (
        rf"implicit declaration of function {_SPOKEN}",
        rf"call to undeclared function {_SPOKEN}",
        rf"undefined reference to {_SPOKEN}",
        r"undefined symbol: (\w+)",
        rf"{_SPOKEN} undeclared",
        rf"use of undeclared identifier {_SPOKEN}",
        rf"unknown type name {_SPOKEN}",
        r"fatal error: ([\w./]+): No such file",
        rf"{_SPOKEN} file not found",
    )
)

_UNRESOLVED = re.compile(r"undefined (reference to|symbol:)")
_TWICE = re.compile(r"multiple definition of|duplicate symbol:")


def advise(text: str, package: SupportPackage, folder: Path | None = None) -> str:
    """Say what can be done about unknown names; empty if nothing is known.

    Args:
        text: what the compiler or the linker says.
        package: what the project was built with.
        folder: the project, to name what in it is not compiled.
    """
    names = dict.fromkeys(name for unknown in _UNKNOWN for name in unknown.findall(text))
    functions = _functions_of_sdk()
    known = {name: header for header, those in functions.items() for name in those}
    spellings = {*known, *_functions_of_ours()}
    of_sdk = {name: header for name in names if (header := _header(name, known, functions))}
    advice = []
    if of_sdk and not package.name:
        listed = [
            name if name == header else f"{name} ({header})" for name, header in of_sdk.items()
        ]
        rest = f" and {len(listed) - N_NAMED} more" if len(listed) > N_NAMED else ""
        said = ", ".join(listed[:N_NAMED]) + rest
        advice.append(f"of the vendor's SDK, not in our package: {said}; build with --sdk PATH")
    for name in names:
        near = get_close_matches(name, spellings - {name}, n=1, cutoff=0.8)
        if name not in of_sdk and near:
            advice.append(f"{name}: did you mean {near[0]}?")
    if any(name in package.lacks or f"<{name}>" in package.lacks for name in names):
        advice.append(
            f"{', '.join(package.lacks)}: needs a C library, and the compiler has none here;"
            " install newlib (Debian: apt install libnewlib-arm-none-eabi)"
        )
    if is_unresolved := bool(_UNRESOLVED.search(text)):
        advice += _left_out(folder) if folder else ()
    if is_unresolved and "main" in names:
        advice.append("firmware starts at main(), which no compiled file has")
    if _TWICE.search(text):
        advice.append("two files define it: name those that count as SRCS in a Makefile")
    return "; ".join(advice)


def _left_out(folder: Path) -> tuple[str, ...]:
    """What is said of files that could define a missing name, were they compiled."""
    others = sources.left_out(folder)
    if not others:
        return ()
    rest = f" and {len(others) - N_NAMED} more" if len(others) > N_NAMED else ""
    named = ", ".join(path.relative_to(folder).as_posix() for path in others[:N_NAMED]) + rest
    return (f"not compiled: {named}; {sources.COMPILED}",)


def _header(name: str, known: dict[str, str], functions: dict[str, tuple[str, ...]]) -> str:
    """The header of the SDK that a function is of, or that is asked for itself; empty if none."""
    return known.get(name) or (name if name in functions else "")


def _functions_of_sdk() -> dict[str, tuple[str, ...]]:
    """Header -> functions."""
    text = FUNCTIONS_FILE.read_text(encoding="utf-8")
    lines = re.sub(r"\n +", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).split("\n")
    parts = (line.partition(":") for line in lines if line)
    return {header: tuple(names.split()) for header, _, names in parts}


def _functions_of_ours() -> set[str]:
    headers = (sources.SUPPORT / "include").glob("*.h")
    texts = (path.read_text(encoding="utf-8") for path in headers)
    return {name for text in texts for name in re.findall(r"\b([A-Za-z]\w+)\(", text)}
