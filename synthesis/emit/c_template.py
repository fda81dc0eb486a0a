"""C templates, read once a process."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, Template

from synthesis.report.template_cache import environment


def c_template(name: str) -> Template:
    """Return a template by the name of the file that it makes, or of its part in one."""
    return c_environment().get_template(f"{name}.j2")


@cache
def c_environment() -> Environment:
    """All templates of C projects."""
    folder = Path(__file__).parent / "templates"
    return environment(folder, keep_trailing_newline=True, autoescape=False)
