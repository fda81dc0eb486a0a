"""What tests of packages share: wheels and source distributions of this commit."""

import sys

import pytest
from ran import ROOT, ran

EPOCH = "1700000000"  # any time that ZIP can say


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """What `python -m build` makes of two clones, in two folders."""
    pytest.importorskip("build", reason="of the extra `release`")
    homes = [tmp_path_factory.mktemp(name) for name in ("one", "other_name")]
    for home in homes:
        ran("git", "clone", "--quiet", str(ROOT), "clone", folder=home)
        for folder in ("networks", "networks/samples", "checkpoints"):
            (home / "clone" / folder / f"{home.name}.txt").touch()  # nobody's business
        ran(sys.executable, "-m", "build", "--outdir", str(home / "dist"),
            folder=home / "clone", SOURCE_DATE_EPOCH=EPOCH)  # fmt: skip
    return homes
