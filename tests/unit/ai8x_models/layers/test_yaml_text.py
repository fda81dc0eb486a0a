import pytest
import yaml

from ai8x_models.layers.policy import read_policy
from ai8x_models.layers.yaml_text import compose_yaml, load_yaml
from ai8x_models.training.recipe_file import parse_recipe
from max78000.errors import InputError

UNUSABLE = {
    "deep": "a: " + "[" * 5000,
    "a list as a key": "[a]: 3\n",
    "within itself": "overrides: &a\n  x: *a\n",
    "ten times ten times": "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    + "".join(
        f"{this}: &{this} [{','.join([f'*{last}'] * 10)}]\n"
        for last, this in zip("abcde", "bcdef", strict=True)
    ),
}
EVERY = pytest.mark.parametrize("text", UNUSABLE.values(), ids=UNUSABLE)


@EVERY
def test_unusable_text_is_no_yaml(text):
    with pytest.raises(yaml.YAMLError):
        compose_yaml(text)


@EVERY
def test_recipes_and_policies_say_so_in_one_line(text, tmp_path):
    with pytest.raises(InputError, match="is not valid YAML"):
        parse_recipe(text, "recipe.yaml")
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(InputError, match="is not YAML"):
        read_policy(tmp_path / "policy.yaml")


def test_aliases_are_welcome():
    root = compose_yaml("a: &a {x: 1}\nb: *a\n")
    assert root.value[0][1] is root.value[1][1]
    assert compose_yaml("") is None
    assert load_yaml("a: &a {x: 1}\nb: {<<: *a, y: no}\n") == {
        "a": {"x": 1},
        "b": {"x": 1, "y": False},
    }
    assert load_yaml("") is None
