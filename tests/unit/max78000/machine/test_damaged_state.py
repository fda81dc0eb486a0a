import gzip
import json

import pytest

from max78000.errors import InputError
from max78000.facts.chip import MAX78000
from max78000.machine.state import MAX_BYTES, read_state

EMPTY = {"reg": [], "aon": [], "fifo": [], "start": [], "data": [], "kernel": [], "bias": [],
         "tram": []}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"start": [[1, 0]]},  # no address of a word
        {"start": [[0x5000_0000, 1 << 40]]},
        {"reg": [[None, 1]]},
        {"kernel": 3},
        {"fifo": {"x": []}},
    ],
    ids=str,
)
def test_words_that_do_not_fit_are_one_line(change, tmp_path):
    (tmp_path / "state.json").write_text(json.dumps({"state": EMPTY | change}))
    with pytest.raises(InputError, match="the recorded state is malformed") as caught:
        read_state(tmp_path / "state.json", MAX78000)
    assert "InternalError" not in str(caught.value)


@pytest.mark.long
def test_a_bomb_is_not_unpacked(tmp_path):
    (tmp_path / "state.json.gz").write_bytes(gzip.compress(b" " * (MAX_BYTES + 1)))
    with pytest.raises(InputError, match="more than 67,108,864 bytes unpacked"):
        read_state(tmp_path / "state.json.gz", MAX78000)


def test_real_numbers_are_no_words(tmp_path):
    (tmp_path / "state.json").write_text('{"state": {"reg": [[1342177280, 1.5]]}}')
    with pytest.raises(InputError, match=r"1.5 is no whole number, as words are"):
        read_state(tmp_path / "state.json", MAX78000)


def test_a_damaged_archive(tmp_path):
    (tmp_path / "state.json.gz").write_bytes(gzip.compress(b"{}")[:10] + b"\xff" * 20)
    with pytest.raises(InputError, match="cannot be read"):
        read_state(tmp_path / "state.json.gz", MAX78000)
