"""
Scope grammar and narrowing.

OAuth 2.1 §1.4.1: space-separated, order means nothing, each token of printable ASCII without quote and backslash.
"""

import re

from authserver.oauth.errors import InvalidScope

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_MOST_CHARACTERS = 4000


def parse(value: str) -> tuple[str, ...]:
    """Return the scopes of a request without repeats, in order. Raises InvalidScope for another form."""
    if len(value) > _MOST_CHARACTERS or not _SCOPE.fullmatch(value):
        raise InvalidScope("scope: names separated by single spaces.", reason="malformed_scope")
    return tuple(dict.fromkeys(value.split(" ")))
