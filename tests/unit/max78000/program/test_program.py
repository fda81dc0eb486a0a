"""Register programs: text, JSON there and back, and refusals that name the place."""

import json
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import InputError, InternalError
from max78000.facts.chip import MAX78000 as CHIP
from max78000.program.program import (
    Copy,
    Cycles,
    Expected,
    FastFifo,
    Fifo,
    KernelBlock,
    Operation,
    OutputMap,
    Phase,
    Poll,
    RegisterProgram,
    Require,
    Write,
    chip_of,
    from_json,
    to_json,
    to_text,
)

PROGRAM = RegisterProgram(
    name="demo",
    chip_name="MAX78000",
    phases=(
        Phase("init", (Write(0x5000_1000, 0), Write(0x5010_0590, 0x0920), Write(0x5040_0000, 7))),
        Phase("load_weights", (KernelBlock(0x5018_0008, (0x0102_0304, 5)),)),
        Phase("load_bias", (Copy(0x5010_8000, (5, 249)),)),
        Phase("start", (Poll(0x5010_0000, 0x1000, 0), Require(0x5010_0000, 0x1000, 0))),
        Phase("load_input", (Fifo(0, (1, 2)), FastFifo((3, 4)))),
    ),
    known_answer=(Expected(0, 0x5040_2000, 0xFFFF, (9, 0xFE01)),),
    outputs=(OutputMap(0, "logits", (2, 1, 2), 8, (0x5040_2000, 0x5040_2001), 4),),
    cycles=Cycles(1, (83,)),
)
TEXT = """\
program demo for MAX78000

phase init
  0x50001000 = 0x00000000  AON: 0
  0x50100590 = 0x00000920  quadrant 0 layer 0 LCTL: master=1 maxpl_en=1 sramlsrc=1
  0x50400000 = 0x00000007  data memory 0 offset 0x0000

phase load_weights
  0x50180008 kernels 2 words crc 3d69ee3f  kernels of processor 0 offset 0x0020

phase load_bias
  0x50108000 copy 2 words crc 69a31aa1  biases of quadrant 0 offset 0x0000

phase start
  0x50100000 & 0x00001000 == 0x00000000?  quadrant 0 CTL
  0x50100000 & 0x00001000 == 0x00000000!  quadrant 0 CTL

phase load_input
  fifo 0 2 words crc b64c97f5
  fast fifo 2 words crc 25ef61a0

known answer
  layer 0 0x50402000 mask 0x0000ffff  2 words crc 950a41bd

outputs
  layer 0 logits 2x1x2 of 8 bits from 0x50402000

cycles 84: 1 + 83
"""


def test_text():
    assert to_text(PROGRAM, CHIP) == TEXT


def test_text_shows_a_changed_word():
    changed = RegisterProgram(
        "demo", "MAX78000", (Phase("load_bias", (Copy(0x5010_8000, (5, 1)),)),)
    )
    same = RegisterProgram("demo", "MAX78000", (Phase("load_bias", (Copy(0x5010_8000, (5, 2)),)),))
    assert to_text(changed, CHIP) != to_text(same, CHIP)


def test_json_and_back():
    text = to_json(PROGRAM, CHIP)
    assert from_json(text) == PROGRAM
    assert to_json(from_json(text), CHIP) == text


def test_json_names_registers_and_fields():
    write = json.loads(to_json(PROGRAM, CHIP))["phases"][0]["operations"][1]
    assert write == {
        "op": "write",
        "addr": "0x50100590",
        "value": "0x00000920",
        "register": "LCTL",
        "layer": 0,
        "quadrant": 0,
        "fields": {"master": 1, "maxpl_en": 1, "sramlsrc": 1},
    }


def test_json_has_one_line_per_operation():
    lines = to_json(PROGRAM, CHIP).splitlines()
    assert sum(line.startswith('{"op"') for line in lines) == 9


def test_a_program_may_do_without_answer_outputs_and_cycles():
    bare = RegisterProgram("bare", "MAX78000", ())
    assert from_json(to_json(bare, CHIP)) == bare
    assert to_text(bare, CHIP) == "program bare for MAX78000\n"


@given(
    st.lists(st.tuples(st.integers(0, 2**30 - 1), st.integers(0, 2**32 - 1)), max_size=5),
    st.lists(st.integers(0, 2**32 - 1), max_size=9),
)
def test_any_words_survive(stores, words):
    copies = tuple(Copy(4 * addr, (value, *words)) for addr, value in stores)
    program = RegisterProgram("x", "MAX78000", (Phase("load_input", copies),))
    assert from_json(to_json(program, CHIP)) == program


