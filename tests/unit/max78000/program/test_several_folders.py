"""The folder of a firmware of several networks, for commands that are about one network."""

import pytest

from max78000.errors import InputError
from max78000.program.folder import networks_of, read_program, require_alone
from max78000.program.layer_table import read_layers


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "app"
    for name in ("near", "far"):
        (folder / name).mkdir(parents=True)
        (folder / name / "program.json").write_text("{}")
        (folder / f"{name}_cnn.c").write_text("")
    return folder


def test_names_are_those_of_folders_with_c_files(folder):
    (folder / "far_cnn.c").rename(folder / "other.c")
    assert networks_of(folder) == ("near",)


def test_a_project_holds_no_others(folder):
    (folder / "program.json").write_text("{}")
    assert networks_of(folder) == ()
    require_alone(folder)


@pytest.mark.parametrize("read", [read_program, read_layers])
def test_files_are_those_of_one(folder, read):
    with pytest.raises(InputError) as error:
        read(folder)
    assert str(error.value) == (
        f"{folder}: holds several networks: far, near (name the folder of one of them, such as "
        f"{folder / 'far'})"
    )


def test_applications_are_of_one(folder):
    with pytest.raises(InputError, match="holds several networks: far, near"):
        require_alone(folder)
    with pytest.raises(InputError, match="no firmware of its own, it is one of app's networks"):
        require_alone(folder / "near")
