"""Reports side by side: figures, changes against the first, and files that are no reports."""

import json
import os
import sys
from dataclasses import replace
from importlib.resources import files as resources

import pytest
from schemas import problems

from max78000.errors import InputError, ToolError
from max78000.facts.chip import MAX78000
from networks import Net, compile_net
from synthesis.commands import synthesize as cli
from synthesis.report.compare import groups, heading, labels, layer_rows, rows, to_html
from synthesis.report.compare import to_json as comparison_json
from synthesis.report.compared import FIGURES, read_reports
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
    assert not [title for title in found if title.startswith(("AP", "score", "95"))]
    assert heading(read_reports(files)) == ("", ">small", ">large", ">change")


def with_score(report, name="AP", value=0.5, **more):
    return report | {"scores": [{"name": name, "value": value, **more}]}


def write(path, report):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report))
    return path


def test_scores_stand_beside_the_cycles(files, written):
    write(files[1], with_score(written["large"]))
    found = table(files)
    assert list(found)[1:3] == ["cycles", "AP"]
    assert found["AP"] == ["-", "0.5000", ""]
    assert table(files[::-1])["AP"] == ["0.5000", "-", ""]


def test_the_same_score_is_compared_with_its_interval(files, written):
    data = {"split": "test", "interval": [0.4, 0.6]}
    write(files[0], with_score(written["small"], **data))
    write(files[1], with_score(written["large"], value=0.75, split="test", interval=None))
    found = table(files)
    assert found["AP (test)"] == ["0.5000", "0.7500", "+0.2500"]
    assert found["95 % interval, low"] == ["0.4000", "-", ""]
    assert found["95 % interval, high"] == ["0.6000", "-", ""]


def test_different_scores_are_not_compared(files, written):
    write(files[0], with_score(written["small"], "accuracy", 0.9))
    write(files[1], with_score(written["large"]))
    assert table(files)["score"] == ["0.9000 accuracy", "0.5000 AP", ""]


def firmware(folder, written, networks, switch_us=7.0):
    """The reports of a firmware of several networks, as a project has them."""
    entries = []
    for name, report in networks.items():
        write(folder / name / "report.json", written[report] | {"name": name})
        entries.append(
            {"name": name, "report": f"{name}/report.json",
             "switch_microseconds": switch_us, "switch_energy_uj": 0.5}
        )  # fmt: skip
    report = {"format": "max78000-together-1", "name": folder.name, "networks": entries}
    return write(folder / "report.json", report)


