"""What debuggers say and what it means: known messages, their cause, and the remedy.

A table, and two functions that look into it; it talks to nobody.

Source: [OpenOCD] adapter and cortex_m drivers; [pyOCD] probe and coresight packages; [DAPLink]
FAIL.TXT; [kit] causes; [ERR].
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownError:
    """A pattern (searched in any case), what it means, and what to do."""

    pattern: str
    cause: str
    remedy: str


_SLEEPS = (
    "press the board's reset button and try again within the 2 seconds that debug builds wait; "
    "else hold reset while connecting, or erase through the DAPLink drive (copy a file erase.act)"
)
_CONNECT = (
    "connect the adapter by USB, and its ribbon cable to the SWD header (JH5 of the evaluation kit)"
)
_CABLE = "check USB and ribbon cable, then flash again: a half-written image does not start"

# First match wins: the specific before the general.
KNOWN_ERRORS: tuple[KnownError, ...] = (
    KnownError(
        r"libusb_open\(\) failed with LIBUSB_ERROR_ACCESS|Access denied \(insufficient perm"
        r"|\[Errno 13\]|LIBUSB_ERROR_ACCESS|Permission denied",
        "the system does not let you use the debug adapter",
        "add a udev rule (max78000 doctor prints it), then unplug the adapter and plug it in again",
    ),
    KnownError(
        r"unable to find a matching CMSIS-DAP device|no (available |connected )?debug probe"
        r"|no device with ID|could not find.*probe",
        "no debug adapter answers",
        _CONNECT,
    ),
    KnownError(
        r"No USB backend|NoBackendError|libusb.*(not found|No such file)",
        "the USB library is missing",
        "install libusb (Debian: libusb-1.0-0), or pip install libusb-package",
    ),
    KnownError(
        r"LIBUSB_ERROR_BUSY|Resource busy|already (open|in use)|claim interface",
        "another program holds the debug adapter",
        "end other debuggers (openocd, pyocd, an IDE), then try again",
    ),
    KnownError(
        r"wrong chip: CPUID|UNEXPECTED: 0x|expected \d+ of \d+: 0x",
        "this is not a MAX78000",
        "check which board the adapter is wired to, or choose the adapter with --uid",
    ),
    KnownError(
        r"timeout waiting for algorithm|max32xxx",
        "OpenOCD 0.12 drives the flash controller of another chip family",
        "use max78000 flash, which brings its own flash algorithm, with --probe pyocd or openocd",
    ),
    KnownError(
        r"access failure|result[ _]code[: =]*(0x)?0*2\b",
        "the flash refuses to be erased or written: the page is write-protected",
        "remove power for some seconds (page locks survive every reset), then try again",
    ),
    KnownError(
        r"clock is one that cannot time the flash",
        "the running program has switched the chip to a slow clock",
        "press reset and try again within 2 seconds",
    ),
    KnownError(
        r"contents differ|diff \d+ address|verification? (failed|mismatch)|checksum mismatch",
        "what was read back is not what was written",
        "flash again; if the address stays the same, the page is worn out or protected",
    ),
    KnownError(
        r"Invalid ACK|No ACK|SWD/JTAG communication failure|SWD protocol error|cannot read IDR"
        r"|Error connecting DP|JTAG scan chain interrogation failed|No cores were discovered"
        r"|invalid AP BASE|Debug regions are unpowered",
        "the adapter works, but the chip does not answer",
        "check power and ribbon cable; if the firmware sleeps: " + _SLEEPS,
    ),
    KnownError(
        r"Failed to halt|unable to halt|Could not halt|timed out while waiting for target halted"
        r"|target was not halted|target not (halted|examined)|not examined yet",
        "the core does not stop: it sleeps, or is held in reset",
        _SLEEPS,
    ),
    KnownError(
        r"(doesn't|does not) support .*transport|transport .*not available|known wire protocols",
        "this adapter cannot do SWD",
        "use a CMSIS-DAP adapter such as the MAX32625PICO of the evaluation kit",
    ),
    KnownError(
        r"ProbeDisconnected|disconnected|No such device|LIBUSB_ERROR_(NO_DEVICE|PIPE|IO)"
        r"|Broken pipe|connection (was )?(reset|lost|closed)|remote_bitbang.*fail|thread exited"
        r"|CMSIS-DAP (command|transfer count) mismatch",
        "the connection was lost",
        _CABLE,
    ),
    KnownError(
        r"CMSIS-DAP.*(failed|timeout)|DAP_\w+ failed|expected DAP_\w+|USB Error"
        r"|unable to open device|Connection refused",
        "the adapter does not react",
        "unplug the adapter and plug it in again; if it stays so, update its firmware (DAPLink)",
    ),
    KnownError(
        r"(hex file|file|transfer|data).*(out of order|too large|invalid|corrupt|incomplete)"
        r"|An error occurred during the transfer|The transfer timed out",
        "the adapter did not take the file",
        "update the adapter's firmware (DAPLink), copy again, or use --probe pyocd",
    ),
    KnownError(
        r"The interface firmware FAILED|flash algorithm|FlashFailure|flash (init|erase|program)",
        "the flash could not be programmed",
        "press reset and try again; if it stays so, erase through the DAPLink drive (erase.act)",
    ),
)


def recognise(text: str) -> KnownError | None:
    """Find what a debugger's message means; None if it is not known."""
    for known in KNOWN_ERRORS:
        if re.search(known.pattern, text, re.IGNORECASE):
            return known
    return None


def explain(text: str) -> str | None:
    """Say in one sentence what a debugger's message means and what to do; None if not known."""
    known = recognise(text)
    return f"{known.cause}: {known.remedy}" if known else None
