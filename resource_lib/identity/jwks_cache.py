"""
The issuer's keys are at hand when a token needs them, whatever the issuer's network does meanwhile.

RFC 8414 §3 (where the keys are), RFC 7517 §5 (what they are), RFC 9111 §4.2 and RFC 5861 §4 (how long a copy is good).

- One fetch at a time; whoever waits shares it. It runs as a task of its own, so that a caller who hangs up stops nobody else.
- The next set is fetched while the last one is still fresh, so that a key published before its use is never missed.
- A failing issuer leaves the last good set in force up to `max_stale`; with no set at all every answer is
  `KeysUnavailableError`, never a guess.
- Tokens with unknown keys cause a bounded number of fetches and can push no known key out.

It works on asyncio. Several event loops and threads may share one cache: what is held is an immutable set, replaced at once.
"""

import asyncio
import contextvars
import random
import re
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from logging import getLogger
from typing import Final

import httpx2

from resource_lib.identity.compact_jws import MAX_KID_CHARACTERS
from resource_lib.identity.issuer_documents import (
    FetchError,
    get,
    is_plain_loopback,
    named_url,
    one_object,
    read_metadata,
    refuse_unsafe,
)
from resource_lib.identity.verification_key import KeySet, UnusableKeyError, VerificationKey, import_key_set

_MAX_JWKS_BYTES: Final = 524_288
_MAX_LIFE_S: Final = 3600.0
_DEFAULT_LIFE_S: Final = 300.0
_METADATA_LIFE_S: Final = 3600.0
_MAX_BACKOFF_S: Final = 30.0
_UNKNOWN_BURST: Final = 5
_UNKNOWN_REFILL_S: Final = 5.0
_UNKNOWN_KIDS: Final = 1000

_log = getLogger(__name__)


