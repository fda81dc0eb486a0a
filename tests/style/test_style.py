"""House rules that no linter knows: import arrows, sizes, docstrings, exits, mutable tables."""

import ast
from pathlib import Path

import pytest
from rooms import tree_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("max78000", "ai8x_models", "synthesis")
MAY_IMPORT = {  # modules of other packages, each with what is below it
    "max78000": (),
    "ai8x_models": (
        "max78000.facts",
        "max78000.errors",
        "max78000.files",
        "max78000.command",
        "max78000.program.layer_dump",
        "max78000.program.folder",
        "max78000.program.pillow",
        "max78000.program.picture_file",  # pictures, the same for training and as samples
        "max78000.program.torch_file",  # tensors, looked at before PyTorch is there
        "max78000.program.pickle_size",  # how much a pickle builds, before it does
        "max78000.program.tensor_check",
        "max78000.program.safetensors_file",
        "max78000.program.resampling",  # recordings, prepared for training as for a board
        "max78000.machine.predict",  # what the simulated accelerator answers, for `evaluate`
        "max78000.apps.pose",
    ),
    "synthesis": (
        "max78000.facts",
        "max78000.errors",
        "max78000.files",
        "max78000.command",
        "max78000.program",
        "max78000.machine.predict",  # what a compiled network answers, for Python
        "max78000.link.vscode",  # settings of an editor, the same for applications
    ),
}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def imported_names(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_tree_is_found():
    assert len(SOURCES) > 50
    assert len(TESTS) > 20


@pytest.mark.parametrize("package", PACKAGES)
def test_no_back_arrows(package):
    others = set(PACKAGES) - {package}
    bad = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imported_names(path)
        if name.split(".")[0] in others
        and not any(f"{name}.".startswith(f"{known}.") for known in MAY_IMPORT[package])
    ]
    assert not bad, "\n".join(bad)


def test_torch_stays_on_the_training_side():
    bad = [
        str(path.relative_to(ROOT))
        for package in ("max78000", "synthesis")
        for path in (ROOT / package).rglob("*.py")
        if any(name.split(".")[0] == "torch" for name in imported_names(path))
    ]
    assert not bad


def test_files_are_short():
    long = {
        str(path.relative_to(ROOT)): n
        for path in (*SOURCES, *TESTS)
        if (n := len(path.read_text().splitlines())) > MAX_FILE_LINES
    }
    assert not long


def test_functions_fit_on_a_screen():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in (*SOURCES, *TESTS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_every_module_says_what_it_is():
    silent = [
        str(path.relative_to(ROOT)) for path in SOURCES if not ast.get_docstring(tree_of(path))
    ]
    assert not silent


def test_only_command_lines_exit():
    bad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if path.name not in ("ending.py", "start.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute | ast.Name)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("exit", "quit", "_exit")
        and ast.unparse(node.func) in ("sys.exit", "exit", "quit", "os._exit")
    ]
    assert not bad


def test_no_module_level_mutable_tables():
    """Tables are tuples, proxies, or at least typed as read-only mappings."""
    bad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in tree_of(path).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.List | ast.Dict | ast.Set)
        and "__all__" not in ast.unparse(node)
        and not (isinstance(node, ast.AnnAssign) and "Mapping" in ast.unparse(node.annotation))
    ]
    assert not bad, "\n".join(bad)


def test_tests_carry_no_annotations():
    """They are read, not called: names say it, and half of them annotated is worse than none."""
    annotated = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in TESTS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef)
        and (
            node.returns is not None
            or any(a.annotation for a in (*node.args.args, *node.args.kwonlyargs))
        )
    ]
    assert not annotated
