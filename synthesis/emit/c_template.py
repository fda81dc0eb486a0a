"""C templates, read once a process."""

from functools import cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, Template

from synthesis.report.template_cache import environment

# What begins the names of one network among several, and what it has to say of the others.
ALONE = MappingProxyType({"p": "", "P": "", "member": None, "is_shared": False})


def c_template(name: str) -> Template:
    """Return a template by the name of the file that it makes, or of its part in one."""
    return c_environment().get_template(f"{name}.j2")


@cache
def c_environment() -> Environment:
    """All templates of C projects."""
    folder = Path(__file__).parent / "templates"
    made = environment(folder, keep_trailing_newline=True, autoescape=False)
    made.globals |= ALONE
    return made
