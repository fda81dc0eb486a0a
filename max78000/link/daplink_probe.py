"""Flash by copying a HEX file to the drive of a DAPLink adapter: needs no debugger at all.

The adapter programs what arrives and reads nothing back; what it refuses it says in FAIL.TXT. It
writes from the first address on, so the order that protects against half an image is not ours here.
Source: [DAPLink] MSD programming, FAIL.TXT, DETAILS.TXT.
"""

import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from max78000.errors import BoardError, UnsupportedError
from max78000.facts.memory_map import FLASH_ADDR
from max78000.link.doctor_board import DETAILS_FILE, FAIL_FILE, Bench, read_details
from max78000.link.flash_errors import recognise
from max78000.link.flash_plan import FlashImage, FlashPlan
from max78000.link.probe import Progress

POLL_S = 0.25
LEAVE_S = 10.0  # the drive goes when the adapter has the whole file
RETURN_S = 20.0
_WHERE = "daplink"


@dataclass(frozen=True, slots=True)
class DaplinkProbe:
    """The mounted drive of an adapter.

    Args:
        uid: beginning of the adapter's unique id where there are several.
        find_drives: lists the mounted drives of adapters.
        wait: lets a number of seconds pass.
    """

    uid: str | None = None
    find_drives: Callable[[], tuple[Path, ...]] = field(default_factory=lambda: Bench().drives)
    wait: Callable[[float], None] = time.sleep
    name: str = field(default="daplink", init=False)
    can_verify: bool = field(default=False, init=False)

    def carry_out(self, plan: FlashPlan, on_progress: Progress) -> None:
        """Copy the image; the adapter erases, writes and starts.

        Raises:
            BoardError: no drive, or the adapter refuses, or it does not come back.
        """
        drive = self._drive()
        on_progress(0, 2, f"copy to {drive}")
        try:
            _copy(hex_text(plan.image), drive / "IMAGE.HEX")
        except OSError as error:
            raise _refused(drive, f"the copy broke off: {error.strerror}") from None
        on_progress(1, 2, "wait for the adapter")
        self._wait_for_return(drive)
        if (drive / FAIL_FILE).is_file():
            raise _refused(drive, "the adapter refuses the image")
        on_progress(2, 2, "start")

    def _drive(self) -> Path:
        found = [drive for drive in self.find_drives() if self._is_wanted(drive)]
        if not found:
            wanted = f" of an adapter with id {self.uid}" if self.uid else ""
            fix = "connect and mount it: a drive with DETAILS.TXT on it"
            raise BoardError(f"no drive{wanted} is mounted", where=_WHERE, fix=fix)
        if len(found) > 1:
            names = ", ".join(map(str, found))
            raise BoardError(
                f"{len(found)} drives are mounted: {names}", where=_WHERE, fix="add --uid"
            )
        return found[0]

    def _is_wanted(self, drive: Path) -> bool:
        if not self.uid:
            return True
        try:
            return read_details(drive / DETAILS_FILE).get("unique id", "").startswith(self.uid)
        except OSError:
            return False

    def _wait_for_return(self, drive: Path) -> None:
        """Wait until the drive has gone and come back, by which the adapter says it is done."""
        self._wait_until(lambda: drive not in self.find_drives(), LEAVE_S)
        if not self._wait_until(lambda: drive in self.find_drives(), RETURN_S):
            why = f"the drive {drive} did not come back within {RETURN_S:g} s"
            fix = f"mount it and look for {FAIL_FILE}; --probe pyocd can verify"
            raise BoardError(why, where=_WHERE, fix=fix)

    def _wait_until(self, is_so: Callable[[], bool], limit_s: float) -> bool:
        for _ in range(int(limit_s / POLL_S)):
            if is_so():
                return True
            self.wait(POLL_S)
        return is_so()


def hex_text(image: FlashImage) -> str:
    """Return the image in Intel's hexadecimal format.

    Raises:
        UnsupportedError: the package intelhex is not installed.
    """
    try:
        from intelhex import IntelHex  # noqa: PLC0415 - optional package
    except ImportError:
        fix = "pip install 'max78000-toolchain[link]'"
        raise UnsupportedError("writing HEX files needs intelhex", where=_WHERE, fix=fix) from None
    content = IntelHex()
    content.puts(FLASH_ADDR, image.data)
    text = io.StringIO()
    content.write_hex_file(text)
    return text.getvalue()


def _copy(text: str, path: Path) -> None:
    """Write in one go, in order, and wait until the adapter has it: its drive knows no rename."""
    with path.open("w", encoding="ascii", newline="\r\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _refused(drive: Path, what: str) -> BoardError:
    try:
        told = (drive / FAIL_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    known = recognise(told)
    fix = known.remedy if known else "copy again; --probe pyocd says more"
    said = f": {' '.join(told.split())}" if told else ""
    return BoardError(what + said, where=_WHERE, fix=fix)
