"""Compile all templates now, as compileall does modules: `make setup`.

For installations that nobody writes to later, and for shells that let Python write no code.
"""

import sys

from synthesis.emit.c_template import c_environment
from synthesis.report.html import page_environment


def main() -> None:
    """Compile what is not there yet."""
    sys.dont_write_bytecode = False  # what is asked for is written
    for templates in (c_environment(), page_environment()):
        for name in templates.list_templates(extensions=["j2"]):
            templates.get_template(name)


if __name__ == "__main__":
    main()
