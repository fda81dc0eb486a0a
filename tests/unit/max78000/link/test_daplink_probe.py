"""Copying to the drive of an adapter: the drive is a folder, and a hook plays the adapter."""

import io
import struct

import pytest
from intelhex import IntelHex

from max78000.errors import BoardError
from max78000.link.daplink_probe import DaplinkProbe
from max78000.link.flash import flash
from max78000.link.flash_plan import FlashImage

IMAGE = FlashImage(struct.pack("<IIII", 0x2002_0000, 0x1000_0011, 0, 0) + bytes(range(48)))
DETAILS = "# DAPLink Firmware\r\nUnique ID: 0409{}\r\nInterface Version: 0256\r\n"


class Adapters:
    """Folders that are drives; after a copy each goes, does something, and comes back."""

    def __init__(self, folder, n_drives=1):
        self.drives = []
        self.on_return = lambda drive: None
        self.comes_back = True
        self._is_away = False
        for index in range(n_drives):
            drive = folder / f"DAPLINK{index}"
            drive.mkdir()
            (drive / "DETAILS.TXT").write_text(DETAILS.format(index))
            self.drives.append(drive)

    def find(self):
        return () if self._is_away else tuple(self.drives)

    def wait(self, seconds):
        if not self._is_away:
            self._is_away = True
        elif self.comes_back:
            self.on_return(self.drives[0])
            self._is_away = False


@pytest.fixture
def adapters(tmp_path):
    return Adapters(tmp_path)


def probe_of(adapters, uid=None):
    return DaplinkProbe(uid=uid, find_drives=adapters.find, wait=adapters.wait)


def copied(drive):
    return IntelHex(io.StringIO((drive / "IMAGE.HEX").read_text()))


def test_the_image_arrives_as_hex(adapters):
    report = flash(IMAGE, probe_of(adapters))
    assert copied(adapters.drives[0]).todict() == dict(enumerate(IMAGE.data, 0x1000_0000))
    assert not report.is_verified, "the drive cannot be read back"


def test_what_the_adapter_refuses_is_told(adapters):
    message = "The interface firmware FAILED to reset/halt the target MCU\r\n"
    adapters.on_return = lambda drive: (drive / "FAIL.TXT").write_text(message)
    with pytest.raises(BoardError, match="FAILED to reset/halt") as refusal:
        flash(IMAGE, probe_of(adapters))
    assert "press reset" in refusal.value.fix


def test_a_drive_that_stays_away_is_told(adapters):
    adapters.comes_back = False
    with pytest.raises(BoardError, match="did not come back within 20 s"):
        flash(IMAGE, probe_of(adapters))


def test_a_copy_that_breaks_off_is_told(adapters):
    (adapters.drives[0] / "IMAGE.HEX").mkdir()
    with pytest.raises(BoardError, match="the copy broke off"):
        flash(IMAGE, probe_of(adapters))


def test_no_drive_is_told(adapters):
    adapters.drives.clear()
    with pytest.raises(BoardError, match="no drive is mounted"):
        flash(IMAGE, probe_of(adapters))


def test_one_of_several_drives_is_chosen_by_its_id(tmp_path):
    adapters = Adapters(tmp_path, n_drives=2)
    with pytest.raises(BoardError, match="2 drives are mounted"):
        flash(IMAGE, probe_of(adapters))
    flash(IMAGE, probe_of(adapters, uid="04091"))
    assert (adapters.drives[1] / "IMAGE.HEX").exists()
    with pytest.raises(BoardError, match="no drive of an adapter with id 77"):
        flash(IMAGE, probe_of(adapters, uid="77"))
