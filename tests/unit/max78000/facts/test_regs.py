"""Fields and registers: packing, refusals, text, and the checks a table makes of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import InternalError, ToolError
from max78000.facts.regs import Bank, Field, FieldRangeError, Model, Register

DEMO = Register(
    "DEMO",
    index=5,
    source="test",
    fields=(Field("low", 0, 4), Field("flag", 4), Field("hidden", 8, 1, Model.FORBIDDEN)),
)


def test_pack_puts_each_value_in_its_place():
    assert DEMO.pack(low=3, flag=1) == 0b1_0011
    assert DEMO.pack() == 0


def test_pack_names_the_field_that_does_not_fit():
    with pytest.raises(FieldRangeError) as caught:
        DEMO.pack(low=99)
    assert str(caught.value) == "DEMO.low: 99 does not fit 4 bits"
    with pytest.raises(FieldRangeError, match=r"DEMO.flag: 2 does not fit 1 bit$"):
        DEMO.pack(flag=2)
    with pytest.raises(FieldRangeError, match="-1 does not fit"):
        DEMO.pack(low=-1)
    assert issubclass(FieldRangeError, ToolError)


def test_pack_refuses_an_unknown_field_and_lists_the_known_ones():
    with pytest.raises(
        FieldRangeError, match=r"DEMO.high: no such field \(there are low, flag, hid"
    ):
        DEMO.pack(high=1)


def test_unpack_refuses_bits_outside_every_field():
    with pytest.raises(
        FieldRangeError, match="DEMO: 0x80000001 sets 0x80000000, outside any field"
    ):
        DEMO.unpack(0x8000_0001)


@given(st.integers(0, 15), st.integers(0, 1), st.integers(0, 1))
def test_unpack_inverts_pack(low, flag, hidden):
    values = {"low": low, "flag": flag, "hidden": hidden}
    assert DEMO.unpack(DEMO.pack(**values)) == values


def test_describe_prints_what_is_not_zero():
    assert DEMO.describe(DEMO.pack(low=3, flag=1)) == "low=3 flag=1"
    assert DEMO.describe(0) == "0"


def test_forbidden_bits_are_unnamed_ones_and_forbidden_fields():
    assert DEMO.forbidden_mask == 0xFFFF_FFE0
    assert DEMO.mask == 0x11F


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((Field("a", 0, 4), Field("b", 3)), "BAD.b: overlaps"),
        ((Field("a", 30, 4),), "BAD.a: outside 32 bits"),
        ((Field("a", 0, 0),), "BAD.a: outside"),
        ((Field("a", 0), Field("a", 1)), "share a name"),
    ],
)
def test_a_register_checks_itself(fields, message):
    with pytest.raises(InternalError, match=message):
        Register("BAD", fields, "test", index=0, bank=Bank.LAYER)
