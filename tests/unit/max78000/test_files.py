"""Files appear whole or not at all, sets of files too, and no input is replaced."""

import errno
import os
from pathlib import Path

import pytest

from max78000.errors import InputError
from max78000.files import refuse_inputs, unwritable, write_all, write_whole


def test_a_set_is_written_whole_or_not_at_all(tmp_path):
    write_all({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert (tmp_path / "b").read_bytes() == b"2"
    with pytest.raises(InputError, match=r"no/c: cannot be written: No such file or directory"):
        write_all({tmp_path / "a": b"3", tmp_path / "no" / "c": b"4"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"folder: cannot be written: Is a directory \(it is a"):
        write_all({tmp_path / "a": b"3", tmp_path / "folder": b"4"})
    assert (tmp_path / "a").read_bytes() == b"1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "folder"]


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.EACCES, "allow writing there, or name another place"),
        (errno.EROFS, "nothing can be written there: name another place"),
        (errno.ENOSPC, "make room, or name a place on another disk"),
        (errno.EFBIG, "raise the largest size of a file: ulimit -f"),
        (errno.ENOENT, "name a file in an existing folder"),
        (errno.ENOTDIR, "part of the path is a file: name a folder"),
        (errno.EIO, ""),
    ],
)
def test_the_advice_is_for_what_the_system_says(number, fix):
    refusal = unwritable(Path("x"), OSError(number, os.strerror(number)))
    assert refusal.why == f"cannot be written: {os.strerror(number)}"
    assert refusal.fix == fix


def test_a_part_of_the_path_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="part of the path is a file"):
        write_whole(tmp_path / "file" / "x", b"")


def test_no_input_is_replaced_by_any_of_its_names(tmp_path):
    source = tmp_path / "in"
    source.write_text("trained")
    (tmp_path / "hard").hardlink_to(source)
    (tmp_path / "soft").symlink_to(source)
    (tmp_path / "sub").mkdir()
    for name in ("in", "hard", "soft", "sub/../in"):
        with pytest.raises(InputError, match=rf"{name}: would be replaced by what is made of it"):
            refuse_inputs(tmp_path / name, (None, source))
    refuse_inputs(tmp_path / "out", (None, source))
    refuse_inputs(None, (source,))
