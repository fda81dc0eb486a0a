"""`report.schema.json` against what is written."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from schemas import problems

from max78000.facts.chip import MAX78000
from networks import Net, compile_net, image_of
from synthesis.read.evaluation import NetworkScore
from synthesis.report.report import FORMAT, Budget, FirmwareReport, Part, make_report, to_json
from synthesis.report.sample import SampleRun

SCHEMA = json.loads(
    files("synthesis.report").joinpath("report.schema.json").read_text(encoding="utf-8")
)

# Added later: reports without them, of other networks or earlier releases, are as they were.
ONLY_SOMETIMES = ("finish", "firmware", "of_peak", "scores", "variants", "variants_note")


def written(net, *, has_run=True, scores=(), **options):
    compiled = compile_net(net, **options)
    run = SampleRun(image_of(net), compiled.results) if has_run else None
    report = make_report(compiled.placement, compiled.program.cycles, "tiny", MAX78000, run)
    return json.loads(to_json(replace(report, scores=scores)))


NETS = [
    Net("{name: a, activate: ReLU}\n{op: linear, flatten: true, output_width: 32}",
        "4x2x3x3 3x144", bias=1),
    Net("{op: none, max_pool: 2, pool_stride: 2}"),
    Net("{op: none, eltwise: add, operands: 2}", "", "8x4x4"),
    Net("{quantization: 1, output: true}\n{op: none}", "4x2x3x3 ", bits=1),
    Net("{op: linear, flatten: true}", "3x72", sections="finish:\n- {op: softmax, dim: 0}\n"),
]  # fmt: skip


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("has_run", [True, False])
def test_reports_are_what_the_schema_says(net, has_run):
    assert not list(problems(written(net, has_run=has_run), SCHEMA))


def test_reports_of_earlier_releases_are_what_the_schema_says():
    report = written(NETS[0])
    for one in (report, *report["layers"]):
        del one["of_peak"]
    assert not list(problems(report, SCHEMA))


def test_only_networks_with_steps_behind_them_have_these():
    assert "finish" not in written(NETS[0])
    found = written(NETS[-1])["finish"]
    assert [step["operation"] for step in found["steps"]] == ["softmax"]
    assert found["cycles"] == found["steps"][0]["cycles"] > 0
    assert found["ram_bytes"] == 12
    assert found["microseconds"] == found["cycles"] / 100


@pytest.mark.parametrize(("value", "interval"), [(0.5, (0.4, 0.6)), (1.0, None), (None, None)])
def test_scores_are_only_there_where_networks_were_evaluated(value, interval):
    assert "scores" not in written(NETS[0])
    score = NetworkScore("net.pth.tar", "qat", "pose", "AP", value, interval, "test", 9)
    report = written(NETS[0], scores=(score,))
    assert not list(problems(report, SCHEMA))
    (found,) = report["scores"]
    assert (found["name"], found["value"]) == ("AP", value)
    assert found["interval"] == (interval and list(interval))


def test_flash_and_ram_are_only_there_where_the_project_is_known():
    assert "firmware" not in written(NETS[0])
    known = FirmwareReport(Budget(9, 90), Budget(5, 50), (Part("code", 9),), ())
    compiled = compile_net(NETS[0])
    report = make_report(compiled.placement, compiled.program.cycles, "tiny", MAX78000)
    found = json.loads(to_json(replace(report, firmware=known)))
    assert not list(problems(found, SCHEMA))
    assert found["firmware"]["flash_parts"] == [{"name": "code", "size_bytes": 9}]
    assert found["of_peak"] == pytest.approx(report.of_peak, rel=1e-5)


def test_the_schema_is_of_this_format():
    assert SCHEMA["properties"]["format"]["const"] == FORMAT


def test_every_key_is_required_and_no_other_is_allowed():
    objects = [SCHEMA, *SCHEMA["$defs"].values(), *SCHEMA["properties"].values()]
    for schema in objects:
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            always = [key for key in schema["properties"] if key not in ONLY_SOMETIMES]
            assert schema["required"] == always


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.pop("cycles"),
        lambda data: data["cycles"].pop("total"),
        lambda data: data.update(extra=1),
        lambda data: data["layers"][0].update(cycles="many"),
        lambda data: data["layers"][0].update(cycles=-1),
        lambda data: data["layers"][0].update(processors="0xF"),
        lambda data: data["layers"][0]["quality"]["alone"].update(qsnr_db="high"),
        lambda data: data["sample"]["input"].update(shape=[1, 2]),
        lambda data: data["sample"].update(outputs=None),
        lambda data: data.update(format="max78000-report-2"),
    ],
)
def test_the_schema_refuses_damage(damage):
    data = written(NETS[0])
    damage(data)
    assert list(problems(data, SCHEMA))
