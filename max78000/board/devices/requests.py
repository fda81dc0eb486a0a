"""How a device asks the DMA to serve it at once; nothing happens on a chip without one."""

from typing import Protocol, cast

from max78000.board.placement import Surroundings


class Server(Protocol):
    """The DMA, as a device with a FIFO sees it."""

    def serve(self) -> None:
        """Move all that enabled channels and requests allow, unless it is at that already."""


def serve_requests(around: Surroundings) -> None:
    """Tell the DMA that a request is up."""
    device = around.devices.get("DMA")
    if device is not None:
        cast("Server", device).serve()
