"""Version of the toolchain, for what it writes."""

VERSION = "0.1.0"
