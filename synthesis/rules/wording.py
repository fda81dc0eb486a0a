"""The chip's numbers in the texts of rules, so that what is said and what is checked are one.

A text names them as `str.format` does: "{chip.tram_words:,} entries" becomes "3,072 entries".
"""

from collections.abc import Callable, Mapping
from string import Formatter
from types import MappingProxyType

from max78000.facts import fixed
from max78000.facts.chip import Chip

KIB = 1024
SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Ways to write a number, besides Python's: "{chip.max_streaming:word}" becomes "eight".
FORMS: Mapping[str, Callable[[int], str]] = MappingProxyType(
    {
        "word": lambda number: SMALL_NUMBERS[number],
        "KiB": lambda size_bytes: f"{size_bytes // KIB} KiB",
        "bits": lambda limit: str((limit - 1).bit_length()),  # of a counter up to a limit
        "last": lambda count: str(count - 1),  # the number of the last of so many, from 0 on
    }
)


class _Forms(Formatter):
    """`str.format` with further forms."""

    def format_field(self, value: int, form: str) -> str:
        """One value in one form."""
        return FORMS[form](value) if form in FORMS else format(value, form)


def worded(text: str, chip: Chip) -> str:
    """A rule's text with the numbers of a chip, and those of integer arithmetic (`fixed`)."""
    return _Forms().format(text, chip=chip, fixed=fixed)
