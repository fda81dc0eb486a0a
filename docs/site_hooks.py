"""Hooks of MkDocs: pages that live beside what they describe become pages of the site.

Links are written as they work in the repository. Those that leave the folder of documents are
turned here: to a page of the site where there is one, else into plain text that names the file.
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = "docs"
# Page of the site -> where it lives in the repository.
PAGES_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "networks.md": "networks/README.md",
        "checkpoints.md": "checkpoints/README.md",
        "contributing.md": "CONTRIBUTING.md",
    }
)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that live elsewhere."""
    root = Path(config.config_file_path).parent
    for name, home in PAGES_ELSEWHERE.items():
        files.append(File.generated(config, name, abs_src_path=str(root / home)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Turn the links of a page."""
    home = PAGES_ELSEWHERE.get(page.file.src_uri, f"{DOCS}/{page.file.src_uri}")
    return turn_links(markdown, home, frozenset(file.src_uri for file in files))


def turn_links(markdown: str, home: str, site: frozenset[str]) -> str:
    """Turn links that are right in the repository into links that are right in the site.

    Args:
        markdown: text of a page.
        home: where the page lives in the repository, such as `networks/README.md`.
        site: all pages and pictures of the site.
    """
    pages = {there: here for here, there in PAGES_ELSEWHERE.items()}
    folder = posixpath.dirname(pages.get(home, home.removeprefix(f"{DOCS}/")))

    def turned(link: re.Match[str]) -> str:
        words, target, fragment = link[1], link[2], link[3] or ""
        there = posixpath.normpath(posixpath.join(posixpath.dirname(home), target))
        here = pages.get(there, there.removeprefix(f"{DOCS}/"))
        if here in site and (there in pages or there.startswith(f"{DOCS}/")):
            return f"[{words}]({posixpath.relpath(here, folder)}{fragment})"
        return words if there in words else f"{words} (`{there}`)"

    return LINK.sub(turned, markdown)
