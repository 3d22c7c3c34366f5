"""
Documents of other people's that we go by: fetched once for all who wait, kept while they are good, never asked for too often.

RFC 9111 §4.2 (how long a copy is fresh), RFC 5861 §4 (what to do when its owner is away). Each worker has its own copies. A copy
outlives its owner's failing by an hour at most; an owner that answers is believed at once. Whoever wants what is not in the
copy makes us ask again, but never more often than every half minute, whoever asks.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from authserver.runtime.outbound import Fetched, Outbound, OutboundError

log = structlog.get_logger("authserver.documents")

Value = TypeVar("Value")

_FRESH_S: Final = 300
_LEAST_FRESH_S: Final = 60
_MOST_FRESH_S: Final = 3600
_KEPT_S: Final = 3600
_BETWEEN_S: Final = 30
_MOST_BACKOFF_S: Final = 300


@dataclass(slots=True)
class _Copy(Generic[Value]):
    value: Value | None = None
    etag: str = ""
    fresh_until: int = 0
    usable_until: int = 0
    ask_from: int = 0
    failures: int = 0
    under_way: asyncio.Task[None] | None = None


class Documents(Generic[Value]):
    """Copies of one kind of document, by URL. `read` makes of a body what is kept; it raises ValueError for one that is none."""

    def __init__(
        self, outbound: Outbound, read: Callable[[bytes], Value], *, most_bytes: int, keep: int = 1000
    ) -> None:
        self._outbound = outbound
        self._read = read
        self._most_bytes = most_bytes
        self._keep = keep
        self._copies: OrderedDict[str, _Copy[Value]] = OrderedDict()

    async def get(self, url: str, *, now: int, holds: Callable[[Value], bool], is_known: bool = False) -> Value | None:
        """Return the document, asking its owner where the copy is old or `holds` says that something is missing from it.

        `is_known` is as for `Outbound.get`; what was good once in this process is known too. None: there is none that may be used
        now.
        """
        copy = self._copies.get(url)
        if copy is None:
            copy = self._copies[url] = _Copy()
            if len(self._copies) > self._keep:
                self._copies.popitem(last=False)
        self._copies.move_to_end(url)
        value = copy.value if now < copy.usable_until else None
        if value is not None and now < copy.fresh_until and holds(value):
            return value
        if copy.under_way is None and now >= copy.ask_from:
            copy.ask_from = now + _BETWEEN_S
            # An empty context: the fetch belongs to nobody's request, and nobody who hangs up ends it for the others.
            copy.under_way = asyncio.get_running_loop().create_task(
                self._refresh(url, copy, now, is_known), context=Context()
            )
        if copy.under_way is not None:
            await asyncio.wait([copy.under_way])
        return copy.value if now < copy.usable_until else None

    async def close(self) -> None:
        """End the fetches under way."""
        tasks = [copy.under_way for copy in self._copies.values() if copy.under_way is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self, url: str, copy: _Copy[Value], now: int, is_known: bool) -> None:
        problem = "accident"
        try:
            accept = "application/jwk-set+json, application/json"
            found = await self._outbound.get(
                url,
                most_bytes=self._most_bytes,
                accept=accept,
                if_none_match=copy.etag if copy.value is not None else "",
                is_known=is_known or copy.value is not None,
            )
            if found.status == 200:
                if not found.media_type.endswith("json"):
                    raise ValueError("it is not JSON")
                copy.value, copy.etag = self._read(found.body), found.headers.get("etag", "")[:200]
            life = _life(found)
            copy.fresh_until, copy.usable_until, copy.failures = now + life, now + max(life, _KEPT_S), 0
            problem = ""
        except OutboundError as error:
            problem = error.reason
        except ValueError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the copy that we have stays in force until its end
            problem = type(error).__name__
        finally:
            copy.under_way = None
            if problem:
                copy.failures += 1
                copy.ask_from = now + min(_MOST_BACKOFF_S, _BETWEEN_S * 2 ** min(copy.failures - 1, 8))
                log.warning("document_not_refreshed", url=url, problem=problem, failures=copy.failures)


def _life(found: Fetched) -> int:
    control = found.headers.get("cache-control", "")
    if re.search(r"(?:^|[\s,])no-(?:store|cache)", control):
        return _LEAST_FRESH_S
    said = re.search(r"(?:^|[\s,])max-age=\"?(\d{1,9})", control, re.ASCII)
    return min(max(int(said[1]) if said else _FRESH_S, _LEAST_FRESH_S), _MOST_FRESH_S)
