"""
Requests to a known API: a fixed method and URL, into which values go encoded.

    NOTE = Endpoint("GET", "https://api.example.com/orders/{order_id}/notes", query=("page",), headers=("X-Trace",))
    client.build_request(*NOTE(order_id=order_id, page="2", x_trace="abc"))   or   NOTE(…).url

C29; CWE-74, CWE-93, CWE-918. A path value is one segment: no slash, no `..`, nothing that a server behind us decodes into one. A header
value has no line break. The host is the author's and cannot be reached by any value.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from resource_lib.safe.errors import UnsafeError

MOST_CHARACTERS: Final = 2000

_PLACE: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OURS: Final = frozenset(
    {
        "host",
        "authorization",
        "cookie",
        "content-length",
        "transfer-encoding",
        "connection",
        "proxy-authorization",
        "te",
    }
    | {
        "upgrade",
        "expect",
        "trailer",
        "content-encoding",
        "keep-alive",
        "forwarded",
        "via",
        "x-real-ip",
        "true-client-ip",
    }
    | {"x-http-method-override", "x-http-method", "x-method-override", "x-host", "x-url"}
)
"""Header fields that decide where a request ends, where it goes or who sends it."""
_NAMED_BY_OTHERS: Final = ("proxy-", "x-forwarded", "x-original-", "x-rewrite-", "x-envoy-", "sec-")
_URL: Final = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[\x21\x24-\x3b\x3d\x40-\x5b\x5d\x5f\x61-\x7e]*)?"
)
_DOTS: Final = re.compile(r"(?:\.|%(?:25)*2e).*", re.IGNORECASE | re.DOTALL)
_STEPS: Final = re.compile(r"[/\\]|%(?:25)*(?:2f|5c|00|c[01]%(?:25)*[89ab][0-9a-f])", re.IGNORECASE)
"""What a server behind us makes a slash of, however often it decodes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, complete but for its body."""

    method: str
    url: str
    headers: dict[str, str]


class Endpoint:
    """`url` has `{name}` places in its path, each a whole segment or a part of one; `query` and `headers` name what else may be given.

    Raises ValueError for a URL whose host is not fixed.
    """

    def __init__(self, method: str, url: str, *, query: Collection[str] = (), headers: Collection[str] = ()) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("write an absolute https URL without a user")
        if not _URL.fullmatch(url):
            raise ValueError(
                "the host is fixed and plain ASCII, and values go into the path; name those of the query in query="
            )
        if "{" in parts.scheme + parts.netloc + parts.query or parts.query or parts.fragment:
            raise ValueError("values go into the path; name those of the query in query=")
        if not re.fullmatch(r"[A-Z]{3,10}", method):
            raise ValueError("write the method in capitals")
        if "{" in _PLACE.sub("", parts.path) or "}" in _PLACE.sub("", parts.path):
            raise ValueError("places are written {name}")
        for name in headers:
            plain = name.lower().replace("_", "-")  # what a gateway makes of it
            if not _HEADER_NAME.fullmatch(name) or plain in _OURS or plain.startswith(_NAMED_BY_OTHERS):
                raise ValueError(f"{name!r} is no header that a value may fill")
        self._method, self._url = method, url
        self._path = frozenset(_PLACE.findall(parts.path))
        self._query = tuple(query)
        self._headers = {name.lower().replace("-", "_"): name for name in headers}
        named = [*self._path, *self._query, *self._headers]
        if len(named) != len(set(named)):
            raise ValueError("two places are called the same")

    def __call__(self, **values: Any) -> Request:
        """Return the request. A value of the query or of a header that is None is left out. Raises UnsafeError, and TypeError for a name."""
        known = self._path | set(self._query) | self._headers.keys()
        if not values.keys() <= known or not self._path <= values.keys():
            raise TypeError(f"this endpoint takes {', '.join(sorted(known))}")
        filled = _PLACE.sub(lambda found: _segment(found[1], values[found[1]]), self._url)
        for segment in urlsplit(filled).path.split("/"):
            # Two harmless values beside each other may make two dots.
            if segment in (".", ".."):
                raise UnsafeError("A value makes no `.` or `..`.")
        pairs = [(name, _text(name, values[name])) for name in self._query if values.get(name) is not None]
        headers = {
            header: _header(name, values[name])
            for name, header in self._headers.items()
            if values.get(name) is not None
        }
        return Request(self._method, filled + (f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""), headers)


def _segment(name: str, value: Any) -> str:
    text = _text(name, value)
    # As it is, and as somebody sees it who has normalised it: a full-width slash is one then.
    seen = {text, unicodedata.normalize("NFKC", text)}
    if not text or any(_STEPS.search(one) or _DOTS.match(one) for one in seen):
        raise UnsafeError(f"{name} is one step of a path: not empty, without slashes, and not beginning with dots.")
    return quote(text, safe="")


def _header(name: str, value: Any) -> str:
    text = _text(name, value)
    if not _HEADER_VALUE.fullmatch(text):
        raise UnsafeError(f"{name} is one line of printable ASCII.")
    return text


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnsafeError(f"{name} is a text or a whole number.")
    text = str(value)
    if len(text) > MOST_CHARACTERS:
        raise UnsafeError(f"{name} has at most {MOST_CHARACTERS} characters.")
    if any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) <= 0xDFFF for sign in text):
        raise UnsafeError(f"{name} holds no control characters.")
    return text
