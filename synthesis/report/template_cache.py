"""Templates, compiled once: compiling takes longer than all that is then made of them.

What is compiled lies where Python keeps modules, in `__pycache__` beside the templates, and is
written when Python writes those. Without a place to write, templates are compiled at every start.
"""

import hashlib
import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

SEAL_BYTES = hashlib.sha256().digest_size


class TemplateCache(BytecodeCache):
    """Files of compiled templates: a checksum of the rest, then what Jinja makes of a template.

    Jinja itself compares the version and the template's text; the checksum is there because Python
    can crash on damaged code.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Name the file of a template's code."""
        assert filename is not None
        return cache_from_source(filename)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code from the file, if there is one and it is whole."""
        with suppress(OSError):
            stored = Path(bucket.key).read_bytes()
            seal, code = stored[:SEAL_BYTES], stored[SEAL_BYTES:]
            if hashlib.sha256(code).digest() == seal:
                bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the file, whole or not at all."""
        if sys.dont_write_bytecode:
            return
        path, code = Path(bucket.key), bucket.bytecode_to_string()
        part = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(hashlib.sha256(code).digest() + code)
            part.replace(path)


def environment(folder: Path, **settings: Any) -> Environment:
    """Make the environment of a folder of templates.

    Args:
        folder: with the templates; compiled ones are kept there too.
        settings: those of Jinja that are not the same for all.
    """
    return Environment(
        loader=FileSystemLoader(folder),
        bytecode_cache=TemplateCache(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **settings,
    )
