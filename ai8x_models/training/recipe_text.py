"""A recipe as the text of a recipe file: all of it, with what was left out filled in."""

import dataclasses
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from ai8x_models.training.recipe import Recipe


def recipe_text(recipe: Recipe) -> str:
    """Write a recipe as YAML that `recipe_file` reads back as the same recipe."""
    return yaml.safe_dump(
        plain_section(recipe), sort_keys=False, allow_unicode=True, default_flow_style=None
    )


def plain_section(value: Any) -> Any:
    """A recipe or a section of it in types of YAML; what is None or empty is left out."""
    if dataclasses.is_dataclass(value):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return {
            name: plain_section(one)
            for name, one in fields.items()
            if one is not None and one not in ((), {})
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [plain_section(one) for one in value]
    return dict(value) if isinstance(value, dict) else value
