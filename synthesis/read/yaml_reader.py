"""YAML text -> NetworkSpec. Every problem of the file is reported at once, each with its line.

Checks spelling and types only: what a combination of keys means is decided later. The accepted
language is the vendor generator's (YAML 1.1, hexadecimal processor maps with dots or underscores,
aliases).
"""

import difflib
import reprlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

from max78000.errors import InputError, ToolError, UnsupportedError, raise_all
from max78000.facts.fixed import Combine
from synthesis.read import yaml_values as values
from synthesis.read.description import (
    ACTIVATIONS,
    DATA_FORMATS,
    ELTWISE_OPERATORS,
    OPERATORS,
    BufferSpec,
    LayerSpec,
    NetworkSpec,
    Operator,
    StepSpec,
    UnloadSpec,
)
from synthesis.read.yaml_nodes import line_of, plain_value, yaml_problem

Keys = Mapping[str, tuple[str, values.Converter]]
OPERATION = values.meaning_of({**OPERATORS, **ELTWISE_OPERATORS})
# key -> (name in LayerSpec, converter)
LAYER_KEYS = MappingProxyType(
    {
        "name": ("name", values.text),
        "sequence": ("sequence", values.within(0, 31)),
        "next_sequence": ("next_sequence", values.reference),
        "simulated_sequence": ("simulated_sequence", values.reference),
        "in_sequences": ("in_sequences", values.references),
        "weight_source": ("weight_source", values.reference),
        "output": ("output", values.boolean),
        "op": ("op", OPERATION),
        "operation": ("op", OPERATION),
        "operator": ("op", OPERATION),
        "convolution": ("op", OPERATION),
        "eltwise": ("eltwise", values.meaning_of(ELTWISE_OPERATORS)),
        "operands": ("operands", values.within(2, 16)),
        "pool_first": ("pool_first", values.boolean),
        "activate": ("activate", values.meaning_of(ACTIVATIONS)),
        "activation": ("activate", values.meaning_of(ACTIVATIONS)),
        "kernel_size": ("kernel_size", values.kernel_size),
        "pad": ("pad", values.integer),
        "stride": ("stride", values.pair),
        "dilation": ("dilation", values.pair),
        "output_pad": ("output_pad", values.integer),
        "flatten": ("flatten", values.boolean),
        "max_pool": ("max_pool", values.pair_or_int),
        "avg_pool": ("avg_pool", values.pair_or_int),
        "pool_stride": ("pool_stride", values.pair_or_int),
        "quantization": ("quantization", values.quantization),
        "output_shift": ("output_shift", values.integer),
        "output_width": ("output_width", values.one_of(8, 32)),
        "in_channels": ("in_channels", values.within(1, 1 << 20)),
        "out_channels": ("out_channels", values.within(1, 1 << 20)),
        "in_dim": ("in_dim", values.dimensions),
        "in_crop": ("in_crop", values.pair),
        "processors": ("processors", values.processor_map),
        "output_processors": ("output_processors", values.processor_map),
        "in_offset": ("in_offset", values.within(0, 0x1FFFF)),
        "out_offset": ("out_offset", values.within(0, 0x1FFFF)),
        "write_gap": ("write_gap", values.within(0, 15)),
        "bias_group": ("bias_group", values.quadrants),
        "bias_quadrant": ("bias_group", values.quadrants),
        "data_format": ("data_format", values.meaning_of(DATA_FORMATS)),
        "streaming": ("streaming", values.boolean),
        "in_channel_skip": ("in_channel_skip", values.within(0, 1024)),  # no effect on the chip
        "buffer_shift": ("buffer_shift", values.within(1, 1024)),
        "buffer_insert": ("buffer_insert", values.within(1, 1024)),
        "move": ("move", values.boolean),
    }
)
# Keys that only the larger MAX78002 has -> the one value that is harmless here, and the way out.
OTHER_CHIP_KEYS = MappingProxyType(
    {
        "bypass": (False, "use op: passthrough"),
        "calcx4": (False, "remove it"),
        "readahead": (False, "remove it"),
        "tcalc": (False, "remove it"),
        "snoop_sequence": (None, "remove it"),
        "read_gap": (0, "write the tensor a second time without gap, with op: passthrough"),
        "in_skip": (0, "write the tensor a second time without gap, with op: passthrough"),
        "groups": (1, "use a full convolution whose unused weights are 0"),
        "conv_groups": (1, "use a full convolution whose unused weights are 0"),
        "pool_dilation": (1, "pool in two layers"),
    }
)
NETWORK_KEYS = MappingProxyType(
    {
        "arch": values.text,
        "dataset": values.text,
        "bias": values.text,
        "weights": values.text,
        "output_map": values.processor_map,
        "input_shape": values.shape,
        "out_channels": values.counts,
    }
)
PLACE_KEYS = MappingProxyType(
    {
        "processors": ("processors", values.processor_map),
        "channels": ("channels", values.within(1, 1024)),
        "dim": ("dim", values.dimensions),
        "offset": ("offset", values.within(0, 0x7FFF)),
        "width": ("width", values.one_of(8, 32)),
    }
)
BUFFER_KEYS = MappingProxyType({"name": ("name", values.text), **PLACE_KEYS})
UNLOAD_KEYS = MappingProxyType({**PLACE_KEYS, "write_gap": ("write_gap", values.within(0, 15))})
OPTIONAL_KEYS = ("width", "write_gap")
SECTIONS = ("layers", "data_buffer", "unload", "finish")
MAX_NESTING = 16  # lists and mappings inside each other; the language needs four
MAX_EVENTS = 100_000  # the largest network of the corpus has some thousand


