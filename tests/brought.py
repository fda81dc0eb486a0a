"""Files that are kept beside a checkout, in `shared`: what users bring, and the vendor's models."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def beside(*names):
    """The folder `shared/...` beside the checkout or further up; perhaps there is none."""
    folders = [parent.joinpath("shared", *names) for parent in ROOT.parents]
    return next((folder for folder in folders if folder.is_dir()), folders[0])
