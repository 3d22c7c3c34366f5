"""
What a person reads when calls wait for their yes: which tool, by which application, where, for how long, and the page to decide on.

Plain text. It holds no argument of the call and nothing that decides: its links lead to a page that asks who is there. Names that
strangers chose lose whatever a mail program would make a link of, so that the only addresses in it are ours.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from authserver.runtime.words import without_links

MOST_LISTED: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One call that waits. The names are as their owners wrote them; times are seconds since the epoch."""

    tool: str
    tool_class: str
    application: str
    server: str
    url: str
    requested_at: int
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What is sent."""

    subject: str
    text: str


def letter(calls: list[Waiting], *, organisation: str, inbox_url: str, now: int) -> Letter:
    """Return the letter about these calls, the most urgent first; there is at least one."""
    calls = sorted(calls, key=lambda call: call.expires_at)
    where = without_links(organisation)
    if len(calls) == 1:
        subject = f"A call waits for your yes: {without_links(calls[0].tool)} ({where})"
    else:
        subject = f"{len(calls)} calls wait for your yes ({where})"
    lines = [_opening(len(calls), where), ""]
    for call in calls[:MOST_LISTED]:
        lines += _lines(call, now)
    if len(calls) > MOST_LISTED:
        lines += [f"And {len(calls) - MOST_LISTED} more."]
    if len(calls) > 1:
        lines += ["All that wait for you:", f"  {inbox_url}", ""]
    lines += [
        "Nothing happens without your yes. If you did not expect this, open the page and deny it.",
        "Opening the page decides nothing, and nobody can decide by answering this mail.",
    ]
    return Letter(subject=subject, text="\n".join(lines) + "\n")


def _opening(many: int, where: str) -> str:
    return f"A call waits for your yes at {where}." if many == 1 else f"{many} calls wait for your yes at {where}."


def _lines(call: Waiting, now: int) -> list[str]:
    return [
        f"  Tool:         {without_links(call.tool)}{_WORD.get(call.tool_class, '')}",
        f"  Application:  {without_links(call.application)}",
        f"  MCP server:   {without_links(call.server)}",
        f"  Asked:        {_moment(call.requested_at)}",
        f"  Time left:    {_left(call.expires_at - now)}, until {_moment(call.expires_at)}",
        f"  Decide here:  {call.url}",
        "",
    ]


_WORD: Final = {"write": " (it changes something)", "destructive": " (it cannot be taken back)"}


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _left(seconds: int) -> str:
    minutes = seconds // 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    hours = minutes // 60
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
