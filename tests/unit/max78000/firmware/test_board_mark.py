"""Every form of an image says which board it is for."""

import pytest
from firmware_projects import HELLO, ZIG, write_c_project
from intelhex import IntelHex

from max78000.facts.memory_map import FLASH_ADDR
from max78000.firmware.board_mark import MAGIC, MARK_AT, marked_board
from max78000.firmware.build import build_project
from max78000.firmware.image import read_image
from max78000.firmware.sources import BOARDS


@pytest.mark.long
@pytest.mark.parametrize("board", BOARDS)
def test_elf_hex_and_bin_are_marked(board, tmp_path):
    image = build_project(write_c_project(tmp_path / "hello", main=HELLO), ZIG, board)
    copied = tmp_path / "copied.elf"
    copied.write_bytes(image.elf.read_bytes())
    in_hex = IntelHex(str(image.hex)).tobinstr(start=FLASH_ADDR)
    for content in (read_image(copied).flash_content(), in_hex, image.bin.read_bytes()):
        assert marked_board(bytes(content)) == board


def test_images_of_others_are_not():
    assert marked_board(b"") == ""
    assert marked_board(bytes(0x400)) == ""
    assert marked_board(bytes(MARK_AT) + MAGIC + b"Another\0" + b"code" * 9) == "Another"
