"""Whether a project needs a C library, and what else its text tells about how to build it.

The board support package has the part of C's library that generated code and small applications
call. A project that includes another header of C, or calls another function, gets newlib.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from max78000.firmware.sources import SUPPORT, TranslationUnit

# Functions and macros of C11 that newlib has and that make sense without files and processes.
STANDARD = frozenset(
    """
    assert isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper
    isxdigit tolower toupper setjmp longjmp
    abort atexit atof atoi atol atoll bsearch calloc div exit free labs ldiv llabs lldiv malloc
    qsort rand rand_r realloc srand strtod strtof strtol strtold strtoll strtoul strtoull abs
    memchr strcat strchr strcmp strcoll strcpy strcspn strdup strerror strlen strncat strncmp
    strncpy strndup strnlen strpbrk strrchr strspn strstr strtok strtok_r strxfrm memccpy strcasecmp
    strncasecmp memcpy memmove memset memcmp
    sscanf vsscanf
    asctime clock ctime difftime gmtime localtime mktime strftime time
    """.split()  # noqa: SIM905 - reads better
)
_REAL = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs
    fdim floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2
    logb lrint lround modf nearbyint nextafter pow remainder remquo rint round scalbn sin sinh sqrt
    tan tanh tgamma trunc
    """.split()  # noqa: SIM905 - likewise
MATHEMATICAL = frozenset((*_REAL, *(f"{name}f" for name in _REAL)))

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_INCLUDED = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<([^>\n]+)>", re.MULTILINE)
_CALLED = re.compile(r"\b([a-z]\w*)\s*\(")
_REAL_CONVERSION = re.compile(r"%[-+ #0]*[\d*]*(?:\.[\d*]*)?L?l?[fFeEgG]")


def missing_from_ours(units: Iterable[TranslationUnit], compilers_headers: Path) -> tuple[str, ...]:
    """Headers and functions of C that a project asks for and the support package lacks.

    Args:
        units: of project and application.
        compilers_headers: folder of stdint.h and others that need no library.
    """
    asked: set[str] = set()
    for unit in units:
        folders = (*unit.include_folders, SUPPORT / "include", compilers_headers,
                   compilers_headers / "include")  # fmt: skip
        for path in _files(unit):
            text = text_of(path)
            asked |= {f"<{name}>" for name in _INCLUDED.findall(text)
                      if not any((folder / name).is_file() for folder in folders)}  # fmt: skip
            called = set(_CALLED.findall(_TEXT.sub('""', text)))
            asked |= called & (STANDARD | MATHEMATICAL)
    return tuple(sorted(asked - _names_of_ours()))


def prints_reals(units: Iterable[TranslationUnit]) -> bool:
    """Whether a format in a project's text prints a real number."""
    return any(
        _REAL_CONVERSION.search(text.replace("%%", ""))
        for unit in units
        for path in _files(unit)
        for text in _TEXT.findall(text_of(path))
    )


def _names_of_ours() -> set[str]:
    """What the headers of the support package declare."""
    headers = (SUPPORT / "include" / name for name in ("stdio.h", "stdlib.h", "string.h", "math.h"))
    declared = {name for path in headers for name in _CALLED.findall(text_of(path))}
    return declared - {"sscanf", "vsscanf"}  # for those who have a C library


def _files(unit: TranslationUnit) -> tuple[Path, ...]:
    return (unit.source, *sorted(unit.source.parent.glob("*.h")))


def text_of(path: Path) -> str:
    """Return the text of a C file without its comments."""
    return _COMMENT.sub(" ", path.read_text(encoding="utf-8", errors="replace"))
