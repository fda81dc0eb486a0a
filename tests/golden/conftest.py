"""`pytest tests/golden --update-golden` rewrites the expected texts instead of comparing them."""


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")
