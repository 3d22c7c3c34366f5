"""
A page that looks again by itself, without a script: for half an hour, and never once its reader has said no.

WCAG 2.2 §2.2.2 (what updates by itself can be paused), §2.2.4. How often it has turned stands in its address, so a tab that
somebody forgot does not keep their session awake: then it says that it has stopped, and a press goes on.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from authserver.oauth.parameters import Parameters
from authserver.web.http import Header

EVERY_S = 10
MOST_TURNS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Turning:
    """Whether a page looks again, and the headers that make it."""

    is_on: bool
    is_paused: bool
    headers: tuple[Header, ...] = ()


def turning(query: Parameters, *, may_change: bool = True, every_s: int = EVERY_S, keep: bool = False) -> Turning:
    """Return whether the page with this query looks again; a number of turns that is none counts as the last.

    `keep`: the rest of the query says what it is a page of, and stays.
    """
    said = query.one("turn") or "0"
    turn = int(said) if said.isascii() and said.isdigit() and len(said) <= 4 else MOST_TURNS
    is_paused = turn >= MOST_TURNS
    if not may_change or is_paused or query.one("still") is not None:
        return Turning(is_on=False, is_paused=is_paused)
    kept = kept_of(query) if keep else []
    again = urlencode([*kept, ("turn", str(turn + 1))])
    return Turning(is_on=True, is_paused=False, headers=((b"refresh", f"{every_s}; url=?{again}".encode()),))


def kept_of(query: Parameters) -> list[tuple[str, str]]:
    """Return what a query says besides how often its page has turned, and what was done just before."""
    return [(name, value) for name, value in query.pairs() if name not in {"turn", "still", "done", "seal"}]
