"""C templates, read and compiled once a process: it takes longer than to fill them in."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def c_template(name: str) -> Template:
    """Return a template by the name of the file that it makes, or of its part in one."""
    return _environment().get_template(f"{name}.j2")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("synthesis.emit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
