"""How far a figure is from another one, in words of a table."""


def change_of(new: float | None, present: float | None) -> str:
    """A change in percent; nothing where there is nothing to compare with."""
    if new is None or not present:
        return ""
    return f"{100 * (new - present) / present:+.1f} %"
