"""Reports side by side: figures, changes against the first, and files that are no reports."""

import json
import sys

import pytest

from max78000.errors import InputError, ToolError
from max78000.facts.chip import MAX78000
from networks import Net, compile_net
from synthesis.commands import synthesize as cli
from synthesis.report.compare import FIGURES, heading, read_reports, rows
from synthesis.report.report import make_report, to_json

NETS = {
    "small": Net("{op: conv2d}", "4x2x3x3"),
    "large": Net("{op: conv2d}\n{op: conv2d}", "4x2x3x3 4x4x3x3"),
}


@pytest.fixture(scope="module")
def written():
    def report(name):
        compiled = compile_net(NETS[name])
        return make_report(compiled.placement, compiled.program.cycles, name, MAX78000)

    return {name: json.loads(to_json(report(name))) for name in NETS}


@pytest.fixture
def files(written, tmp_path):
    for name, report in written.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    return [tmp_path / f"{name}.json" for name in written]


def table(files):
    return {title: cells for title, *cells in rows(read_reports(files))}


def test_figures_are_those_of_the_reports(files, written):
    small, large = written["small"], written["large"]
    found = table(files)
    change = 100 * (large["cycles"]["total"] / small["cycles"]["total"] - 1)
    assert found["cycles"] == [
        f"{small['cycles']['total']:,}", f"{large['cycles']['total']:,}", f"{change:+.1f} %",
    ]  # fmt: skip
    assert found["layers"] == ["1", "2", "+100.0 %"]
    assert found["energy of an inference, uJ (est.)"][1] == (
        f"{large['work'][-1]['energy_uj']:,.1f}"
    )
    assert "evaluated score" not in found
    assert heading(read_reports(files)) == ("", ">small", ">large", ">change")


def test_scores_are_compared_where_there_are_any(files, written):
    scored = written["large"] | {"scores": [{"name": "AP", "value": 0.5}]}
    files[1].write_text(json.dumps(scored))
    assert table(files)["evaluated score"] == ["-", "0.5000", ""]
    assert table(files[::-1])["evaluated score"] == ["0.5000", "-", ""]


def test_more_than_two(files):
    assert table([*files, files[0]])["layers"] == ["1", "2", "+100.0 %", "1", "+0.0 %"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _data: "no JSON",
        lambda _data: "[" * 100_000,
        lambda _data: "[1]",
        lambda data: data.pop("cycles"),
        lambda data: data.update(format="max78000-report-2"),
        lambda data: data.update(milliseconds="long"),
        lambda data: data.update(milliseconds=float("nan")),
        lambda data: data.update(cycles=[1]),
        lambda data: data.update(work=[1]),
        lambda data: data.update(scores=[1]),
        lambda data: data.update(name="a\x1b[1m"),
    ],
)
def test_what_is_no_report_is_refused(files, written, damage):
    data = json.loads(json.dumps(written["small"]))
    text = damage(data)
    files[0].write_text(text if isinstance(text, str) else json.dumps(data))
    with pytest.raises(InputError) as error:
        read_reports(files)
    assert str(error.value).startswith(f"{files[0]}: is no report: ")
    assert "\n" not in str(error.value)


def test_all_files_are_looked_at(tmp_path):
    with pytest.raises(ToolError) as error:
        read_reports([tmp_path / "a.json", tmp_path / "b.json"])
    assert str(error.value).count("cannot be read: No such file") == 2
    with pytest.raises(InputError, match="needs two reports or more"):
        read_reports([tmp_path / "a.json"])


def compared(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["synthesize", "--compare", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, capsys.readouterr().out


def test_options_that_compile_are_refused(files, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["synthesize", "--compare", *map(str, files), "--show", "graph", "--check"]
    )
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "--compare only reads reports: leave out" in (said := capsys.readouterr().err)
    assert {"--show", "--check"} <= set(said.replace(",", "").split())


def test_the_command(files, monkeypatch, capsys):
    status, out = compared(monkeypatch, capsys, *files)
    assert status == 0
    assert out.splitlines()[0].split() == ["small", "large", "change"]
    status, out = compared(monkeypatch, capsys, *files, "--json")
    found = json.loads(out)
    assert (status, found["format"]) == (0, "max78000-comparison-1")
    assert [one["layers"] for one in found["reports"]] == [1, 2]
    keys = {"source", "name", *(figure.key for figure in FIGURES)}
    assert all(set(one) == keys for one in found["reports"])
