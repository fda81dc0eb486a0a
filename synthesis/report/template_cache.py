"""Templates, compiled once: compiling takes longer than all that is then made of them.

What is compiled lies where Python keeps modules, in `__pycache__` beside the templates, and is
written when Python writes those. Without a place to write, templates are compiled at every start.
"""

import hashlib
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from max78000.errors import InputError
from max78000.files import make_folder, write_whole

SEAL_BYTES = hashlib.sha256().digest_size


class TemplateCache(BytecodeCache):
    """Files of compiled templates: a checksum, then what Jinja makes of a template.

    Jinja itself compares its format and the template's text. The checksum is there because Python
    can crash on damaged code; it is that of the code, of Jinja's release and of the settings, all
    of which change what is made of a text.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Keep templates of an environment.

        Args:
            settings: those of Jinja; their `repr` tells them apart, at every start in the same way.
        """
        self._made_by = repr((jinja2.__version__, sorted(settings.items()))).encode()

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Name the file of a template's code."""
        assert filename is not None
        return cache_from_source(filename)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code from the file, if there is one and it is whole."""
        with suppress(OSError):
            stored = Path(bucket.key).read_bytes()
            seal, code = stored[:SEAL_BYTES], stored[SEAL_BYTES:]
            if self._seal(code) == seal:
                bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the file, whole or not at all."""
        if sys.dont_write_bytecode:
            return
        path, code = Path(bucket.key), bucket.bytecode_to_string()
        with suppress(InputError):
            make_folder(path.parent)
            write_whole(path, self._seal(code) + code)

    def _seal(self, code: bytes) -> bytes:
        return hashlib.sha256(self._made_by + code).digest()


def environment(folder: Path, **settings: Any) -> Environment:
    """Make the environment of a folder of templates.

    Args:
        folder: with the templates; compiled ones are kept there too.
        settings: those of Jinja that are not the same for all; plain values.
    """
    settings |= {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return Environment(
        loader=FileSystemLoader(folder), bytecode_cache=TemplateCache(settings), **settings
    )
