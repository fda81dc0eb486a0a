"""Lists of layers, as options give them."""

LayerList = tuple[int, ...]
ALL = "all"  # in place of a list
