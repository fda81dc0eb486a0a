"""Bring an image into the flash of a chip through a probe, and say what was done."""

import time
from dataclasses import dataclass

from max78000.link.flash_plan import FlashImage, flash_plan
from max78000.link.probe import Probe, Progress, no_progress


@dataclass(frozen=True, slots=True)
class FlashReport:
    """What was written, by which probe, and whether it was read back and compared."""

    probe: str
    image: str
    n_bytes: int
    n_pages: int
    is_verified: bool
    duration_s: float


def flash(
    image: FlashImage, probe: Probe, *, verify: bool = True, on_progress: Progress = no_progress
) -> FlashReport:
    """Erase, write, compare as far as the probe can, and start the image.

    Raises:
        BoardError: it did not work; try again. Through a debugger the flash then holds the old
            image, the new one, or none that starts; a DAPLink drive does not promise that.
    """
    plan = flash_plan(image, verify=verify and probe.can_verify)
    started_s = time.monotonic()
    probe.carry_out(plan, on_progress)
    return FlashReport(
        probe=probe.name,
        image=image.name,
        n_bytes=len(image.data),
        n_pages=len(image.page_addrs),
        is_verified=plan.is_verified,
        duration_s=round(time.monotonic() - started_s, 3),
    )
