"""Whether the compilers for the core have a C library, which Debian packs apart from them."""

import pytest

from max78000.firmware.toolchain import find_zig

HAS_NEWLIB = find_zig().c_library is not None
needs_newlib = pytest.mark.skipif(
    not HAS_NEWLIB, reason="newlib is not installed (apt install libnewlib-arm-none-eabi)"
)
