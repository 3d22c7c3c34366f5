"""
What runs, is open or is remembered ends with what has just been stopped: calls in the middle, streams, sessions, keys.
"""

import logging

from resource_lib.backchannel.overlay import Overlay
from resource_lib.decision import Deny
from resource_lib.exchange.caller import TokenVerifier
from resource_lib.identity.access_token import KeySource, Validator
from resource_lib.identity.jwks_cache import JWKSCache
from resource_lib.judge import Judge
from resource_lib.revocation.revocations import Revocations
from resource_lib.revocation.running import Run
from resource_lib.revocation.state import who_ended
from resource_lib.transport.definitions import Definitions, listed_for
from resource_lib.transport.sessions import Sessions
from resource_lib.wire.control import Event, Kind

log = logging.getLogger("resource_lib.guard")


class Stopping:
    """Hears the news, and stops what they are about."""

    def __init__(
        self,
        *,
        judge: Judge,
        definitions: Definitions,
        sessions: Sessions,
        verifier: TokenVerifier,
        keys: KeySource,
        overlay: Overlay | None,
    ) -> None:
        self._judge = judge
        self._definitions = definitions
        self._sessions = sessions
        self._verifier = verifier
        self._keys = keys
        self._overlay = overlay
        self.revocations: Revocations | None = None
        """Who tells the news; set once it is there."""

    def heard(self, news: list[Event]) -> None:
        """Let everything end that has just been stopped."""
        for event in news:
            if event.kind is Kind.POLICY and self._overlay is not None:
                self._overlay.ask_anew()
            elif event.kind is Kind.KEY:
                # Nothing it signed counts any more, and what took its place is asked for before the first token needs it.
                kid = event.subject["kid"]
                if isinstance(self._verifier, Validator):
                    self._verifier.forget(lambda principal, kid=kid: principal.key_id == kid)  # type: ignore[misc]
                if isinstance(self._keys, JWKSCache):
                    self._keys.renew()
        if (has_ended := who_ended(news)) is not None:
            self._sessions.close_those(lambda owner: has_ended(*owner))
        if self.revocations is None:
            return
        stopped = self.revocations.running.look_through(self._why_stopped)
        if stopped:
            log.warning("stopped %d calls and streams in the middle", stopped, extra={"event": "calls.stopped"})

    def _why_stopped(self, run: Run) -> Deny | None:
        """Return why a call or a stream must not go on; None: it may. Whatever is only paused, or not fresh, goes on."""
        assert self.revocations is not None
        for tool in run.tools or (None,):
            known = None if tool is None else self._definitions.known(listed_for(run.principal), tool)
            hashed = None if known is None else known.hash
            standing = self.revocations.standings.of(run.principal, tool, hashed)
            if standing.is_dead:
                return Deny(error="invalid_token", message="Authentication required.", reason="revoked")
            if standing.stop is not None and not standing.stop.is_pause:
                return self._judge.stopped(run.principal, tool or "") or None
            if standing.is_killed:
                return Deny(error="tool_unknown", message=f"Unknown tool: {tool}", reason="killed")
        return None
