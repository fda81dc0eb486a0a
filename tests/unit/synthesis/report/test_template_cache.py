"""Templates are compiled once, and again only where that is needed."""

import sys
from pathlib import Path

import pytest
from jinja2 import Environment

from synthesis.emit.c_template import c_environment
from synthesis.emit.compile_templates import main
from synthesis.report.html import page_environment
from synthesis.report.template_cache import environment

PARTS = {"whole.txt.j2": "{% include 'part.txt.j2' %} {{ n }}\n", "part.txt.j2": "part of"}


@pytest.fixture
def templates(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    for name, text in PARTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def compiled(monkeypatch):
    """Names of the templates that are compiled, one after the other."""
    names, compile_one = [], Environment.compile

    def counting(self, source, name=None, *rest, **options):
        names.append(name)
        return compile_one(self, source, name, *rest, **options)

    monkeypatch.setattr(Environment, "compile", counting)
    return names


def text_of(folder, n=3):
    return environment(folder).get_template("whole.txt.j2").render(n=n)


def files_of(folder):
    return sorted((folder / "__pycache__").glob("*"))


def test_a_second_start_compiles_nothing(templates, compiled):
    assert text_of(templates) == "part of 3"
    assert compiled == ["whole.txt.j2", "part.txt.j2"]
    assert [path.name.partition(".cpython")[0] for path in files_of(templates)] == [
        "part.txt",
        "whole.txt",
    ]
    assert text_of(templates, 4) == "part of 4"
    assert len(compiled) == 2


def test_a_changed_template_is_compiled_again(templates, compiled):
    text_of(templates)
    (templates / "part.txt.j2").write_text("piece of", encoding="utf-8")
    assert text_of(templates) == "piece of 3"
    assert compiled[2:] == ["part.txt.j2"]


def test_a_damaged_file_is_made_again(templates, compiled):
    text_of(templates)
    for path in files_of(templates):
        whole = path.read_bytes()
        for damaged in (b"", whole[:40], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
            path.write_bytes(damaged)
            compiled.clear()
            assert text_of(templates) == "part of 3"
            assert len(compiled) == 1
            assert path.read_bytes() == whole


def test_other_settings_and_another_jinja_compile_again(templates, compiled, monkeypatch):
    text_of(templates)
    other = environment(templates, variable_start_string="{{=", variable_end_string="}}")
    assert other.get_template("whole.txt.j2").render(n=3) == "part of {{ n }}"
    assert len(compiled) == 4
    text_of(templates)
    assert len(compiled) == 6
    monkeypatch.setattr("jinja2.__version__", "99")
    assert text_of(templates) == "part of 3"
    assert len(compiled) == 8


def test_a_file_that_cannot_be_written_leaves_nothing(templates):
    text_of(templates)
    for path in files_of(templates):
        path.unlink()
        path.mkdir()
    before = files_of(templates)
    assert text_of(templates) == "part of 3"
    assert files_of(templates) == before


def test_no_place_to_write(templates, compiled):
    (templates / "__pycache__").write_text("in the way", encoding="utf-8")
    assert text_of(templates) == text_of(templates) == "part of 3"
    assert len(compiled) == 4


def test_python_that_writes_no_code_writes_none_here(templates, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert text_of(templates) == "part of 3"
    assert not files_of(templates)


@pytest.mark.long
def test_all_templates_are_compiled_on_demand(tmp_path, monkeypatch, compiled):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    for made in (c_environment, page_environment):
        made.cache_clear()
    main()
    names = {
        path.relative_to(folder).as_posix()
        for folder in Path(__file__).parents[4].glob("synthesis/*/templates")
        for path in folder.rglob("*.j2")
    }
    assert set(compiled) == names
    assert len(list(tmp_path.rglob("*.pyc"))) == len(names)
