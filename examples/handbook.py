"""
Tools that take a path, words for SQL and an argument of a program, with the building blocks that hold them. Run: uvicorn examples.handbook:app.

HANDBOOK names the folder whose pages are read; `resource_lib.safe` refuses every name that leads out of it.
"""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from resource_lib import ResourceGuard, read, safe
from resource_lib.guard import GuardedApp
from resource_lib.integrations.mcp_sdk import guarded

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
PAGES = safe.Sql(
    "SELECT path, title FROM pages WHERE title LIKE :words ESCAPE '!' ORDER BY {column} LIMIT :limit",
    column=safe.Identifiers("title", "path"),
)


class Page(BaseModel):
    """Where a page is, and what it is called."""

    path: str
    title: str


def make_app(folder: Path, **options: object) -> GuardedApp:
    """Return the guarded server of the pages below `folder`; `options` go to its guard."""
    pages = safe.Root(folder, only=[".md"])
    index = sqlite3.connect(":memory:", check_same_thread=False)
    index.execute("CREATE TABLE pages (path TEXT, title TEXT)")
    index.executemany(
        "INSERT INTO pages VALUES (?, ?)",
        [(page.relative_to(pages.path).as_posix(), page.stem.replace("-", " ")) for page in pages.path.rglob("*.md")],
    )
    git = shutil.which("git")
    # What callers give stands after `--`, so it is a path and never an option; no shell reads it.
    log = None if git is None else safe.Program(git, "log", "--max-count=10", "--format=%as %s", folder=pages.path)
    mcp = MCPServer("handbook")

    @mcp.tool(annotations=READS)
    def read_page(
        path: Annotated[str, Field(description="Relative to the handbook, such as sales/refunds.md.", max_length=256)],
    ) -> str:
        """Read one page of the handbook. Use it when its path is known; to find one, call find_pages instead."""
        try:
            return pages.read_text(path, most=100_000)
        except safe.UnsafeError as refused:
            raise ToolError(str(refused)) from None

    @mcp.tool(annotations=READS)
    def find_pages(
        words: Annotated[str, Field(description="A part of the title.", max_length=100)],
        column: Annotated[Literal["title", "path"], Field(description="What to sort by.")] = "title",
        limit: Annotated[int, Field(description="How many at most.", ge=1, le=100)] = 20,
    ) -> list[Page]:
        """Find pages of the handbook by their titles. Use it when no path is known; it does not look into the pages."""
        found = index.execute(*PAGES(words=safe.contains(words), column=column, limit=limit).sqlite3())
        return [Page(path=path, title=title) for path, title in found]

    @mcp.tool(annotations=READS)
    async def page_history(
        path: Annotated[str, Field(description="Relative to the handbook, such as sales/refunds.md.", max_length=256)],
    ) -> str:
        """Say when a page of the handbook was changed, and why. Use it when somebody asks for that; not for what it says: call read_page instead."""
        try:
            done = None if log is None else await log.run(pages.resolve(path).relative_to(pages.path).as_posix())
        except safe.UnsafeError as refused:
            raise ToolError(str(refused)) from None
        if done is None or done.code != 0:
            raise ToolError("No history is kept of this handbook.")
        return done.text or "It was never changed."

    given: dict[str, object] = {
        "issuer": os.environ.get("ISSUER", "http://127.0.0.1:9000"),
        "resource": os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp"),
        "tools": {
            "read_page": read("handbook:read"),
            "find_pages": read("handbook:read"),
            "page_history": read("handbook:read"),
        },
    }
    return guarded(mcp, ResourceGuard(**{**given, **options}))  # type: ignore[arg-type]


app = make_app(Path(os.environ.get("HANDBOOK", str(Path(__file__).parent))))
