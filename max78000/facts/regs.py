"""How a register is described: fields, packing, unpacking, text. No address, no real register.

`regmap.py` holds the tables written with these types. The compiler packs with them, the simulated
accelerator unpacks with them, reports and generated C print with them.
"""

from dataclasses import dataclass
from dataclasses import field as computed
from enum import Enum

from max78000.errors import InternalError, ToolError

WORD_BITS = 32


class Model(Enum):
    """How much of a field the simulated accelerator knows."""

    FULL = "the machine acts on it"
    HELD = "stored and read back; no effect modelled"
    FORBIDDEN = "a program that sets it is refused"


class Bank(Enum):
    """Where a register lives, hence what besides the register decides its address."""

    LAYER = "one per layer and quadrant"
    QUADRANT = "one per quadrant"
    FIFO = "one for the accelerator, in the FIFO block"
    FAST_FIFO = "one for the accelerator, in the block of the fast FIFO"
    AON = "one for the accelerator, in the always-on block"


class FieldRangeError(ToolError):
    """A value does not fit a field, or a word has bits that no field names."""


@dataclass(frozen=True, slots=True)
class Field:
    """`width` bits from bit `lsb` upwards, an unsigned number.

    Attributes:
        limit: first value that no longer fits.
        mask: the field's bits in the register word.
    """

    name: str
    lsb: int
    width: int = 1
    model: Model = Model.FULL
    limit: int = computed(init=False, repr=False, compare=False)
    mask: int = computed(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once what every access to a register asks for."""
        object.__setattr__(self, "limit", 1 << max(self.width, 0))
        object.__setattr__(self, "mask", (self.limit - 1) << max(self.lsb, 0))

    def get(self, word: int) -> int:
        """Take the field's value out of a register word."""
        return (word & self.mask) >> self.lsb


@dataclass(frozen=True, slots=True)
class Register:
    """A named 32-bit register; `index` counts words in its bank, `regmap` makes addresses of it.

    Attributes:
        mask: all bits that some field names.
        forbidden_mask: bits that a program must leave 0: unnamed ones and fields marked FORBIDDEN.
    """

    name: str
    fields: tuple[Field, ...]
    source: str
    index: int
    bank: Bank = Bank.LAYER
    mask: int = computed(init=False, repr=False, compare=False)
    forbidden_mask: int = computed(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        taken = 0
        for field in self.fields:
            if field.width < 1 or field.lsb < 0 or field.lsb + field.width > WORD_BITS:
                raise InternalError(f"{self.name}.{field.name}: outside {WORD_BITS} bits")
            if taken & field.mask:
                raise InternalError(f"{self.name}.{field.name}: overlaps another field")
            taken |= field.mask
        if len({field.name for field in self.fields}) != len(self.fields):
            raise InternalError(f"{self.name}: two fields share a name")
        usable = sum(field.mask for field in self.fields if field.model is not Model.FORBIDDEN)
        object.__setattr__(self, "mask", taken)
        object.__setattr__(self, "forbidden_mask", ~usable & ((1 << WORD_BITS) - 1))

    def field(self, name: str) -> Field:
        """Find a field by its name.

        Raises:
            FieldRangeError: there is none.
        """
        for field in self.fields:
            if field.name == name:
                return field
        known = ", ".join(field.name for field in self.fields)
        raise FieldRangeError(f"{self.name}.{name}: no such field", fix=f"there are {known}")

    def pack(self, **values: int) -> int:
        """Make the register word with these field values, every other field 0.

        Raises:
            FieldRangeError: an unknown field, or a value that its field cannot hold.
        """
        word = 0
        for name, value in values.items():
            field = self.field(name)
            if not 0 <= value < field.limit:
                raise FieldRangeError(f"{self.name}.{name}: {value} does not fit {_bits(field)}")
            word |= int(value) << field.lsb
        return word

    def unpack(self, word: int) -> dict[str, int]:
        """Split a word into every field's value, in table order.

        Raises:
            FieldRangeError: a bit is set that belongs to no field.
        """
        stray = word & ~self.mask
        if stray:
            raise FieldRangeError(
                f"{self.name}: {word:#010x} sets {stray:#010x}, outside any field"
            )
        return {field.name: field.get(word) for field in self.fields}

    def describe(self, word: int) -> str:
        """Print the fields that are not 0, as `scale_reg=3 ts_en=1`; `0` if there are none.

        Raises:
            FieldRangeError: a bit is set that belongs to no field.
        """
        nonzero = (f"{name}={value}" for name, value in self.unpack(word).items() if value)
        return " ".join(nonzero) or "0"


def _bits(field: Field) -> str:
    """Word a field's width for messages."""
    return f"{field.width} bit" + ("s" if field.width > 1 else "")
