"""Samples in the network's form: the same from any number of processes, in memory or in a file."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ai8x_models.training.data import prepared
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from max78000.errors import InputError

PLAN = DataPlan("pets", shape=(1, 4, 4), validation_share=0.1, test_share=0.0, workers=0)


@pytest.fixture(autouse=True)
def _pets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prepared, "_BLOCK", 4)
    for index in range(30):
        home = Path("pets", "cat" if index % 2 else "dog")
        home.mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 6), 8 * index).save(home / f"{index:02}.png")


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 3])
def test_processes_read_the_same(monkeypatch, workers):
    alone = open_samples(PLAN, "train").inputs
    monkeypatch.setattr(prepared, "_N_FEW", 1)
    said = []
    plan = replace(PLAN, workers=workers)
    found = open_samples(plan, "train", progress=lambda *progress: said.append(progress)).inputs
    np.testing.assert_array_equal(found, alone)
    assert said == [(done, 27) for done in (4, 8, 12, 16, 20, 24, 27)]


def test_what_a_process_cannot_read_is_one_line(monkeypatch):
    monkeypatch.setattr(prepared, "_N_FEW", 1)
    Path("pets/cat/29.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"^pets/cat/29.png: is not a readable picture"):
        open_samples(replace(PLAN, workers=2, seed=3), "train")


@pytest.mark.long
def test_what_would_fill_the_memory_goes_to_a_file_once(monkeypatch):
    held = open_samples(PLAN, "train").inputs
    assert not prepared.FOLDER.exists()
    monkeypatch.setattr(prepared, "MEMORY_BYTES", 100)
    stored = open_samples(PLAN, "train").inputs
    assert isinstance(stored, np.memmap)
    np.testing.assert_array_equal(stored, held)
    (file,) = prepared.FOLDER.iterdir()
    monkeypatch.setattr(prepared, "_fill", None)  # nothing is read any more
    np.testing.assert_array_equal(open_samples(PLAN, "train").inputs, held)
    assert list(prepared.FOLDER.iterdir()) == [file]


def test_a_file_is_made_anew_when_a_sample_or_the_form_is_another(monkeypatch):
    monkeypatch.setattr(prepared, "MEMORY_BYTES", 100)
    open_samples(PLAN, "train")
    open_samples(replace(PLAN, mean=(100.0,)), "train")
    assert len(list(prepared.FOLDER.iterdir())) == 2
    Image.new("L", (6, 6), 255).save("pets/cat/01.png")
    os.utime("pets/cat/01.png", (1, 1))
    white = [(open_samples(PLAN, one).inputs == 127).all(axis=(1, 2, 3)).sum()
             for one in ("train", "validation")]  # fmt: skip
    assert sum(white) == 1
    assert len(list(prepared.FOLDER.iterdir())) >= 3


def test_a_file_that_could_not_be_made_leaves_nothing(monkeypatch):
    monkeypatch.setattr(prepared, "MEMORY_BYTES", 100)
    Path("pets/cat/29.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="is not a readable picture"):
        open_samples(replace(PLAN, seed=3), "train")
    assert not list(prepared.FOLDER.iterdir())


def test_a_folder_that_cannot_be_written(monkeypatch):
    monkeypatch.setattr(prepared, "MEMORY_BYTES", 100)
    Path("build").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        open_samples(PLAN, "train")


def test_samples_of_a_split_are_read_once(monkeypatch):
    names = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda path: (names.append(str(path)), real(path))[1])
    for split in ("train", "validation"):
        open_samples(PLAN, split)
    assert len(names) == 30
