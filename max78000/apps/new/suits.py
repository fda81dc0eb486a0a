"""Which networks an application suits, and how large what it takes is."""

from math import ceil, prod

from max78000.apps.new.facts import AppNetwork
from max78000.errors import InputError, UnsupportedError

COLOURS = (1, 3)  # channels of a picture
MOST_ROWS, MOST_COLUMNS = 479, 640  # of the camera
MICROPHONE_HZ = 96_000  # is divided by a whole number


def raw_bytes(app: str, net: AppNetwork) -> int:
    """Bytes of a picture or a recording; 0 for an application that takes none.

    Raises:
        UnsupportedError: the network takes something else.
    """
    match app:
        case "camera":
            return _picture_bytes(net)
        case "microphone":
            return _recording_bytes(net)
        case _:
            return 0


def check_watchdog(app: str, net: AppNetwork, watchdog_s: int) -> None:
    """Refuse a watchdog that bites during a round of a network that suits; 0 is none.

    Raises:
        InputError: a recording, which nobody feeds during, and a second do not fit.
    """
    if app != "microphone" or not watchdog_s:
        return
    seconds = prod(net.shape) / net.form["rate"]
    if watchdog_s < seconds + 1:
        why = f"a recording takes {seconds:.1f} s, which a watchdog of {watchdog_s} s interrupts"
        fix = f"give --watchdog {ceil(seconds + 1)} or more"
        raise InputError(why, where=net.name, fix=fix)


def _picture_bytes(net: AppNetwork) -> int:
    channels, rows, columns = net.shape[0] // net.fold**2, *(net.fold * n for n in net.shape[1:])
    if channels not in COLOURS or columns == 1:
        why = f"takes {'x'.join(map(str, net.shape))}, which is no picture"
        raise UnsupportedError(why, where=net.name, fix="use --app serial")
    if rows > MOST_ROWS or columns > MOST_COLUMNS or columns % 2:
        why = f"takes pictures of {rows}x{columns} (rows x columns)"
        fix = f"the camera has up to {MOST_ROWS}x{MOST_COLUMNS}, an even number of columns"
        raise UnsupportedError(why, where=net.name, fix=fix)
    return 2 * rows * columns


def _recording_bytes(net: AppNetwork) -> int:
    rate = int(net.form.get("rate", 0))
    if not rate:
        why = "does not say at which rate it takes recordings"
        fix = "train it on recordings with `ai8x train`, or use --app serial"
        raise UnsupportedError(why, where=net.name, fix=fix)
    if MICROPHONE_HZ % rate:
        why = f"takes recordings at {rate} Hz"
        fix = f"train at a rate that divides {MICROPHONE_HZ}, such as 16000"
        raise UnsupportedError(why, where=net.name, fix=fix)
    return 2 * prod(net.shape)
