"""
An API key is a secret, not a token: it is traded for one, and the token is judged as any other.

Only where the server's author opted in. The issuer is asked once per key and token life. Keys nobody knows cost a budget: when
it is used up, keys that were never good here wait, and those that were go on, so that a flood of guesses neither reaches the
issuer nor locks anybody out.
"""

import threading
from collections import OrderedDict
from hashlib import sha256
from typing import Final

from resource_lib.exchange.errors import ExchangeRefusedError, ExchangeUnavailableError
from resource_lib.exchange.kept import Kept
from resource_lib.exchange.token_endpoint import TokenEndpoint, Traded
from resource_lib.wire import api_key

_BURST: Final = 30
_REFILL_S: Final = 1.0


class ApiKeys:
    """Trades API keys for tokens of `resource`. `most` is how many keys are remembered."""

    def __init__(self, endpoint: TokenEndpoint, *, resource: str, most: int = 10_000) -> None:
        self._endpoint = endpoint
        self._resource = resource
        self._most = most
        self._clock = endpoint.clock
        self._kept = Kept(clock=endpoint.clock, most=most)
        self._lock = threading.Lock()
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._allowance = float(_BURST)
        self._allowance_at = endpoint.clock()

    async def token(self, key: str) -> str:
        """Return the access token of a well-formed key. Raises ExchangeRefusedError, ExchangeUnavailableError."""
        fingerprint = sha256(key.encode("ascii")).digest()

        async def trade() -> Traded:
            self._take(fingerprint)
            try:
                traded = await self._endpoint.exchange(
                    subject_token=key, subject_token_type=api_key.TOKEN_TYPE, resource=self._resource
                )
            except ExchangeRefusedError:
                self._good.pop(fingerprint, None)  # it ended: from now on it is as unknown as any other
                raise
            self._was_good(fingerprint)
            return traded

        return (await self._kept.get(fingerprint, trade)).token

    def _take(self, fingerprint: bytes) -> None:
        """Pay for a key that was never good here; it is paid back when it turns out to be."""
        with self._lock:
            if fingerprint in self._good:
                return
            now = self._clock()
            earned = (now - self._allowance_at) / _REFILL_S
            self._allowance, self._allowance_at = min(float(_BURST), self._allowance + earned), now
            if self._allowance < 1:
                raise ExchangeUnavailableError(retry_after_s=max(1, round(_REFILL_S)))
            self._allowance -= 1

    def _was_good(self, fingerprint: bytes) -> None:
        with self._lock:
            if fingerprint not in self._good:
                self._allowance = min(float(_BURST), self._allowance + 1)
            self._good[fingerprint] = None
            self._good.move_to_end(fingerprint)
            while len(self._good) > self._most:
                self._good.popitem(last=False)