def read_network(text: str, source: str) -> NetworkSpec:
    """Parse a description.

    Args:
        text: the YAML.
        source: name of the file, for messages.
    Raises:
        ProblemList or InputError: all problems of the file, each with its line.
    """
    return _Reader(source).network(text)


class _Reader:
    """Walks the YAML nodes once and collects problems."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[tuple[int, ToolError]] = []  # with their lines

    def network(self, text: str) -> NetworkSpec:
        root = self._compose(text)
        found: dict[str, Any] = {}
        layers: tuple[LayerSpec, ...] = ()
        for key, node in self._entries(root, "").items():
            if key == "layers":
                layers = self._layers(node)
            elif key == "data_buffer":
                found["buffers"] = self._buffers(node)
            elif key == "unload":
                found["unload"] = self._unload(node)
            elif key == "finish":
                found["finish"] = self._finish(node)
            elif key in NETWORK_KEYS:
                self._convert(node, key, NETWORK_KEYS[key], found, key)
            else:
                self._unknown_network_key(key, node)
        missing = [key for key in ("arch", "dataset", "layers") if key not in self._keys(root)]
        if missing:
            self._problem(
                1, f"{', '.join(missing)} missing", "give arch, dataset and layers", rule="G2"
            )
        in_file_order = sorted(self.problems, key=lambda entry: entry[0])
        raise_all(problem for _, problem in in_file_order)
        return NetworkSpec(source=self.source, layers=layers, **found)

    def _compose(self, text: str) -> yaml.MappingNode:
        try:
            self._check_bounds(text)
            root = yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            line, reason = yaml_problem(error, text)
            raise InputError(
                f"not valid YAML: {reason}", where=f"{self.source}:{line}", rule="G1"
            ) from None
        if not isinstance(root, yaml.MappingNode):
            raise InputError(
                "a network description is a mapping with arch, dataset and layers",
                where=f"{self.source}:1",
                fix="see networks/README.md for the smallest example",
                rule="G1",
            )
        return root

    def _check_bounds(self, text: str) -> None:
        """Refuse, before anything is built, what a few lines of text can make endless."""
        starts: list[tuple[str | None, int]] = []  # anchors of what is open, events before it
        sizes: dict[str | None, int] = {}  # events that an alias stands for
        n_events = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            where = f"{self.source}:{event.start_mark.line + 1 if event.start_mark else 1}"
            n_events += 1
            if isinstance(event, yaml.CollectionStartEvent):
                starts.append((event.anchor, n_events))
                if len(starts) > MAX_NESTING:
                    why = f"more than {MAX_NESTING} lists and mappings inside each other"
                    raise InputError(
                        why, where=where, fix="close the brackets of this line", rule="G1"
                    )
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, start = starts.pop()
                sizes[anchor] = n_events - start
            elif isinstance(event, yaml.AliasEvent):
                n_events += sizes.get(event.anchor, 0)
                if any(anchor for anchor, _ in starts):
                    why = f"alias *{event.anchor} inside a list or mapping that has an anchor"
                    raise InputError(
                        f"{why} itself", where=where, fix="write the value out", rule="G1"
                    )
            if n_events > MAX_EVENTS:
                why = f"more than {MAX_EVENTS:,} values once aliases are written out"
                raise InputError(why, where=where, fix="leave such aliases out", rule="G1")

    def _layers(self, node: yaml.Node) -> tuple[LayerSpec, ...]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._problem(line_of(node), "layers must be a list of layers", rule="G2")
            return ()
        return tuple(self._layer(entry, i) for i, entry in enumerate(node.value))

    def _layer(self, node: yaml.Node, position: int) -> LayerSpec:
        place = f"layers[{position}]"
        if not isinstance(node, yaml.MappingNode):
            self._problem(line_of(node), "a layer must be a mapping", place=place, rule="G2")
            return LayerSpec(line=line_of(node))
        found = self._mapping(node, LAYER_KEYS, place)
        if isinstance(found.get("op"), Combine):  # nothing else: a pass-through that combines
            found = {"eltwise": found["op"], **found, "op": Operator.PASSTHROUGH}
        return LayerSpec(line=line_of(node), **found)

    def _mapping(self, node: yaml.MappingNode, keys: Keys, place: str) -> dict[str, Any]:
        """The values of a mapping, by their names in the description."""
        other_chip = OTHER_CHIP_KEYS if keys is LAYER_KEYS else {}
        found: dict[str, Any] = {}
        spelled: dict[str, str] = {}
        for key, entry in self._entries(node, place).items():
            if key in other_chip:
                self._other_chip_key(key, entry, place)
            elif key not in keys:
                self._unknown_key(key, entry, place, (*keys, *other_chip))
            elif keys[key][0] in spelled:
                first = spelled[keys[key][0]]
                self._problem(
                    line_of(entry), f"{first} and {key} mean the same", "keep one", place, "G4"
                )
            else:
                name, converter = keys[key]
                spelled[name] = key
                self._convert(entry, key, converter, found, name, place)
        return found

    def _buffers(self, node: yaml.Node) -> tuple[BufferSpec, ...]:
        entries = self._places(node, "data_buffer", BUFFER_KEYS)
        for line, _ in entries[1:]:
            why = "a second data_buffer: a network has one"
            self._problem(line, why, "put its channels into the first", "data_buffer", "G21")
        return tuple(BufferSpec(line=line, **found) for line, found in entries)

    def _unload(self, node: yaml.Node) -> tuple[UnloadSpec, ...]:
        entries = self._places(node, "unload", UNLOAD_KEYS)
        return tuple(UnloadSpec(line=line, **found) for line, found in entries)

    def _finish(self, node: yaml.Node) -> tuple[StepSpec, ...]:
        if not isinstance(node, yaml.SequenceNode):
            self._problem(line_of(node), "finish must be a list of steps", rule="G22")
            return ()
        steps = (self._step(entry, f"finish[{i}]") for i, entry in enumerate(node.value))
        return tuple(step for step in steps if step is not None)

    def _step(self, node: yaml.Node, place: str) -> StepSpec | None:
        from synthesis.read.finish_keys import COMMON_KEYS, STEP, WORDS  # noqa: PLC0415 - few networks have one

        line, n_problems = line_of(node), len(self.problems)
        if not isinstance(node, yaml.MappingNode):
            self._problem(line, "a step must be a mapping", place=place, rule="G22")
            return None
        word: dict[str, Any] = {}
        for key, entry in node.value:
            if plain_value(key) == "op":
                self._convert(entry, "op", STEP, word, "op", place)
        if not word and len(self.problems) == n_problems:
            self._problem(line, "op missing", f"one of {', '.join(WORDS)}", place, "G22")
        if not word:
            return None
        kind = word["op"]
        found = self._mapping(node, {**COMMON_KEYS, "op": ("op", STEP), **kind.keys}, place)
        missing = [key for key in kind.needed if key not in self._keys(node)]
        if missing:
            self._problem(line, f"{', '.join(missing)} missing", "give it", place, "G22")
        if len(self.problems) > n_problems:
            return None
        common = {name: found.pop(name) for name, _ in COMMON_KEYS.values() if name in found}
        del found["op"]
        return StepSpec(line=line, step=kind.make(**found), **common)

    def _places(
        self, node: yaml.Node, section: str, keys: Keys
    ) -> list[tuple[int, dict[str, Any]]]:
        """Entries of a list of places in data memory, each with its line."""
        if not isinstance(node, yaml.SequenceNode):
            self._problem(line_of(node), f"{section} must be a list", rule="G22")
            return []
        entries = []
        for i, entry in enumerate(node.value):
            place = f"{section}[{i}]"
            if not isinstance(entry, yaml.MappingNode):
                self._problem(line_of(entry), "must be a mapping", place=place, rule="G22")
                continue
            given = self._keys(entry)
            missing = [key for key in keys if key not in given and key not in OPTIONAL_KEYS]
            if missing:
                why = f"{', '.join(missing)} missing"
                self._problem(line_of(entry), why, "give all of them", place, "G22")
            entries.append((line_of(entry), self._mapping(entry, keys, place)))
        return entries

    def _convert(
        self,
        node: yaml.Node,
        key: str,
        converter: values.Converter,
        found: dict[str, Any],
        name: str,
        place: str = "",
    ) -> None:
        value = plain_value(node)
        try:
            found[name] = converter(value)
        except values.BadValue as expected:
            self._problem(
                line_of(node),
                f"{key}: {reprlib.repr(value)} must be {expected}",
                place=place,
                rule="G22",
            )
        except UnsupportedError as error:
            self._problem(
                line_of(node), error.why, error.fix, place, error.rule, kind=UnsupportedError
            )

    def _keys(self, node: yaml.MappingNode) -> set[str]:
        return {str(plain_value(key)) for key, _ in node.value}

    def _entries(self, node: yaml.MappingNode, place: str) -> dict[str, yaml.Node]:
        entries: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = str(plain_value(key_node))
            if key in entries:
                first = line_of(entries[key])
                self._problem(
                    line_of(key_node), f"{key} is given twice, first on line {first}", "keep one",
                    place, "G1",
                )  # fmt: skip
            entries[key] = value
        return entries

    def _unknown_network_key(self, key: str, node: yaml.Node) -> None:
        if key == "snoop":
            self._problem(
                line_of(node), "snoop exists on MAX78002 only", "remove it", "", "G18",
                kind=UnsupportedError,
            )  # fmt: skip
        else:
            self._unknown_key(key, node, "", (*NETWORK_KEYS, *SECTIONS))

    def _other_chip_key(self, key: str, node: yaml.Node, place: str) -> None:
        harmless, fix = OTHER_CHIP_KEYS[key]
        value = plain_value(node)
        if value in (harmless, [harmless, harmless]) or value is None:
            return
        self._problem(
            line_of(node), f"{key}: {value} exists on MAX78002 only", fix, place, "G18",
            kind=UnsupportedError,
        )  # fmt: skip

    def _unknown_key(self, key: str, node: yaml.Node, place: str, known: tuple[str, ...]) -> None:
        near = difflib.get_close_matches(key, known, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        self._problem(line_of(node), f"unknown key {key!r}", fix, place, "G3")

    def _problem(
        self,
        line: int,
        why: str,
        fix: str = "",
        place: str = "",
        rule: str = "",
        kind: type[ToolError] = InputError,
    ) -> None:
        where = f"{self.source}:{line} {place}".rstrip()
        self.problems.append((line, kind(why, where=where, fix=fix, rule=rule)))