class KeysUnavailableError(Exception):
    """The issuer's keys cannot be had now, so nothing can be said about any token. Answer 503 with `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("the issuer's keys are not available")
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Fetch:
    began: float
    done: Future[None] = field(default_factory=Future)


class JWKSCache:
    """
    The keys of one issuer, by kid. It is a `KeySource` of `Validator`.

    The key set is found through the issuer's metadata (RFC 8414), whose `issuer` must be this very string, or read at `jwks_uri`
    if that is given. Both must be https; plain http is taken only from loopback, and only for an issuer on loopback. The
    document may name another https host for its keys, as large issuers do: it speaks for the issuer over the issuer's own TLS.

    `timeout` (seconds) bounds one whole refresh. `max_stale` (seconds since the last good set) bounds how long a failing issuer's
    keys stay in force; longer than tokens live gains nothing. `min_life` (seconds) is the shortest time for which a set counts as
    fresh, whatever Cache-Control says. `unknown_refill` (seconds) is how often an unknown kid may cause a fetch once the first five
    are used up; the answer "unknown" itself is good for as long. `tls` is for an issuer whose certificate comes from a private
    authority; the environment's proxies and certificates are not used. `transport`, `clock` (monotonic seconds) and `jitter` are
    for tests.
    """

    def __init__(
        self,
        *,
        issuer: str,
        jwks_uri: str | None = None,
        timeout: float = 5,
        max_stale: float = 3600,
        min_life: float = 5,
        unknown_refill: float = _UNKNOWN_REFILL_S,
        tls: ssl.SSLContext | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._issuer = issuer
        may_be_plain = is_plain_loopback(issuer)
        refuse_unsafe(issuer, "issuer", may_be_plain=may_be_plain)
        if jwks_uri is not None:
            refuse_unsafe(jwks_uri, "jwks_uri", may_be_plain=may_be_plain)
        self._given_jwks_uri = jwks_uri
        self._timeout = timeout
        self._max_stale = max_stale
        self._min_life = min_life
        self._unknown_refill = unknown_refill
        self._tls = tls
        self._transport = transport
        self._clock = clock
        self._jitter = jitter

        self._lock = threading.Lock()
        self._fetch: _Fetch | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._keys: KeySet | None = None
        self._found_jwks_uri: tuple[str, float] | None = None
        self._as_of = self._usable_until = self._refresh_at = self._dead_at = float("-inf")
        self._failures = 0
        self._retry_at = float("-inf")
        self._unknown: dict[str, float] = {}
        self._allowance = float(_UNKNOWN_BURST)
        self._allowance_at = clock()

    @property
    def keys(self) -> KeySet | None:
        """The last good set, fresh or not."""
        return self._keys

    def held(self, kid: str) -> VerificationKey | None:
        """Return the key if the set that we have may still be used; start the next refresh early if that is due."""
        now = self._clock()
        if now >= self._refresh_at and self._keys is not None:
            self._start_fetch(now, is_due=lambda: now >= self._refresh_at)
        if now >= self._usable_until or self._keys is None:
            return None
        return self._keys.by_kid.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """
        Return the key, asking the issuer if the set that we have is too old or does not name it; None: there is no such key.

        Raises KeysUnavailableError when there is no set that may be used.
        """
        asked_at = self._clock()
        for _ in range(2):
            fetch = self._start_fetch(asked_at, is_due=lambda: self._may_ask(kid, asked_at))
            if fetch is None:
                break
            await _landing(fetch, self._timeout + 1)
            key = self.held(kid)
            if key is not None:
                return key
            if fetch.began >= asked_at:  # an older one may have read the set before this key stood in it
                break
        key = self.held(kid)
        now = self._clock()
        if key is None and now >= self._usable_until:
            raise KeysUnavailableError(retry_after_s=max(1, round(self._retry_at - now)))
        if key is None and self._as_of >= asked_at and len(kid) <= MAX_KID_CHARACTERS:
            if len(self._unknown) >= _UNKNOWN_KIDS:
                self._unknown.pop(next(iter(self._unknown), ""), None)
            self._unknown[kid] = now + self._unknown_refill
        return key

    def renew(self) -> None:
        """Ask for the keys anew at once, as when one of them is known to be dead; those that are held stay until then."""
        now = self._clock()
        with self._lock:
            self._refresh_at = min(self._refresh_at, now)
        self._start_fetch(now, is_due=lambda: True)

    def _may_ask(self, kid: str, now: float) -> bool:
        """Whether this kid may cause a fetch now; called under the lock, and what it allows is counted."""
        if now < self._retry_at:
            return False
        if now >= self._usable_until:
            return True
        if now < self._unknown.get(kid, float("-inf")):
            return False
        earned = (now - self._allowance_at) / self._unknown_refill
        self._allowance, self._allowance_at = min(_UNKNOWN_BURST, self._allowance + earned), now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _start_fetch(self, now: float, *, is_due: Callable[[], bool]) -> _Fetch | None:
        """Return the fetch that is under way, else a new one if it is due and allowed, else None."""
        with self._lock:
            running = self._fetch
            # A loop that was stopped in the middle would leave its fetch open for ever.
            if running is not None and not running.done.done() and now < running.began + self._timeout + 1:
                return running
            if not is_due():
                return None
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return None  # nobody here can wait; the next call from a loop starts it
            fetch = self._fetch = _Fetch(began=now)
            fetch.done.set_running_or_notify_cancel()  # from here no waiter can cancel it for the others
            # An empty context: the refresh belongs to nobody's request.
            task = loop.create_task(self._run(fetch), context=contextvars.Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return fetch

    async def _run(self, fetch: _Fetch) -> None:
        problem = "the refresh was cut off"
        try:
            async with asyncio.timeout(self._timeout):
                keys, life = await self._read()
            with self._lock:
                if fetch.began >= self._as_of:  # one that was given up may end after its successor
                    self._replace(keys, life, fetch.began)
            problem = ""
        except (FetchError, UnusableKeyError) as error:
            problem = str(error)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            problem = type(error).__name__
        except Exception as error:  # noqa: BLE001  # whatever a transport raises, the last good set stays in force
            _log.exception("the keys of %s could not be read", self._issuer)
            problem = type(error).__name__
        finally:
            if problem:
                with self._lock:
                    self._hold_on(problem)
            if not fetch.done.done():
                fetch.done.set_result(None)

    def _replace(self, keys: KeySet, life: float, began: float) -> None:
        """Put a good set in force. Its age counts from before it was asked for."""
        if self._keys is None or keys.refused != self._keys.refused:
            for why in keys.refused:
                _log.warning("a key of %s is not used: %s", self._issuer, why)
        self._keys, self._as_of = keys, began
        # Half to three quarters of its life, so that a fleet does not come all at once.
        self._refresh_at = began + life * (0.5 + 0.25 * self._jitter())
        self._usable_until = began + life
        self._dead_at = began + max(life, self._max_stale)
        self._failures, self._retry_at = 0, float("-inf")

    def _hold_on(self, problem: str) -> None:
        """Keep the last good set through a failure, up to its end, and leave the issuer alone for a while."""
        now = self._clock()
        self._failures += 1
        self._retry_at = now + min(_MAX_BACKOFF_S, 2.0 ** min(self._failures - 1, 10)) * (0.5 + 0.5 * self._jitter())
        self._refresh_at = self._retry_at
        self._found_jwks_uri = None
        if self._keys is not None:
            self._usable_until = min(self._dead_at, max(self._usable_until, self._retry_at + self._timeout + 1))
        _log.warning("the keys of %s were not refreshed (%d in a row): %s", self._issuer, self._failures, problem)

    async def _read(self) -> tuple[KeySet, float]:
        """Return the issuer's set and its life in seconds. Raises FetchError, UnusableKeyError, HTTPError."""
        if self._tls is None and self._transport is None:
            # Made once and elsewhere: reading the authorities takes longer than a fetch, and the loop has callers to serve.
            self._tls = await asyncio.to_thread(httpx2.create_ssl_context, trust_env=False)
        client = httpx2.AsyncClient(
            verify=self._tls or True,
            transport=self._transport,
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout,
        )
        try:
            jwks_uri = self._given_jwks_uri or await self._discover(client)
            headers, body = await get(client, jwks_uri, _MAX_JWKS_BYTES)
            keys = import_key_set(one_object(body, "the key set"), known=self._keys)
        finally:
            if self._transport is None:
                await client.aclose()
        return keys, self._life(headers)

    async def _discover(self, client: httpx2.AsyncClient) -> str:
        if self._found_jwks_uri is not None and self._clock() < self._found_jwks_uri[1]:
            return self._found_jwks_uri[0]
        metadata = await read_metadata(client, self._issuer)
        jwks_uri = named_url(metadata, "jwks_uri", issuer=self._issuer)
        self._found_jwks_uri = (jwks_uri, self._clock() + _METADATA_LIFE_S)
        return jwks_uri

    def _life(self, headers: httpx2.Headers) -> float:
        control = headers.get("cache-control", "")
        found = re.search(r"(?:^|[\s,])max-age=\"?(\d{1,9})", control, re.ASCII)
        life = float(found[1]) if found else _DEFAULT_LIFE_S
        age = headers.get("age", "")
        if re.fullmatch(r"[0-9]{1,9}", age):
            life -= float(age)
        if re.search(r"(?:^|[\s,])no-(?:store|cache)", control):
            life = 0
        return min(max(life, self._min_life), _MAX_LIFE_S)


async def _landing(fetch: _Fetch, seconds: float) -> None:
    """Wait for a fetch that may run in another loop, without being able to cancel it."""
    if not fetch.done.done():
        await asyncio.wait([asyncio.wrap_future(fetch.done)], timeout=seconds)
