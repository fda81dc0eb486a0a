"""What stands behind the layers is left to the application where the core has no RAM for it."""

import pytest

from networks import Net, write_files
from synthesis.api import compile_network

FINISH = "finish:\n  - {name: lines, op: permute, dims: [1, 2, 0], result: true}\n"


@pytest.mark.parametrize(("image", "fits"), [("2x16x16", True), ("2x40x40", False)])
def test_a_finish_beyond_the_ram_is_left_out(tmp_path, image, fits):
    net = Net("{output_width: 32, activate: none}", "16x2x3x3", image=image, sections=FINISH)
    network = compile_network(*write_files(tmp_path, net))
    assert any("[O12]" in warning for warning in network.warnings) != fits
    files = {path.name for path in network.write(tmp_path / "out").iterdir()}
    assert ("cnn_finish.c" in files) == fits
    main = (tmp_path / "out" / "main.c").read_text(encoding="utf-8")
    assert ("cnn_finish(" in main) == fits