GOOD = to_json(PROGRAM, CHIP)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"maxpl_en": 1',
            '"maxpl_en": 0',
            r"phases\[0\].operations\[1\].fields.maxpl_en is 0, the",
        ),
        ('"register": "LCTL"', '"register": "POST"', "register is 'POST', the values beside"),
        ('"value": "0x00000920"', '"value": "0x920"', r"operations\[1\].value: '0x920' is no word"),
        ('"value": "0x00000920"', '"value": 2336', r"operations\[1\].value: 2336 is of the wrong"),
        ('"addr": "0x50100590"', '"addr": "0x50100592"', "no address of a 32-bit word"),
        (
            '"fields": {}',
            '"fields": []',
            r"operations\[0\].fields is \[\], the values beside it say",
        ),
        ('"op": "copy"', '"op": "paste"', "there is no operation 'paste'"),
        ('"words": "00000005000000f9"', '"words": "0000000500"', "not words of eight"),
        ('"name": "init"', '"name": "boot"', "phase 'boot' is none of init, load_weights"),
        ('"format": "max78000-program-1"', '"format": "elf"', "format is 'elf'"),
        ('"chip": "MAX78000"', '"chip": "MAX78002"', "no chip is called 'MAX78002'"),
        ('"startup": 1', '"startup": true', "cycles.startup: True is of the wrong kind"),
        ('"layers": [83]', '"layers": ["83"]', "cycles.layers: holds something that is not an int"),
        ('"is_estimate": false', '"is_estimate": 0', "is_estimate: 0 is of the wrong kind"),
        ('"shape": [2, 1, 2]', '"shape": [3, 1, 2]', "a place for each channel"),
        ('"shape": [2, 1, 2]', '"shape": [2, 1]', "shape or pixel stride is impossible"),
        ('"width_bits": 8', '"width_bits": 16', "width 16 is neither 8 nor 32"),
        ('"known_answer": [', '"comment": [], "known_answer": [', "comment is not expected"),
        ('"outputs"', '"output"', "'outputs' is missing"),
        ('"phases"', "phases", "Expecting property name"),
    ],
)
def test_malformed_json_is_one_clear_refusal(old, new, message):
    assert old in GOOD
    with pytest.raises(InputError, match=message) as caught:
        from_json(GOOD.replace(old, new, 1), "demo/program.json")
    assert str(caught.value).startswith("demo/program.json: not a register program: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "7", "null", "[" * 100_000])
def test_other_json_is_refused(text):
    with pytest.raises(InputError, match="not a register program"):
        from_json(text)


def test_values_check_themselves():
    with pytest.raises(InternalError, match="0x50000002 is no address"):
        Write(0x5000_0002, 0)
    with pytest.raises(InternalError, match="does not fit 32 bits"):
        Write(0x5000_0000, 1 << 32)
    with pytest.raises(InternalError, match="does not fit 32 bits"):
        Copy(0x5000_0000, (0, -1))


def test_places_of_an_output_there_and_back():
    narrow = OutputMap(0, "n", (3, 2, 4), 8, (0x5040_0000, 0x5040_0001, 0x5040_0004), 8)
    wide = OutputMap(0, "w", (2, 2, 2), 32, (0x5040_0000, 0x5040_0004), 16)
    for output in (narrow, wide):
        for channel in range(output.shape[0]):
            for row in range(output.shape[1]):
                for column in range(output.shape[2]):
                    place = output.place(channel, row, column)
                    assert output.find(*place) == (channel, row, column)
    assert wide.find(0x5040_0004, 3) == (1, 0, 0)
    assert narrow.find(0x5040_0002, 2) is None
    assert narrow.find(0x5040_0100, 0) is None


@pytest.mark.parametrize(("one", "other"), tuple(permutations(get_args(Operation), 2)))
def test_no_kind_of_operation_is_another_kind(one, other):
    """So that the order in which a match asks for them does not matter."""
    assert not issubclass(one, other)


def test_lookups():
    assert PROGRAM.phase("load_bias").operations == (Copy(0x5010_8000, (5, 249)),)
    assert PROGRAM.phase("configure").operations == ()
    assert PROGRAM.cycles is not None
    assert PROGRAM.cycles.total == 84
    assert chip_of(PROGRAM) is CHIP
