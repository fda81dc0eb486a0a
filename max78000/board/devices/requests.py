"""How a device tells the DMA that a request may have come up; without one nobody hears it."""

from collections.abc import Callable
from typing import cast

from max78000.board.placement import Surroundings


def serve_requests(around: Surroundings) -> None:
    """Tell the DMA."""
    device = around.devices.get("DMA")
    if device is not None:
        cast("Callable[[], None]", device.poke)()  # type: ignore[attr-defined]
