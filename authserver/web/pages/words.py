"""Our own words on a page: how long, since when, and what a scope means."""

from datetime import UTC, datetime

from authserver.domain.call_grants.grant import CallGrant
from authserver.domain.resources.resource import OFFLINE_ACCESS, OPENID, Resource

_OURS = {
    OFFLINE_ACCESS: "Stay connected when you are away, until you end it",
    OPENID: "Know that it is you who signed in",
    "profile": "Know your name",
    "email": "Know your email address",
}


def scope_in_words(resource: Resource | None, scope: str) -> str:
    """Return what a scope lets an application do: its author's sentence, or its name where nobody wrote one."""
    if scope in _OURS:
        return _OURS[scope]
    info = resource.scopes.get(scope) if resource is not None else None
    return info.description if info is not None and info.description else scope


def days(seconds: int) -> str:
    """Return a length of time in whole days or hours."""
    hours = max(1, seconds // 3600)
    if hours % 24 == 0 and hours > 24:
        return f"{hours // 24} days"
    return "1 hour" if hours == 1 else f"{hours} hours"


def call_grant(each: CallGrant, resource: Resource | None) -> dict[str, object]:
    """Return a yes to several calls as its person reads it: which tool, with what, how many are left, until when."""
    tool = next((tool for tool in resource.tools if tool.name == each.tool), None) if resource is not None else None
    return {
        "title": (tool.title or tool.name) if tool is not None else each.tool,
        "left": "1 call left" if each.left == 1 else f"{each.left} of {each.max_calls} calls left",
        "until": moment(each.expires_at),
        "until_iso": iso(each.expires_at),
        "is_exact": bool(each.args_hash),
        "condition": each.condition,
        "by_other": each.given_by != each.sub,
    }


def span(seconds: int) -> str:
    """Return a length of time to the minute."""
    minutes = max(1, -(-seconds // 60))
    hours, left = divmod(minutes, 60)
    said = [f"{count} {unit}{'s' if count > 1 else ''}" for count, unit in ((hours, "hour"), (left, "minute")) if count]
    return " ".join(said)


def times(count: int) -> str:
    """Return how often."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def day(at: int) -> str:
    """Return the day of a moment, in UTC."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when:%B %Y}"


def moment(at: int) -> str:
    """Return a moment to the minute, in UTC: a page without a script cannot know the reader's own clock."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def iso(at: int) -> str:
    """Return a moment for machines that read the page."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def ago(at: int, now: int) -> str:
    """Return how long ago something was, coarsely: nobody needs the second, and a guess at more would be wrong."""
    seconds = max(0, now - at)
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"


def left(until: int, now: int) -> str:
    """Return how much time is left, rounded down: nobody is promised a minute that is not there."""
    seconds = until - now
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''} left"
    return "less than a minute left"
