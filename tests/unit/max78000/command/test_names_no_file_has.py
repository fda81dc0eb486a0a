"""Names that the system does not even look for are refused, by whichever command meets them."""

import pytest

from ai8x_models.commands.main import main as ai8x
from max78000.commands.main import main as max78000

LONG = "a" * 300
SAID = f"{LONG[:60]}...: File name too long (give a shorter name)\n"


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (max78000, ("simulate", LONG)),
        (max78000, ("run", LONG, "in.npy")),
        (ai8x, ("describe", LONG)),
        (ai8x, ("describe", f"{LONG}.py:Net")),
        (ai8x, ("quantize", LONG, "out.pth.tar")),
        (ai8x, ("new", "digits", "--task", "classify", "--data", LONG)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_name_that_is_too_long(main, words, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["tool", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(SAID)
    assert list(tmp_path.iterdir()) == []
