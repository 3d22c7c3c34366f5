"""
Logs: one event, one line, and never a secret.

Two nets, because either can be missed: members with the name of a secret are replaced at any depth, and texts that look
like one of our secrets, a JWT or a bearer header are cut out wherever they stand. CWE-117: control characters are escaped,
so that nobody writes a line of their own.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from itertools import islice
from typing import Any

import structlog

from resource_lib.wire import secret_names

REDACTED = "[redacted]"

_NAMES = frozenset({"assertion", "code", "csrf", "key", "session"})
_ENDINGS = ("_verifier", "_assertion", "_jwe", "-key")
"""What our own requests and rows call a secret, beside what any name says of itself."""
_SECRETS = re.compile(
    r"(?:ac|rt)_[a-z2-7]{16}_[A-Za-z0-9_-]{20,}"
    r"|(?:cs|se)_[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,3}"
    r"|(?i:\b(?:bearer|basic|dpop)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,200}(?=@)"
    r"|(?i:\b(?:code|\w*(?:token|secret|password|verifier|assertion))=)[^&\s\"']{1,4000}"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MOST_CHARACTERS = 4000
_MOST_DEPTH = 6
_MOST_MEMBERS = 100


def names_a_secret(name: str) -> bool:
    """Whether what stands under this name is never written, whatever it looks like."""
    lower = name.lower()
    return lower in _NAMES or lower.endswith(_ENDINGS) or secret_names.names_a_secret(name)


def clean(value: Any, depth: int = 0) -> Any:
    """Return `value` as it may be written: secrets replaced, control characters escaped, length and depth bounded."""
    if isinstance(value, str):
        cut = value if len(value) <= _MOST_CHARACTERS else value[:_MOST_CHARACTERS] + "…"
        return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", _SECRETS.sub(REDACTED, cut))
    if isinstance(value, bool | int | float) or value is None:
        return value
    if depth >= _MOST_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {
            clean(str(name), depth + 1): REDACTED if names_a_secret(str(name)) else clean(inner, depth + 1)
            for name, inner in islice(value.items(), _MOST_MEMBERS)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(inner, depth + 1) for inner in islice(value, _MOST_MEMBERS)]
    return clean(repr(value), depth)


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {clean(name): REDACTED if names_a_secret(name) else clean(value) for name, value in event.items()}


def configure(*, level: str = "info", console: bool = False) -> None:
    """Send every log line of this process, ours and the libraries', through the same processors to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # A trace holds no local values; what its messages quote is cleaned like everything else.
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redact,
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
                if console
                else structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "asyncpg", "httpx2", "httpcore2"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
        library.setLevel(max(logging.INFO, root.level))
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)
