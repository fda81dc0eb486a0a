"""Networks of one firmware from Python: what is refused, and what is said of all of them."""

import re

import pytest

from max78000.errors import InputError, ToolError
from max78000.facts.chip import MAX78000
from max78000.facts.regmap import CTL, quadrant_register_addr
from networks import Net, write_files
from synthesis.api import Request
from synthesis.api.together import compile_together
from synthesis.generate.options import ProgramOptions
from synthesis.read.files import Files
from synthesis.read.source import InputPath

NET = Net("{name: first}", "4x2x3x3", bias=3)
FINISH = "finish:\n- {name: p, op: softmax, dim: 0, result: true}\n"
ANSWERED = Net("{op: linear, flatten: true, output_width: 32}", "9x48", "3x4x4", sections=FINISH)
# All on the third quadrant.
LATER = Net(
    "{processors: 0x300000000, output_processors: 0xf00000000, out_offset: 0x4000}", "4x2x3x3"
)


@pytest.fixture
def request_of(tmp_path):
    """Name, network, what else is asked -> a request."""

    def request_of(name, net=NET, **choices):
        folder = tmp_path / f"of_{name}"
        folder.mkdir(exist_ok=True)
        options = ProgramOptions(name, **choices.pop("options", {}))
        return Request(Files(*write_files(folder, net, "tiny")), options, **choices)

    return request_of


def problems(*requests):
    with pytest.raises(ToolError) as caught:
        compile_together(requests, "app")
    return [str(one) for one in getattr(caught.value, "problems", (caught.value,))]


def test_everything_wrong_with_the_members_is_said_at_once(request_of):
    first, same = request_of("near"), request_of("Near")
    found = problems(
        first,
        same,
        request_of("pose-tiny"),
        request_of("clears", options={"clears_memories": True}),
        request_of("sleeps", options={"powers_down": True}),
        request_of("streams", input_path=InputPath.FIFO),
    )
    assert found[0].startswith(f"{same.files.network}: is called Near, as is {first.files.network}")
    assert "cannot be called after 'pose-tiny'" in found[1]
    assert "clears_memories clears the weights of the other networks" in found[2]
    assert "powers_down takes the power from the weights" in found[3]
    assert "its input comes by FIFO, that of" in found[4]


def test_no_network_of_several_claims_flash_of_its_own(request_of):
    together = compile_together([request_of("one"), request_of("other")], "app")
    assert [one.report.firmware for one in together.networks] == [None, None]


def test_no_network_is_refused():
    assert problems() == ["requests: no network is given (give one or more)"]


def test_the_flash_holds_the_steps_behind_the_layers(request_of, monkeypatch):
    both = request_of("one", ANSWERED), request_of("other", ANSWERED)
    assert not compile_together(both, "app").warnings
    monkeypatch.setattr("synthesis.emit.flash_size.FINISH_BYTES", 300_000)  # of one they fit
    (problem,) = problems(*both)
    assert problem.startswith("app: the networks without their tests need about 61")


def test_the_ram_holds_all_that_stands_behind_the_layers(request_of, monkeypatch):
    one, other = request_of("one", ANSWERED), request_of("other", ANSWERED)
    assert not compile_together([one, other], "app").warnings
    monkeypatch.setattr("synthesis.emit.together_checks.RAM_BYTES", 8 * 1024 + 100)
    (warning,) = compile_together([one, other], "app").warnings
    assert re.match(
        r"app: .* bytes of RAM, 100 are free: one_cnn_finish\(\) (\d+), other_cnn_finish\(\) \1 "
        r"\[O12\]",
        warning,
    )


def test_what_was_never_in_a_file_is_not_written(request_of, tmp_path):
    request = request_of("near")
    made = compile_together([request], "app")
    request.files.checkpoint.unlink()
    with pytest.raises(InputError, match=r"tiny-q.pth.tar: is no file, and a project names"):
        made.write(tmp_path / "app")


def test_a_network_is_stopped_in_the_quadrant_that_starts_it(request_of, tmp_path):
    allowed = frozenset({"G17"})  # else every network has layers on the first quadrant
    requests = [request_of("near", allowed=allowed), request_of("later", LATER, allowed=allowed)]
    folder = compile_together(requests, "app").write(tmp_path / "app")
    text = {name: (folder / f"{name}_cnn.c").read_text() for name in ("near", "later")}
    assert "int cnn_stop(" not in (folder / "cnn.c").read_text()
    for name, quadrant in (("near", 0), ("later", 2)):
        address = f"0x{quadrant_register_addr(MAX78000, CTL, quadrant):08x}"
        stop = text[name].split(f"int {name}_cnn_stop(void)")[1].split("}")[0]
        start = text[name].split(f"int {name}_cnn_start(void)")[1].split("}")[0]
        assert address in stop
        assert address in start


def test_the_answers_header_comes_with_the_network(request_of, tmp_path):
    requests = [request_of("near"), request_of("answered", ANSWERED)]
    folder = compile_together(requests, "app").write(tmp_path / "app")
    header = (folder / "answered_cnn.h").read_text()
    assert '#include "answered_cnn_finish.h"' in header
    assert "cnn_finish" not in (folder / "near_cnn.h").read_text()
    finish = (folder / "answered_cnn_finish.h").read_text()
    assert "from what answered_cnn_unload() stored" in finish
