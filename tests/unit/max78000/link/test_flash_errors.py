"""Messages of debuggers as they print them, and the cause each is taken for."""

import re

import pytest

from max78000.link.flash_errors import KNOWN_ERRORS, explain, recognise

# fmt: off
MESSAGES = (
    # what is said                                                             part of the cause
    ("Error: unable to find a matching CMSIS-DAP device",                      "no debug adapter"),
    ("No available debug probes are connected",                                "no debug adapter"),
    ("Error: libusb_open() failed with LIBUSB_ERROR_ACCESS",                   "does not let you"),
    ("[Errno 13] Access denied (insufficient permissions)",                    "does not let you"),
    ("usb.core.NoBackendError: No backend available",                          "USB library"),
    ("Error: libusb_claim_interface: LIBUSB_ERROR_BUSY",                       "another program"),
    ("wrong chip: CPUID 0x410fc240 instead of 0x410fc241",                     "not a MAX78000"),
    ("Warn : JTAG tap: max78000.cpu       UNEXPECTED: 0x12345678",             "not a MAX78000"),
    ("Error: timeout waiting for algorithm",                                    "another chip"),
    ("Error: flash erase sector failure (address 0x10000000; result code 2)", "write-protected"),
    ("diff 0 address 0x10000010. Was 0x00 instead of 0xff",                    "read back"),
    ("Error: Error connecting DP: cannot read IDR",                            "does not answer"),
    ("No ACK received",                                                        "does not answer"),
    ("Error: JTAG scan chain interrogation failed: all ones",                  "does not answer"),
    ("Error: timed out while waiting for target halted",                       "does not stop"),
    ("Error: [max78000.cpu] Target not examined yet",                          "does not stop"),
    ("Error: Debug adapter doesn't support 'swd' transport",                   "cannot do SWD"),
    ("LIBUSB_ERROR_NO_DEVICE",                                                 "was lost"),
    ("ProbeDisconnected",                                                      "was lost"),
    ("Error: CMSIS-DAP: timeout",                                              "does not react"),
    ("Error: CMSIS-DAP command CMD_CONNECT failed.",                           "does not react"),
    ("SWD/JTAG communication failure (No ACK); ",                              "does not answer"),
    ("No cores were discovered!",                                              "does not answer"),
    ("Error: CMSIS-DAP command mismatch. Expected 0x5 received 0x0",           "was lost"),
    ("An error occurred during the transfer.",                                 "did not take"),
    ("The interface firmware FAILED to reset/halt the target MCU",             "not be programmed"),
    ("everything is fine",                                                     None),
)
# fmt: on


@pytest.mark.parametrize(("message", "cause"), MESSAGES)
def test_messages_are_recognised(message, cause):
    known = recognise(message)
    assert (known is None) if cause is None else (known is not None and cause in known.cause)


def test_an_explanation_is_cause_and_remedy():
    text = explain("error: NO ACK received")
    assert text is not None
    assert text.startswith("the adapter works, but the chip does not answer: check power")
    assert explain("") is None


def test_every_entry_is_a_pattern_with_words():
    for known in KNOWN_ERRORS:
        re.compile(known.pattern)
        assert known.cause
        assert known.remedy
        assert not known.remedy.endswith(".")
