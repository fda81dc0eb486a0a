"""Makes the tables of the pages from the code they describe, between `<!-- table NAME -->` marks.

Run it to write the pages again; a test compares. What a table says is read off the objects
themselves: a layer's options from a layer that its name constructs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from ai8x_models.layers import vendor_names as names
from ai8x_models.layers.layers import ElementWise, FusedLayer, Pool

FOLDER = Path(__file__).parent
PAGES = ("coming-from-ai8x.md",)
MARKED = re.compile(r"(<!-- table ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
OPERATORS = ("Conv2d", "Conv1d", "ConvTranspose2d", "Linear")
POOLING = ("MaxPool2d", "AvgPool2d", "MaxPool1d", "AvgPool1d")
COMBINING = ("Add", "Sub", "BitwiseOr", "BitwiseXor")


def layer_names() -> str:
    """Every layer name of the vendor's, the layer it stands for here, and its description."""
    rows = [_row(*row) for row in (*_kernel_rows(), *_pool_rows(), *_combining_rows())]
    head = "| name, there and here | the same, spelled out | in the description |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _kernel_rows() -> Iterator[tuple[str, str, str]]:
    for operator in OPERATORS:
        found = [name for name in vars(names) if re.fullmatch(rf"\w*?{operator}\w*", name)]
        for name in found:
            layer = getattr(names, name)(4, 4) if operator == "Linear" else _with_kernel(name)
            yield name, _spelled_out(operator, layer), _described(operator, layer)


def _with_kernel(name: str) -> FusedLayer:
    stride = {"stride": 2} if "Transpose" in name else {}
    layer: FusedLayer = getattr(names, name)(4, 4, 3, padding=1, **stride)
    return layer


def _options(layer: FusedLayer) -> dict[str, str | None]:
    plan = layer.plan
    words = {"relu": "ReLU", "abs": "Abs", "none": None}
    activation = words[plan.activation.value.lower()]
    return {"pool": plan.pool, "batchnorm": plan.batchnorm, "activation": activation}


def _spelled_out(operator: str, layer: FusedLayer) -> str:
    given = [f'{key}="{word}"' for key, word in _options(layer).items() if word]
    return f"{operator}({', '.join(['…', *given])})"


def _described(operator: str, layer: FusedLayer) -> str:
    options = _options(layer)
    keys = [f"op: {operator}"]
    if options["pool"]:
        keys += [f"{options['pool']}_pool: 2", "pool_stride: 2"]
    if options["activation"]:
        keys.append(f"activate: {options['activation']}")
    return ", ".join(keys)


def _pool_rows() -> Iterator[tuple[str, str, str]]:
    for name in POOLING:
        layer: Pool = getattr(names, name)(2)
        kind, n_dims = layer.plan.pool, name[-2]
        yield name, f'Pool({n_dims}, pool="{kind}", …)', f"op: None, {kind}_pool: 2, pool_stride: 2"


def _combining_rows() -> Iterator[tuple[str, str, str]]:
    for name in COMBINING:
        layer: ElementWise = getattr(names, name)()
        spelled = f"ElementWise(Combine.{layer.combine.name})"
        yield name, spelled, f"op: {layer.combine.name.capitalize()}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(f"`{cell}`" for cell in cells) + " |"


TABLES: Mapping[str, Callable[[], str]] = MappingProxyType({"layer-names": layer_names})


def renewed(text: str) -> str:
    """A page with its tables made anew."""
    return MARKED.sub(lambda mark: mark[1] + "\n" + TABLES[mark[2]]() + "\n" + mark[3], text)


def main() -> None:
    """Write all pages that have tables, each whole or not at all."""
    for name in PAGES:
        page = FOLDER / name
        temporary = page.with_suffix(".tmp")
        temporary.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
        temporary.replace(page)


if __name__ == "__main__":
    main()
