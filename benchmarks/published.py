"""Figures go into a page of the documentation, between two marks."""

import re
from pathlib import Path


def put(page: Path, name: str, text: str) -> None:
    """Put `text` between the marks `<!-- NAME: begin -->` and `<!-- NAME: end -->` of a page. Raises SystemExit where it has none."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before = page.read_text(encoding="utf-8")
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not marked.search(before):
        raise SystemExit(f"{page} has no place for the figures: {begin} and {end}")
    page.write_text(marked.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", before), encoding="utf-8")
