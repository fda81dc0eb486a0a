"""Names and places of ONNX operators: the user's modules and lines, as far as exporters kept them.

`torch.onnx.export` has two ways: by TorchScript, which writes modules in the operator's name,
`/features/features.0/Conv`, and by torch.export, which writes them beside it.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import onnx

_SCOPES, _STACK = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.stack_trace"
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


class Names:
    """The names of all operators of a graph."""

    def __init__(self, nodes: Iterable[onnx.NodeProto]) -> None:
        # Modules with modules in them: what they do themselves is called after the function.
        self._outer = {path for node in nodes for path in _scopes(node)[:-2]}

    def word(self, node: onnx.NodeProto) -> str:
        """What `record` would call it: its module, if that does nothing else, or what is done."""
        *paths, function = _scopes(node) or ("",)
        if function:
            path = paths[-1] if paths else ""
            return path if path and path not in self._outer else re.sub(r"_\d+$", "", function)
        return _path(node.name.removesuffix(f"/{node.op_type}")) or node.op_type.lower()

    def unique(self, node: onnx.NodeProto, taken: Iterable[str]) -> str:
        """A word that no other operator has."""
        word = re.sub(r"\W+", "_", self.word(node)).strip("_") or node.op_type.lower()
        name, count, others = word, 1, set(taken)
        while name in others:
            count += 1
            name = f"{word}_{count}"
        return name


def place_of(node: onnx.NodeProto, name: str) -> str:
    """The operator, and the line of the user's code that it comes from."""
    frames = [
        (path, line)
        for path, line in _FRAME.findall(_metadata(node, _STACK))
        if "site-packages" not in Path(path).parts and not path.startswith("<")
    ]
    line_text = f" {Path(frames[-1][0]).name}:{frames[-1][1]}" if frames else ""
    return f"{node.name or name} ({node.op_type}){line_text}"


def _path(name: str) -> str:
    """`/features/features.0` is module features.0, `/block/conv1` is block.conv1."""
    found: list[str] = []
    for part in name.split("/"):
        if found and part.startswith(f"{found[-1]}."):
            found.pop()
        found.append(part)
    return ".".join(filter(None, found))


def _scopes(node: onnx.NodeProto) -> tuple[str, ...]:
    """Paths of the modules around an operator, and last what it does; empty if nobody says."""
    text = _metadata(node, _SCOPES)
    try:
        found = ast.literal_eval(text) if text else ()
    except (ValueError, SyntaxError):
        return ()
    return tuple(found) if all(isinstance(one, str) for one in found) else ()


def _metadata(node: onnx.NodeProto, key: str) -> str:
    entries = getattr(node, "metadata_props", ())  # files of an older ONNX have none
    return next((one.value for one in entries if one.key == key), "")
