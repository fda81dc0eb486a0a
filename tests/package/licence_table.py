"""Writes docs/licences.md: what is installed beside this project, and under which licences.

As the packages themselves say it in their metadata; run it with everything of constraints.txt
installed.
"""

from importlib.metadata import distribution

from pins import PINS, ROOT

PAGE = ROOT / "docs/licences.md"
LONG = 40  # characters: more of them are the whole text of a licence
HEAD = """# Licences

This project is Apache-2.0. Beside it `make setup` installs these packages, in the versions of
`constraints.txt`; `pyproject.toml` says what is needed for what. The compiler and the simulated
accelerator need click, Jinja2, MarkupSafe, numpy and PyYAML only. Licences are as each package's
metadata name them. One of them names less than there is: the engine inside `unicorn`, the processor
of the virtual board, is GPL-2.0; nothing but `max78000/board` uses it. PyPI's torch
for Linux brings NVIDIA's libraries, under NVIDIA's terms, and triton: neither pinned nor listed.
Written by `python tests/package/licence_table.py`. For programs `make sbom` writes what is
installed, tools of the tests too, with versions, licences and who needs whom, to
`dist/environment.cdx.json`: a bill of materials, CycloneDX 1.6. It leaves out the licences of
protobuf, pycocotools and pylink-square, whose metadata say them in words of their own.

| package | version | licence |
|---|---|---|
"""


def licence_of(name):
    """The licence as the package's metadata say it, best source first."""
    said = distribution(name).metadata
    classes = [line for line in said.get_all("Classifier", []) if line.startswith("License")]
    named = said.get("License", "")
    short = named if named != "UNKNOWN" and len(named.strip()) < LONG else ""
    listed = ", ".join(line.rpartition("::")[2].strip() for line in classes)
    return (said.get("License-Expression") or short or listed or "not said").strip()


def page():
    """The text of the page."""
    rows = (f"| {name} | {version} | {licence_of(name)} |\n" for name, version in PINS)
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
