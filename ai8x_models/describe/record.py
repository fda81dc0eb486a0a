"""Write a model down by running it: every function PyTorch calls on the way becomes a node.

The model runs once, in evaluation mode, as its own Python code says, so whatever it looks at
(shapes, flags) has the values of the example. Layers of ours are taken whole. What the functions
mean is said by `operations`; no graph is rewritten here.
"""

import inspect
import linecache
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ai8x_models.describe.calls import Call
from ai8x_models.describe.declared import declared_at
from ai8x_models.describe.finish_steps import CpuSteps, cpu_steps, part_steps
from ai8x_models.describe.graph import Concat, Foreign, Graph, Input, Join, Node, Op, Own, magnitude
from ai8x_models.describe.moves import parts
from ai8x_models.describe.operations import operation
from ai8x_models.describe.refusals import foreign
from ai8x_models.layers import layers
from ai8x_models.layers.qat import Layer
from max78000.errors import InputError, ToolError, UnsupportedError, raise_all

# What Python code raises when it is given data of a shape it was not made for.
_MISTAKES = (TypeError, AttributeError, NameError, ImportError)  # no other input helps
_MISFITS = (RuntimeError, ValueError, LookupError, AssertionError, *_MISTAKES)
_LIBRARY = tuple(str(Path(file).parent) for file in (torch.__file__, __file__, layers.__file__))
_GRAPH_CODE = "<eval_with_key>"  # what torch.fx calls the code that it makes of a graph
# What may be asked of a tensor without looking at its numbers: nothing here gives away data.
_ABOUT_FORM = frozenset(
    (
        *("size", "dim", "ndimension", "numel", "nelement", "stride", "storage_offset", "len"),
        *("get", "hash", "repr", "format", "type", "element_size", "get_device", "is_contiguous"),
        *("is_floating_point", "is_complex", "is_signed", "is_pinned", "is_inference"),
        *("is_same_size", "result_type", "is_storage", "requires_grad", "delete", "set"),
    )
)
# Words that a description cannot use as names: YAML reads them as truth values, or they are taken.
_TAKEN = ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "input", "stop")


def record(model: nn.Module, examples: Tensor) -> Graph:
    """Run a model on examples and write down what it does.

    Args:
        model: any; it is left as it was.
        examples: (N, C, H, W) or (N, C, L).

    Raises:
        InputError: the model does not run on such data, or gives no tensors.
        UnsupportedError or ProblemList: its Python code looks at the numbers in a tensor, or wants
            several.
    """
    _refuse_several_inputs(model)
    recorder = _Recorder(model)
    with _watched(model, recorder), torch.no_grad():
        recorder.add(Input(), "input", (), examples)
        try:
            with recorder:
                answer = model(examples)
        except _MISFITS as error:
            if recorder.is_noting:  # our own fault, not the model's
                raise
            raise_all(recorder.problems)
            shape = "x".join(map(str, examples.shape[1:]))
            why = f"does not run on an input of {shape}: {(str(error).splitlines() or [''])[0]}"
            fix = "give the shape that it was made for with --input"
            if isinstance(error, _MISTAKES):
                fix = "mend the model there: no other input would do"
            elif recorder.raised_by_user(error):
                fix = "see why the model raises it there; perhaps it wants another --input"
            if "Device index" in str(error):  # where a tensor is made beside another by number
                fix = "write device=x.device: x.get_device() is -1 on a CPU"
            where = recorder.place_of(error)
            raise InputError(why, where=where, fix=fix) from error
    raise_all({str(one): one for one in recorder.problems}.values())
    outputs = [recorder.index_of(tensor) for tensor in _tensors(answer)]
    known = tuple(index for index in outputs if index is not None)
    if not known:
        raise InputError("gives no tensor that depends on its input", where=type(model).__name__)
    return Graph(tuple(recorder.nodes), known)


def _refuse_several_inputs(model: nn.Module) -> None:
    parameters = inspect.signature(model.forward).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [one.name for one in parameters if one.kind in kinds and one.default is one.empty]
    if len(names) > 1:
        why = f"takes {len(names)} inputs ({', '.join(names)}), the accelerator has one"
        fix = "join them along the channels, and take them apart in the model: a = x[:, :3]"
        raise UnsupportedError(why, where=type(model).__name__, fix=fix)


