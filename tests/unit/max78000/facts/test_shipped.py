"""Where lies what is shipped: the current folder counts before the repository."""

from pathlib import Path

import pytest

from max78000.facts.shipped import (
    CHECKPOINTS,
    NETWORKS,
    RECIPES,
    SAMPLES,
    find_input,
    is_shipped,
    or_shipped,
)

ROOT = Path(__file__).resolve().parents[4]
NAMES = (
    f"{NETWORKS}/pose_tiny.yaml",
    f"{SAMPLES}/pose_tiny.npy",
    f"{SAMPLES}/people.png",
    f"{CHECKPOINTS}/pose_tiny-q.pth.tar",
    f"{RECIPES}/tiny_demo.yaml",
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shipped_is_found_from_anywhere(name):
    found = find_input(Path(name))
    assert found == ROOT / name
    assert is_shipped(found)
    assert not is_shipped(Path(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_the_current_folder_counts(name):
    mine = Path(name)
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"")
    assert find_input(mine) == mine
    assert not is_shipped(find_input(mine))


@pytest.mark.parametrize("name", ["networks/mine.yaml", "pose_tiny.yaml", "LICENSE", "networks/.."])
def test_another_name_stays_as_it_is(name):
    assert find_input(Path(name)) == Path(name)


@pytest.mark.parametrize(
    ("name", "is_listed"),
    [
        ("networks/mine.yaml", True),
        ("pose_tiny.yaml", True),
        ("pose_tiny", True),
        ("pose", False),
        ("mine.yaml", False),
        ("mine/pose_tiny.yaml", False),
    ],
)
def test_a_refusal_lists_what_may_be_meant(name, is_listed):
    listed = ", ".join(sorted(path.name for path in (ROOT / NETWORKS).glob("*.yaml")))
    told = f"check; shipped in networks: {listed}" if is_listed else "check"
    assert or_shipped("check", Path(name), NETWORKS) == told
