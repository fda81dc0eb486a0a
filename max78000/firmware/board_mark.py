"""Which board an image is for, read from the image itself, in whatever file it came.

The board support package puts a mark behind the vector table (`bsp/src/board_mark.h`); images of
others have none.
"""

MARK_AT = 0x1E0  # from the start of flash: behind 120 vectors
MAGIC = b"MAX78BRD"
NAME_BYTES = 24


def marked_board(content: bytes) -> str:
    """The board of an image; empty if it does not say.

    Args:
        content: the flash from its start.
    """
    name_at = MARK_AT + len(MAGIC)
    if content[MARK_AT:name_at] != MAGIC:
        return ""
    name = content[name_at : name_at + NAME_BYTES].split(b"\0")[0]
    return name.decode("ascii", "replace")
