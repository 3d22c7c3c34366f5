"""
Form and query rules: no parameter twice, empty means absent, unknown ones are ignored.

OAuth 2.1 §3.1, §3.2; RFC 8707 §2 lets `resource` repeat.
"""

from urllib.parse import parse_qsl

from authserver.oauth.errors import InvalidRequest

_REPEATABLE = frozenset({"resource", "tool", "allowed", "detail"})
_MOST = 100


class Parameters:
    """The parameters of one request. Reading one that stands twice raises InvalidRequest."""

    __slots__ = ("_pairs", "_values", "repeated")

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._values: dict[str, list[str]] = {}
        seen: set[str] = set()
        repeated: set[str] = set()
        for name, value in pairs:
            if name in seen and name not in _REPEATABLE:
                repeated.add(name)
            seen.add(name)
            if value:
                self._values.setdefault(name, []).append(value)
        self.repeated = frozenset(repeated)

    def one(self, name: str) -> str | None:
        """Return the parameter, or None when it is absent or empty. Raises InvalidRequest when it stands twice."""
        if name in self.repeated:
            raise InvalidRequest(f"{name}: must not stand more than once.", reason="repeated_parameter")
        values = self._values.get(name)
        return values[0] if values else None

    def required(self, name: str) -> str:
        """Return the parameter. Raises InvalidRequest when it is missing or stands twice."""
        value = self.one(name)
        if value is None:
            raise InvalidRequest(f"{name}: is missing.", reason="missing_parameter")
        return value

    def many(self, name: str) -> list[str]:
        """Return every value of a parameter that may repeat."""
        return list(self._values.get(name, ()))

    def pairs(self) -> list[tuple[str, str]]:
        """Return every parameter as it was sent, in order."""
        return list(self._pairs)

    def refuse_repeated(self) -> None:
        """Raise InvalidRequest when any parameter stands twice, known or not."""
        for name in sorted(self.repeated):
            raise InvalidRequest(f"{_shown(name)}: must not stand more than once.", reason="repeated_parameter")


def _shown(name: str) -> str:
    return "".join(char for char in name[:40] if char.isalnum() or char in "_-.") or "a parameter"


def parse(encoded: bytes) -> Parameters:
    """Read `application/x-www-form-urlencoded`. Raises InvalidRequest for anything else (never silently less)."""
    try:
        pairs = parse_qsl(
            encoded.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(encoded),
            max_num_fields=_MOST,
            encoding="utf-8",
            errors="strict",
        )
    except ValueError:
        raise InvalidRequest(
            f"The parameters must be application/x-www-form-urlencoded in UTF-8, at most {_MOST}.",
            reason="unreadable_form",
        ) from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise InvalidRequest("A parameter holds a NUL.", reason="unreadable_form")
    return Parameters(pairs)
