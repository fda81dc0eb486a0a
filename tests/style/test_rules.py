"""How rules are written: a check looks at one thing, and numbers of the chip are the chip's."""

import ast
from pathlib import Path

import pytest
from rooms import tree_of

SYNTHESIS = Path(__file__).resolve().parents[2] / "synthesis"
RULES = sorted((SYNTHESIS / "rules").glob("*.py"))
PLACING = sorted((SYNTHESIS / "place").glob("*.py"))
DECORATORS = {"layer_rule", "graph_rule", "placed_layer_rule", "placement_rule"}
HARMLESS = range(
    5
)  # what a formula counts with: both sides of a picture, 3x3 taps, axes of an array
CHOSEN = {  # names of numbers that are not the chip's
    "KIB",  # a unit
    "PAGE_WIDTH",  # of the manual
    "MAX_STEPS",  # patience of the search
    "MAX_CHIP_TESTS",
    "FEW_CYCLES",  # what it does not count
    "EMPTY_SHARE",
    "CHW_RING_WORDS",  # the vendor's generator chose it
}


def functions(path):
    return [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.FunctionDef)]


def is_rule(function):
    return any(
        isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in DECORATORS
        for decorator in function.decorator_list
    )


def large_numbers(tree):
    """Numbers outside constants whose names are on the list, with their lines."""
    chosen = {
        id(number)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in CHOSEN
        for number in ast.walk(node)
    }
    for node in ast.walk(tree):
        is_number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if is_number and node.value not in HARMLESS and id(node) not in chosen:
            yield node.lineno, node.value


def test_rules_are_found():
    assert sum(is_rule(f) for path in RULES for f in functions(path)) > 70


def goes_through_layers(node):
    """True for a loop over `x.layers`, all of them or a slice; `x.layers[i]` is one layer."""
    if not isinstance(node, ast.For | ast.comprehension):
        return False
    inside = list(ast.walk(node.iter))
    single = {
        id(part.value)
        for part in inside
        if isinstance(part, ast.Subscript) and not isinstance(part.slice, ast.Slice)
    }
    return any(
        getattr(part, "attr", getattr(part, "id", "")) == "layers" and id(part) not in single
        for part in inside
    )


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_only_the_frame_goes_through_the_layers(path):
    """`rule.py` has the loops; what needs all layers for a sum asks the placement, or `advice`."""
    loops = [
        f"{path.name}:{function.lineno} {function.name}"
        for function in functions(path)
        for node in ast.walk(function)
        if goes_through_layers(node)
    ]
    assert not loops or path.name in ("rule.py", "advice.py")


@pytest.mark.parametrize("path", [*RULES, *PLACING], ids=lambda path: path.stem)
def test_limits_are_the_chips(path):
    assert not list(large_numbers(tree_of(path)))


def test_the_chip_is_an_argument():
    """Only what people call, from Python or the command line, names a chip."""
    doors = [*(SYNTHESIS / "api").glob("*.py"), *(SYNTHESIS / "commands").glob("*.py")]
    named = [
        f"{path.relative_to(SYNTHESIS)}:{node.lineno}"
        for path in SYNTHESIS.rglob("*.py")
        if path not in doors
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Name | ast.alias) and "MAX78000" in ast.unparse(node)
    ]
    assert not named
