"""Flash through pyOCD: any CMSIS-DAP adapter, no other program needed. The default way.

Resets the chip and stops it inside the two seconds that debug builds wait before they sleep, loads
our flash algorithm into RAM, and carries out the plan step by step. pyOCD's own flash loader is not
used: it writes from the first address on, and so would leave half an image that starts.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyocd.core import exceptions
from pyocd.core.helpers import ConnectHelper
from pyocd.core.session import Session
from pyocd.flash.flash import Flash
from pyocd.probe.debug_probe import DebugProbe

from max78000.errors import BoardError
from max78000.facts.memory_map import FLASH_ADDR
from max78000.firmware.stub.algorithm import result_text
from max78000.link.flash_errors import recognise
from max78000.link.flash_plan import Erase, FlashPlan, Verify, WriteLines
from max78000.link.probe import CORTEX_M4_CPUID, CPUID_ADDR, Progress, first_difference, wrong_chip
from max78000.link.pyocd_target import register_target

CLOCK_HZ = 2_000_000
_WHERE = "pyocd"


class PyocdProbe:
    """An adapter that pyOCD knows, chosen by its unique id where there are several."""

    name = "pyocd"
    can_verify = True

    def __init__(self, uid: str | None = None, adapter: DebugProbe | None = None) -> None:
        self._uid = uid
        self._adapter = adapter

    def carry_out(self, plan: FlashPlan, on_progress: Progress) -> None:
        """Connect, do the steps in their order, and start the image.

        Raises:
            BoardError: no adapter, no chip, the wrong chip, or a step failed.
        """
        with _pyocd_errors(), _open_session(self._adapter or _find_adapter(self._uid)) as session:
            _check_chip(session.target)
            flash = session.target.memory_map.get_region_for_address(FLASH_ADDR).flash
            for n_done, step in enumerate(plan.steps):
                on_progress(n_done, len(plan.steps), str(step))
                _do(session.target, flash, step)
            flash.cleanup()
            on_progress(len(plan.steps), len(plan.steps), "start")
            session.target.reset()


def _find_adapter(uid: str | None) -> DebugProbe:
    """Return the only adapter there is, or the only one whose id contains `uid`."""
    found = ConnectHelper.get_all_connected_probes(blocking=False, unique_id=uid)
    if not found:
        wanted = f" with an id like {uid}" if uid else ""
        known = recognise("No available debug probes")
        raise BoardError(
            f"no debug adapter{wanted} answers", where=_WHERE, fix=known.remedy if known else ""
        )
    if len(found) > 1:
        ids = ", ".join(adapter.unique_id for adapter in found)
        raise BoardError(
            f"{len(found)} debug adapters answer: {ids}", where=_WHERE, fix="choose with --uid"
        )
    return found[0]


@contextmanager
def _open_session(adapter: DebugProbe) -> Iterator[Session]:
    options = {
        "target_override": register_target(),
        "connect_mode": "pre-reset",  # reset first: a program that sleeps cannot be stopped
        "frequency": CLOCK_HZ,
        "reset.hold_time": 0.01,
        "reset.post_delay": 0.05,
        "cache.enable_memory": False,  # what is compared is read from the chip
        "cache.enable_register": False,
        "no_config": True,
        "user_script": os.devnull,  # never run a pyocd_user.py that lies about
        "auto_unlock": False,
        "project_dir": str(Path.cwd()),
    }
    with Session(adapter, options=options) as session:
        yield session


def _check_chip(target: Any) -> None:
    cpuid = target.read32(CPUID_ADDR)
    if cpuid != CORTEX_M4_CPUID:
        raise wrong_chip(cpuid, _WHERE)


def _do(target: Any, flash: Flash, step: Erase | WriteLines | Verify) -> None:
    if isinstance(step, Erase):
        flash.init(Flash.Operation.ERASE)
        flash.erase_sector(step.addr)
    elif isinstance(step, WriteLines):
        flash.init(Flash.Operation.PROGRAM)
        flash.program_page(step.addr, step.data)
    else:
        flash.cleanup()  # drops what the chip remembers of the old contents
        got = bytes(target.read_memory_block8(step.addr, len(step.data)))
        difference = first_difference(step, got, _WHERE)
        if difference:
            raise difference


class _Messages(logging.Handler):
    """Keeps pyOCD's warnings, which often say more than the exception that follows."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _pyocd_errors() -> Iterator[None]:
    """Turn what pyOCD raises into a `BoardError` that says what to do."""
    logger, messages = logging.getLogger("pyocd"), _Messages()
    logger.addHandler(messages)
    try:
        yield
    except (exceptions.Error, OSError) as error:
        raise _explained(error, messages.lines) from None
    finally:
        logger.removeHandler(messages)


def _explained(error: Exception, lines: list[str]) -> BoardError:
    code = getattr(error, "result_code", None)
    text = f"{error}, {result_text(code)}" if code else str(error) or type(error).__name__
    known = recognise(text) or recognise(type(error).__name__) or recognise("\n".join(lines))
    if known is None:
        return BoardError(
            text, where=_WHERE, fix="press reset and try again; max78000 doctor checks the way"
        )
    return BoardError(f"{known.cause}: {text}", where=_WHERE, fix=known.remedy)