@pytest.fixture
def firmwares(written, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    return [
        firmware(tmp_path / "one", written, {"near": "small", "far": "large"}),
        firmware(tmp_path / "two", written, {"near": "large", "far": "large"}, 9.0),
    ]


def test_firmwares_are_compared_network_by_network(firmwares):
    near, far = groups(read_reports(firmwares))
    assert (near.name, far.name) == ("near", "far")
    assert heading(near.reports) == ("", ">one", ">two", ">change")
    found = {title: cells for title, *cells in rows(near.reports)}
    assert found["layers"] == ["1", "2", "+100.0 %"]
    assert found["a switch to it, us"] == ["7", "9", "+28.6 %"]


def test_a_network_is_compared_with_itself_in_a_firmware(firmwares, written, tmp_path):
    alone = write(tmp_path / "alone" / "report.json", written["small"] | {"name": "near"})
    near, far = groups(read_reports([alone, firmwares[0]]))
    assert labels(near.reports) == ("alone", "one")
    assert {title: cells for title, *cells in rows(near.reports)}["a switch to it, us"] == [
        "-", "7", "",
    ]  # fmt: skip
    assert [one.name for one in far.reports] == ["far"]


def test_networks_of_other_names_are_compared_all_the_same(firmwares, files):
    (group,) = groups(read_reports([files[0], firmwares[0]]))
    assert labels(group.reports) == ("small", "near", "far")


def test_a_firmware_without_the_reports_of_its_networks_is_refused(firmwares):
    (firmwares[1].parent / "far" / "report.json").unlink()
    with pytest.raises(InputError) as error:
        read_reports(firmwares)
    beside = firmwares[1].parent / "far" / "report.json"
    assert str(error.value) == (
        f"{beside}: cannot be read: No such file or directory (give report.json in the folder of "
        "the project: those of its networks are beside it)"
    )


def test_a_firmware_without_networks_is_refused(tmp_path, written):
    path = firmware(tmp_path / "none", written, {})
    with pytest.raises(ToolError, match="is no report: it has no networks"):
        read_reports([path, path])


@pytest.mark.parametrize("beside", ["{outside}", "../outside.json", "far/../../outside.json"])
def test_a_firmware_leads_to_no_file_outside_its_folder(firmwares, written, tmp_path, beside):
    outside = write(tmp_path / "outside.json", written["small"])
    report = json.loads(firmwares[0].read_text())
    report["networks"][0]["report"] = beside.format(outside=outside)
    write(firmwares[0], report)
    with pytest.raises(InputError, match="is no path inside its folder") as error:
        read_reports(firmwares)
    assert str(error.value).startswith(f"{firmwares[0]}: is no report: ")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_of_a_file_that_is_no_text_is_shown_all_the_same(files, tmp_path):
    odd = tmp_path / os.fsdecode(b"odd\xff.json")
    odd.write_bytes(files[0].read_bytes())
    reports = read_reports([odd, files[0]])
    assert labels(reports) == (str(tmp_path / "odd?.json"), str(files[0]))
    assert "odd?.json" in to_html(reports).encode().decode()


def test_layers_are_found_by_name(files):
    small, large = read_reports(files)
    first, second = layer_rows((small, large))
    assert first[0] == small.layers[0].name
    assert first[1] == f"{small.layers[0].cycles:,.0f}"
    assert second[:2] == (large.layers[1].name, "-")


def test_reports_are_told_apart(files):
    small, large = read_reports(files)
    assert labels((small, large)) == ("small", "large")
    assert labels((small, small)) == (str(files[0]), str(files[0]))


@pytest.mark.parametrize("some", [0, 1])
def test_json_is_what_the_schema_says(files, written, firmwares, some):
    text = resources("synthesis.report").joinpath("comparison.schema.json").read_text("utf-8")
    schema = json.loads(text)
    write(files[1], with_score(written["large"], split="test", interval=[0.4, 0.6]))
    found = json.loads(comparison_json(read_reports([*files, *firmwares[:some]])))
    assert not list(problems(found, schema))
    assert schema["$defs"]["report"]["required"] == list(found["reports"][0])
    of_firmwares = [one["firmware"] for one in found["reports"]]
    assert of_firmwares == [None, None] + ["one", "one"] * some
    del found["reports"][0]["cycles"]
    assert list(problems(found, schema))


def test_the_page_says_the_same(files, written):
    write(files[0], written["small"] | {"name": "a<b"})
    html = to_html(read_reports(files))
    assert "a&lt;b" in html
    assert "<b>" not in html
    assert "https://" not in html
    reports = read_reports(files)
    for title, *cells in (*rows(reports), *layer_rows(reports)):
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        assert f'<tr><th scope="row">{title}</th>{numbers}</tr>' in html


def test_the_page_keeps_what_a_name_begins_with(files, written):
    write(files[1], written["large"] | {"name": ">large"})
    assert ">&gt;large</th>" in to_html(read_reports(files))


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
        lambda data: data.update(layers=[{}]),
        lambda data: data["layers"][0].update(cycles=10**400),
        lambda data: data.update(scores=[{"name": "a\x1b[1m", "value": 1}]),
        lambda data: data.update(scores=[{"name": "a", "value": 1, "interval": ["low", 1]}]),
        lambda data: data.update(scores=[{"name": "a", "value": 1, "split": "a\x1b[1m"}]),
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


def test_defects_are_not_taken_for_damage(files, monkeypatch):
    def defective(_report):
        raise AttributeError

    figures = (replace(FIGURES[0], take=defective), *FIGURES[1:])
    monkeypatch.setattr("synthesis.report.compared.FIGURES", figures)
    with pytest.raises(AttributeError):
        read_reports(files)


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
    assert {figure.key for figure in FIGURES} < set(found["reports"][0])


def test_the_command_writes_a_page(files, tmp_path, monkeypatch, capsys):
    page = tmp_path / "compared.html"
    status, out = compared(monkeypatch, capsys, *files, "--out", page)
    assert (status, out.splitlines()[-1]) == (0, f"wrote {page}")
    assert page.read_text(encoding="utf-8") == to_html(read_reports(files))
    status, _ = compared(monkeypatch, capsys, *files, "--out", files[0])
    assert status == 2
    assert json.loads(files[0].read_text())["name"] == "small"


def test_no_report_of_a_firmware_s_network_is_replaced(firmwares, monkeypatch, capsys):
    beside = firmwares[0].parent / "near" / "report.json"
    before = beside.read_bytes()
    status, _ = compared(monkeypatch, capsys, *firmwares, "--out", beside)
    assert (status, beside.read_bytes()) == (2, before)


def test_the_command_names_the_networks_of_firmwares(firmwares, monkeypatch, capsys):
    _, out = compared(monkeypatch, capsys, *firmwares)
    lines = out.splitlines()
    assert [line for line in lines if line.startswith("#")] == ["# near", "# far"]


def test_a_page_is_only_made_of_a_comparison(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["synthesize", "net.yaml", "--out", "page.html"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "--out is for --compare" in capsys.readouterr().err
