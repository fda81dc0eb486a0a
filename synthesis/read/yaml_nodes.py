"""YAML nodes -> lines and plain values; what a syntax error says."""

from typing import Any

import yaml


def line_of(node: yaml.Node) -> int:
    """Line of the file, from 1."""
    return int(node.start_mark.line) + 1


def yaml_problem(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Line and reason of a syntax error."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.encode()[: error.position].count(b"\n") + 1
        return line, f"character {error.character:#04x} is not allowed"
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 1
    return line, getattr(error, "problem", None) or "the text is not YAML"


def plain_value(node: yaml.Node) -> Any:
    """The plain value of a node, as YAML 1.1 defines it; what its tag forbids stays text."""
    if isinstance(node, yaml.ScalarNode):
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, LookupError, AttributeError):
            return node.value  # such as !!int "" or !!timestamp now
        finally:
            loader.dispose()
    if isinstance(node, yaml.SequenceNode):
        return [plain_value(entry) for entry in node.value]
    return {str(plain_value(key)): plain_value(value) for key, value in node.value}
