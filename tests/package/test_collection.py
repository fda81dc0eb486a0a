"""Who has not installed the extra `release` can run the other tests."""

import sys

import pytest
from ran import ran

WITHOUT = """
import sys
sys.modules |= dict.fromkeys(("build", "cyclonedx", "uv"))
import pytest
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "tests/package"]))
"""


@pytest.mark.long
def test_without_the_extra_release_all_but_the_bill_of_materials_is_collected():
    collected = ran(sys.executable, "-c", WITHOUT)
    assert "test_hashes.py" in collected
    assert "test_sbom.py" not in collected
