"""Folders are old or new, whoever looks and whoever is killed; what is left over goes."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from max78000 import files
from max78000.files import leftovers, recover, renewed, temporary_name, write_whole

KILLED = -9


def killed(code, folder):
    """Run code in a process that kills itself in the middle of it."""
    text = f"import os\nfrom pathlib import Path\nfolder = Path({str(folder)!r})\n{code}"
    process = subprocess.run([sys.executable, "-c", text], check=False)
    assert process.returncode == KILLED


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    (folder / "cnn.c").write_text("old")
    return folder


def renew(folder, text="new"):
    with renewed(folder) as fresh:
        (fresh / "cnn.c").write_text(text)


def only(folder):
    """True if nothing is beside the folder."""
    return list(folder.parent.iterdir()) == [folder]


def test_a_folder_is_made(tmp_path):
    renew(tmp_path / "project")
    assert (tmp_path / "project/cnn.c").read_text() == "new"
    assert only(tmp_path / "project")


@pytest.mark.parametrize("can_swap", [True, False])
def test_a_folder_keeps_what_others_put_there(folder, can_swap, monkeypatch):
    if not can_swap:
        monkeypatch.setattr(files, "_swapped", lambda *_: False)
    renew(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "mine.txt": "mine",
        "cnn.c": "new",
    }
    assert only(folder)


def test_a_failure_changes_nothing(folder):
    with pytest.raises(TypeError):
        renew(folder, text=None)
    assert (folder / "cnn.c").read_text() == "old"
    assert only(folder)


def test_a_link_leads_to_the_same_folder(folder):
    link = folder.with_name("link")
    link.symlink_to(folder.name)
    renew(link)
    assert link.is_symlink()
    assert (folder / "cnn.c").read_text() == "new"
    assert sorted(folder.parent.iterdir()) == [link, folder]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have a moment without")
def test_nobody_ever_finds_the_folder_missing(folder):
    missing, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            if not (folder / "mine.txt").exists():
                missing.append(True)

    watcher = threading.Thread(target=look)
    watcher.start()
    for index in range(50):
        renew(folder, str(index))
    stop.set()
    watcher.join()
    assert not missing


def test_what_a_killed_process_left_goes_at_the_next_time(folder):
    killed(
        "from max78000.files import renewed\n"
        "with renewed(folder) as fresh:\n"
        "    (fresh / 'cnn.c').write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n",
        folder,
    )
    assert (folder / "cnn.c").read_text() == "old"
    assert not only(folder)
    renew(folder)
    assert (folder / "cnn.c").read_text() == "new"
    assert only(folder)


def test_a_folder_that_lost_its_name_gets_it_back(folder):
    killed(
        "from max78000 import files\n"
        "files._swapped = lambda *_: False\n"
        "replace = Path.replace\n"
        "def once(path, target):\n"
        "    replace(path, target)\n"
        "    os.kill(os.getpid(), 9)\n"
        "Path.replace = once\n"
        "with files.renewed(folder) as fresh:\n"
        "    (fresh / 'cnn.c').write_text('new')\n",
        folder,
    )
    assert not folder.exists()
    recover(folder)
    assert (folder / "cnn.c").read_text() == "old"
    assert only(folder)


def test_the_work_of_living_processes_is_left_alone(folder):
    other = folder.with_name(f"{folder.name}.{os.getppid()}.tmp")
    other.mkdir()
    renew(folder)
    assert other.exists()
    assert leftovers(folder) == []


def test_files_of_killed_processes_go_when_the_file_is_written(tmp_path):
    path = tmp_path / "a.npy"
    killed(
        "from max78000.files import temporary_name\n"
        "temporary_name(folder).write_bytes(b'half')\n"
        "os.kill(os.getpid(), 9)\n",
        path,
    )
    (left,) = tmp_path.iterdir()
    assert left != temporary_name(path)
    similar = [tmp_path / "a.npy.x.tmp", tmp_path / "a.npy.1.tmp2", tmp_path / "b.npy.1.tmp"]
    for other in similar:
        other.touch()
    write_whole(path, b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([path, *similar])
    assert Path(path).read_bytes() == b"whole"


def test_what_has_the_number_of_this_process_is_of_one_before_it(folder):
    temporary_name(folder).mkdir()
    renew(folder)
    assert only(folder)


def test_where_processes_cannot_be_asked_for_age_tells(folder, monkeypatch):
    aside = folder.with_name("project.old.123.tmp")
    folder.rename(aside)
    monkeypatch.setattr(files, "_is_mine", lambda _: False)
    recover(folder)
    assert not folder.exists()
    os.utime(aside, (0, 0))
    recover(folder)
    assert (folder / "cnn.c").read_text() == "old"


def test_scratch_folders_of_killed_processes_go(tmp_path):
    target = tmp_path / "a.elf"
    left = tmp_path / "a.elf.4194305.tmp"  # no process has this number
    left.mkdir()
    (left / "out.ld").write_text("half")
    with files.scratch_beside(target) as folder:
        (folder / "a.elf").write_text("whole")
        (folder / "a.elf").replace(target)
    assert [path.name for path in tmp_path.iterdir()] == ["a.elf"]
