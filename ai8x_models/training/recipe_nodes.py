"""The text of a recipe as nodes with their lines: what can be wrong with it as YAML.

Needs no PyTorch; what the nodes mean is for `recipe_file` to know.
"""

from pathlib import Path

import yaml

from ai8x_models.layers.yaml_text import compose_yaml
from max78000.errors import InputError
from max78000.facts.shipped import RECIPES, find_input, or_shipped


def read_nodes(path: Path) -> yaml.Node:
    """Read the nodes of a recipe file, or of one that is shipped.

    Raises:
        InputError: no such file, not UTF-8, not YAML, or empty.
    """
    try:
        text = find_input(path).read_text(encoding="utf-8")
    except OSError as error:
        fix = or_shipped("name a recipe file", path, RECIPES)
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), fix=fix) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "is not UTF-8 text", where=str(path), fix="name a YAML recipe file"
        ) from error
    return nodes_of(text, str(path))


def nodes_of(text: str, source: str) -> yaml.Node:
    """Turn YAML text into nodes; `source` is the name that messages give it."""
    try:
        root = compose_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        reason = getattr(error, "problem", None) or "cannot be parsed"
        fix = "check indentation and colons"
        raise InputError(f"is not valid YAML: {reason}", where=where, fix=fix) from error
    if root is None:
        raise InputError("is empty", where=source, fix="start from a file in ai8x_models/recipes/")
    return root
