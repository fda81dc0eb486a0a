"""Packages that only training needs, and the refusal where they are not installed.

What else is optional says so itself, where it is used.
"""

from max78000.errors import UnsupportedError
from max78000.facts.shipped import DISTRIBUTION

EXTRA = "train"  # of the distribution
MODULES = frozenset(  # that it brings
    ("PIL", "h5py", "onnx", "onnxscript", "optuna", "soundfile", "tensorboard", "torch", "tqdm")
)


def refusal_of(error: Exception) -> UnsupportedError | None:
    """What to tell who has not installed one; None for any other error."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if name not in MODULES:  # a part that is missing is a defect of the package that has it
        return None
    fix = f'pip install "{DISTRIBUTION}[{EXTRA}]"'
    return UnsupportedError(f"needs the package {name}, which is not installed", fix=fix)