@contextmanager
def _watched(model: nn.Module, recorder: "_Recorder") -> Iterator[None]:
    """Evaluation mode, and hooks that tell the recorder where it is."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    handles = []
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            fix = "give the model as it was before torch.jit compiled it"
            why = "is compiled by torch.jit: nobody sees what it does"
            where = f"{type(model).__name__} {path}".strip()
            recorder.problems.append(UnsupportedError(why, where=where, fix=fix))
            continue
        handles.append(module.register_forward_pre_hook(recorder.enter(path, module)))
        handles.append(module.register_forward_hook(recorder.leave(module)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module, was_training in training.items():
            module.training = was_training


class _Recorder(TorchFunctionMode):
    """Sees every call. A tensor's node is found by its identity, so all tensors are kept."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self._known: dict[int, int] = {}
        self._kept: list[Tensor] = []
        self._paths: list[tuple[str, nn.Module]] = [("", model)]
        self._inside: Layer | None = None
        self._names: Counter[str] = Counter()
        self.is_noting = False
        self.problems: list[ToolError] = []
        self._constants = {id(one): one for one in (*model.parameters(), *model.buffers())}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        sources = self._sources((args, named)) if self._inside is None else ()
        result = func(*args, **named)
        if sources:
            self.is_noting = True
            self._note(func.__name__, args, named, result, sources)
            self.is_noting = False
        elif self._inside is None:
            self._constants.update((id(one), one) for one in _tensors(result))
        return result

    def enter(self, path: str, module: nn.Module) -> Callable[..., None]:
        """Hook for the beginning of a module."""

        def hook(_module: nn.Module, _inputs: Any) -> None:
            self._paths.append((path, module))
            if isinstance(module, Layer):
                self._inside = module

        return hook

    def leave(self, module: nn.Module) -> Callable[..., None]:
        """Hook for the end of a module."""

        def hook(_module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(module, Layer):
                sources = self._sources(inputs)
                self.add(Own(module), self._path(), sources, output)
                self._inside = None
            elif self._inside is None and not self.problems and self._sources(inputs):
                self._check_seen(output)
            self._paths.pop()

        return hook

    def add(
        self,
        op: Op,
        word: str,
        sources: tuple[int, ...],
        result: Tensor,
        steps: CpuSteps = (),
    ) -> None:
        """Write one node down; from now on its result is known."""
        where = self._where()
        shape = tuple(result.shape[1:])
        name = self._unique(word)
        self.nodes.append(Node(name, op, sources, shape, magnitude(result), where, steps))
        self._known[id(result)] = len(self.nodes) - 1
        self._kept.append(result)

    def index_of(self, tensor: Tensor) -> int | None:
        """Node of a tensor that came out of one."""
        return self._known.get(id(tensor))

    def _note(
        self, name: str, args: Any, named: Any, result: Any, sources: tuple[int, ...]
    ) -> None:
        if name.strip("_") == "setitem":  # changes its first argument, and gives nothing
            self.add(foreign("setitem"), "setitem", sources, args[0])
            return
        found = list(_tensors(result))
        if not found:
            self._check_form(name.strip("_"), result)
            return
        if name == "__get__" and found[0].dim() == 0:
            return
        call = Call(name, args, named, found[0], lambda one: id(one) in self._known)
        split = parts(call, found)
        op = foreign(name.strip("_")) if len(found) > 1 else operation(name, call)
        if self._takes_data_as_parameter(call):
            op = Foreign("weights that depend on the data", "use weights of its own")
        if isinstance(op, Join | Concat) and len(sources) < len(list(_tensors(args))):
            op = Foreign("joins data with a constant tensor", "let the bias of a convolution do it")
        steps = part_steps(call, found) if split or len(found) > 1 else [cpu_steps(call)]
        ops = split or [op] * len(found)
        for tensor, one, on_cpu in zip(found, ops, steps, strict=True):
            self.add(one, self._word(name), sources, tensor, on_cpu)

    def _check_form(self, word: str, result: Any) -> None:
        """Refuse a question whose answer depends on the numbers in a tensor."""
        if result is None or word in _ABOUT_FORM:
            return
        if word == "bool":
            why = "branches on the data: only the way that an example takes would be described"
            fix = "compute both ways and choose on the CPU, or take the branch out"
        else:
            why = f"`{word}` takes numbers out of PyTorch: nobody sees what becomes of them"
            fix = "do it with tensors, or behind the network on the CPU"
        self.problems.append(UnsupportedError(why, where=self._where(), fix=fix))

    def _check_seen(self, output: Any) -> None:
        """Refuse a module that computes unseen: its answers come from no call that was noted."""
        if all(id(one) in self._known or id(one) in self._constants for one in _tensors(output)):
            return
        why = "computes what PyTorch's functions do not see (a script, or an extension)"
        fix = "write it with functions of PyTorch"
        self.problems.append(UnsupportedError(why, where=self._where(), fix=fix))

    def _takes_data_as_parameter(self, call: Call) -> bool:
        return any(id(call.values.get(name)) in self._known for name in ("weight", "bias"))

    def _sources(self, arguments: Any) -> tuple[int, ...]:
        found = [self._known.get(id(tensor)) for tensor in _tensors(arguments)]
        return tuple(index for index in found if index is not None)

    def _path(self) -> str:
        return self._paths[-1][0]

    def _word(self, function: str) -> str:
        """Name of a node: its module's, if that does nothing else; else what is done."""
        path, module = self._paths[-1]
        is_leaf = path and next(module.children(), None) is None
        return path if is_leaf else function.strip("_")

    def _unique(self, word: str) -> str:
        name = re.sub(r"\W+", "_", word).strip("_") or "layer"
        if name.lower() in _TAKEN or name[0].isdigit():
            name = f"layer_{name}" if self.nodes else name
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else self._unique(f"{name}_{count}")

    def _where(self) -> str:
        """Module and the line of the user's code that is running."""
        path, module = self._paths[-1]
        place = getattr(module, "place", "")
        if place:
            return str(place)
        frame = inspect.currentframe()
        while frame is not None and _is_library(frame.f_code.co_filename):
            frame = None if frame.f_code is record.__code__ else frame.f_back
        line_text = _line_text(frame)
        if frame is None and (declared := declared_at(module)):
            line_text = f" {declared}"
        return f"{_module_text(path, module)}{line_text}"

    @staticmethod
    def raised_by_user(error: BaseException) -> bool:
        """True if it was the user's own code that raised an error, not PyTorch in it."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        return trace is not None and not _is_library(trace.tb_frame.f_code.co_filename)

    def place_of(self, error: BaseException) -> str:
        """Module that was running when an error rose, and the line of the user's code."""
        path, module = self._paths[-1]
        if place := getattr(module, "place", ""):
            return str(place)
        trace: TracebackType | None = error.__traceback__
        frame: FrameType | None = None
        line = 0
        while trace is not None:
            if not _is_library(trace.tb_frame.f_code.co_filename):
                frame, line = trace.tb_frame, trace.tb_lineno
            trace = trace.tb_next
        root = type(self._paths[0][1]).__name__
        module_text = f" {_module_text(path, module)}" if path else ""
        return f"{root}{module_text}{_line_text(frame, line)}"


def _module_text(path: str, module: nn.Module) -> str:
    """A module's path; where that ends in a number, as in `Sequential`, also what it is."""
    kind = type(module).__name__
    if not path:
        return kind
    return f"{path} ({kind})" if path.rpartition(".")[2].isdigit() else path


def _line_text(frame: FrameType | None, line: int = 0) -> str:
    """Where the user's code is; of a graph of torch.fx, which no file holds, the node."""
    if frame is None:
        return ""
    filename, line = frame.f_code.co_filename, line or frame.f_lineno
    if filename.startswith(_GRAPH_CODE):
        return f" {linecache.getline(filename, line).partition('=')[0].strip()}".rstrip()
    return f" {Path(filename).name}:{line}"


def _is_library(filename: str) -> bool:
    is_unknown = filename.startswith("<") and not filename.startswith(_GRAPH_CODE)
    return filename.startswith(_LIBRARY) or is_unknown


def _tensors(value: Any) -> Iterator[Tensor]:
    """Tensors in arguments or answers, also inside lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
