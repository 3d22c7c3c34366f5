"""
The admin API of a remote server, in an operator's name.

RFC 6750 §2.1, RFC 9470 §3, RFC 9457. The access token goes in the header of requests to that server alone. One that has ended is
renewed once. A request that changes something carries an `Idempotency-Key`, so that one without an answer is sent again safely.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlencode

from authserver.cli.control import device_login, logins
from authserver.cli.control.logins import Login
from authserver.cli.control.port import RefusedError
from authserver.cli.control.wire import Answer, UnclearError, Wire, server_url, wire
from authserver.runtime.words import plain

_MOST_PAGES: Final = 40


class AdminApi:
    """Asks, in the name of whoever logged in there, or of the program that the environment names."""

    def __init__(self, way: Wire) -> None:
        self._wire = way
        self._machine = device_login.machine()
        self._login: Login | None = None if self._machine else logins.load(way.server)
        if self._machine is None and self._login is None:
            raise RefusedError(f"nobody is logged in at {way.server}: `authserver login --server {way.server}`.")
        self._token = "" if self._login is None or device_login.is_over(self._login) else self._login.access_token

    async def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return what is at a path. Raises RefusedError."""
        asked = {name: value for name, value in query.items() if value != ""}
        return (await self._ask("GET", path + (f"?{urlencode(asked)}" if asked else ""))).body

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **query: str) -> dict[str, Any]:
        """Do something. Raises RefusedError."""
        asked = {name: value for name, value in query.items() if value != ""}
        url = path + (f"?{urlencode(asked)}" if asked else "")
        headers = {"idempotency-key": secrets.token_urlsafe(24)}
        try:
            return (await self._ask("POST", url, body=body or {}, headers=headers)).body
        except UnclearError:
            # The same key: if it was done, this is told what was answered, and nothing is done twice.
            return (await self._ask("POST", url, body=body or {}, headers=headers)).body

    async def asked(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """Ask something that is not for a URL; it changes nothing, so its answer is not kept there. Raises RefusedError."""
        asked = {name: value for name, value in query.items() if value != ""}
        return (await self._ask("POST", path + (f"?{urlencode(asked)}" if asked else ""), body=body)).body

    async def items(self, path: str, *, most: int, **query: str | int) -> list[dict[str, Any]]:
        """Return the first `most` things of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await self.get(path, **query, limit=min(most, 100), cursor=cursor)
            items = page.get("items")
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise self.unclear()
            found += items
            cursor = page.get("next") or ""
            if len(found) >= most or not isinstance(cursor, str) or not cursor:
                break
        return found[:most]

    def unclear(self) -> RefusedError:
        """Return what to raise where an answer is not what the admin API says."""
        return RefusedError(
            f"{self._wire.server} answers otherwise than this version knows: is it another version? `authserver --version`."
        )

    async def _ask(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = self._wire.server + device_login.API + path
        for attempt in range(2):
            if not self._token:
                await self._renew()
            bearer = {"authorization": f"Bearer {self._token}", **(headers or {})}
            answer = await self._wire.ask(method, url, headers=bearer, body=body)
            challenge = answer.headers.get("www-authenticate", "")
            # A program's login is its newest token; a person has to come back themselves.
            is_stale = "insufficient_user_authentication" in challenge
            if answer.status == 401 and attempt == 0 and (self._machine is not None or not is_stale):
                self._token = ""
                continue
            break
        if 200 <= answer.status < 300:
            return answer
        raise RefusedError(self._why(answer))

    async def _renew(self) -> None:
        if self._machine is not None:
            self._token = await device_login.machine_token(self._wire, self._machine)
        else:
            assert self._login is not None
            self._login = await device_login.renewed(self._wire, self._login)
            self._token = self._login.access_token

    def _why(self, answer: Answer) -> str:
        server = self._wire.server
        if answer.status == 401:
            if "insufficient_user_authentication" in answer.headers.get("www-authenticate", ""):
                return (
                    f"this needs a login of the last minutes: `authserver login --server {server} --fresh`, then again."
                )
            return f"your login at {server} does not count any more: `authserver login --server {server}`."
        if answer.status == 429:
            return f"{server} is asked too often; try again in {answer.retry_after_s} seconds."
        if answer.status == 404:
            return (
                "what you named is not there, or not yours to see. "
                f"`authserver server list --server {server}` and `authserver authorization list --server {server}` show what is."
            )
        detail = answer.body.get("detail") or answer.body.get("title")
        if isinstance(detail, str) and detail:
            return f"{plain(detail, 400).rstrip('.')}."
        return f"{server} answered HTTP {answer.status}."


@asynccontextmanager
async def admin_api(server: str) -> AsyncIterator[AdminApi]:
    """Yield the admin API of a server. Raises RefusedError."""
    async with wire(server_url(server)) as way:
        yield AdminApi(way)
