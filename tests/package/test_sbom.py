"""The bill of materials is CycloneDX, and names everything that is pinned, with its licence."""

import json

import pytest
from packaging.utils import canonicalize_name
from pins import PINS, are_installed
from ran import ran
from test_without_make import RECIPES, words_of

# Of the extra `release`, which who runs the other tests can do without, and slow to load.
NEEDS = "of the extra `release`"
pytest.importorskip("cyclonedx", reason=NEEDS)
IN_OWN_WORDS = ("protobuf", "pycocotools", "pylink-square")  # licences of no known name
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The text that the command of `make sbom` writes."""
    words = words_of(RECIPES["sbom"].strip())
    target = tmp_path_factory.mktemp("sbom") / "sbom.json"
    ran(*(target if word.startswith("dist/") else word for word in words))
    return target.read_text(encoding="utf-8")


def test_the_file_is_what_the_schema_says(written):
    version = pytest.importorskip("cyclonedx.schema", reason=NEEDS).SchemaVersion.V1_6
    validation = pytest.importorskip("cyclonedx.validation.json", reason=NEEDS)
    check = validation.JsonStrictValidator(version)
    assert check.validate_str(written) is None
    assert check.validate_str(written.replace('"components"', '"parts"')) is not None


def test_the_file_is_called_by_what_it_lists_tools_of_the_tests_and_all(written):
    assert "pytest" in {part["name"] for part in json.loads(written)["components"]}
    assert RECIPES["sbom"].split()[-1] == "dist/environment.cdx.json"


def test_it_is_about_this_project(written):
    about = json.loads(written)["metadata"]["component"]
    assert (about["name"], about["type"]) == ("max78000-toolchain", "application")
    assert about["licenses"][0]["license"]["id"] == "Apache-2.0"


@pytest.mark.skipif(
    not are_installed(), reason="others than those of constraints.txt are installed"
)
def test_every_pin_is_a_part_with_a_licence_if_it_has_a_known_one(written):
    parts = {canonicalize_name(part["name"]): part for part in json.loads(written)["components"]}
    for name, number in PINS:
        part = parts[canonicalize_name(name)]
        assert part["version"].partition("+")[0] == number
        assert bool(part.get("licenses")) == (name not in IN_OWN_WORDS), name
