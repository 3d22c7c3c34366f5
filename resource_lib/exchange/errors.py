"""
Why there is no token for an upstream API: the issuer said no, or it could not be asked.

RFC 8693 §2.2.2, RFC 6749 §5.2. Neither quotes a token or a secret.
"""

import re

_PLAIN = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class ExchangeError(Exception):
    """There is no token; see its two kinds."""


class ExchangeRefusedError(ExchangeError):
    """The issuer refuses. `error` is its code: `invalid_target`, `invalid_scope`, `invalid_request`, `invalid_client`, …

    `invalid_scope` and `invalid_target` say what an operator has not allowed; `invalid_request` that the caller's token does
    not count any more.
    """

    def __init__(self, error: str, description: str = "") -> None:
        self.error = _PLAIN.sub("", error)[:64] or "invalid_request"
        self.description = _PLAIN.sub("", description)[:300]
        super().__init__(f"{self.error}: {self.description}" if self.description else self.error)


class ExchangeUnavailableError(ExchangeError):
    """The issuer could not be asked, or gave no proper answer. Try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__("the issuer cannot exchange tokens now")
        self.retry_after_s = retry_after_s
