"""
Names as they stand in a path: each has one form, made of characters that nothing on the way reads differently.

A client_id or a resource may be a URL; as `~` and its base64url it is one segment. A name that needs none of this is itself.
"""

import base64
import binascii
import re
from typing import Final

from authserver.web.admin.problems import not_found

_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,199}")


def id_of(name: str) -> str:
    """Return a name as it stands in a path."""
    if _PLAIN.fullmatch(name):
        return name
    return "~" + base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode("ascii")


def name_of(sent: str) -> str:
    """Return the name that an id of a path means. Raises ProblemError (404) for any that `id_of` does not make."""
    if not sent.startswith("~"):
        name = sent
    else:
        try:
            encoded = sent[1:]
            name = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            raise not_found() from None
    if not name or "\0" in name or id_of(name) != sent:
        raise not_found()
    return name
