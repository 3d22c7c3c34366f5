"""
Which server asks for the feed, and what it is told: only of tenants that it is heard for, and of its own resource.

Decision 14. A cursor names the list together with who hears it and for whom: when any of that changes, the cursor that a
follower has is unknown, and it begins anew with the whole state. The batches are signed as tokens are, with another type.
"""

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from authserver.domain.clients.client import Client
from authserver.domain.exchange import policy
from authserver.domain.instances import instance as instances
from authserver.domain.instances.instance import Sighting, TooManyInstancesError
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.revocation import feed, kill_switch, tail
from authserver.domain.revocation.kill_switch import Kill
from authserver.domain.tokens.access_token import NoSigningKeyError
from authserver.oauth import client_id_metadata
from authserver.oauth.client_authentication import is_served
from authserver.oauth.errors import InvalidClient, InvalidRequest, OAuthError, SlowDown
from authserver.oauth.resource_server import authenticated, heard_for
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.settings import MOST_ACCESS_TOKEN_SECONDS
from resource_lib.wire.control import COUNTED, EVERY_TENANT, MOST_EVENTS, Act, Kind
from resource_lib.wire.limits_met import InvalidMetError, parse_met
from resource_lib.wire.strict_json import loads_object

_CURSOR = re.compile(r"([0-9a-f]{32})\.(0|[1-9][0-9]{0,17})")
_NAME = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_MOST_LOOKED_AT = 20 * MOST_EVENTS
_LEEWAY_S = 120
"""How long after its end a token may still count somewhere."""
_FLOORS_TOLD_S = 2 * MOST_ACCESS_TOKEN_SECONDS
"""For how long a newcomer is told what ended by number: twice what a token may live, also where a clock was set back.

Each person who leaves and each new password leaves a floor for ever. Told for ever, they would outgrow what a follower reads, and
no server that starts would hear anything again.
"""
_OWN_ALONE = frozenset({Kind.TOOL, Kind.TOOL_VERSION, Kind.POLICY})
"""What another server's tools are is nothing to one further down."""


_SHARED_S = 0.4
_MOST_SHARED = 1000
_MOST_STALENESS_MS = 600_000
_MOST_ABOUT = 16
_MOST_ABOUT_TEXT = 200


class FeedChanged(OAuthError):
    """The cursor is of a list that this server does not hear, or no more."""

    code, status = "feed_changed", 409


class FeedBackwards(OAuthError):
    """The cursor lies beyond the newest number: the list that it came from was longer than ours."""

    code, status = "feed_backwards", 409


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a follower sent, in its form."""

    after: str
    instance: str
    nonce: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A server, and what it hears: of these tenants, and of these resources."""

    client: Client
    issuer: Issuer
    tenants: tuple[str, ...]
    upstream: frozenset[str]
    name: str
    """Of the list as it hears it."""
    proof: tuple[object, ...] = field(repr=False)

    @property
    def resource(self) -> str:
        """The resource it speaks for."""
        return self.client.speaks_for

    def hears(self, kind: str, tenant: str, resource: str) -> bool:
        """Whether something concerns it."""
        if tenant != EVERY_TENANT and tenant not in self.tenants:
            return False
        return not resource or resource == self.resource or (resource in self.upstream and kind not in _OWN_ALONE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A signed batch, and where it leads."""

    jws: str
    cursor: str
    number: int
    more: bool
    is_news: bool
    """Whether it says anything but the time."""


def asked(parameters: Iterable[tuple[str, str]]) -> Asked:
    """Return what a follower asks for. Raises InvalidRequest for a parameter that is repeated or not of its form."""
    found: dict[str, str] = {}
    for name, value in parameters:
        if name not in {"after", "instance", "nonce"}:
            continue
        if name in found:
            raise InvalidRequest(f"{name}: must not stand more than once.", reason="repeated_parameter")
        found[name] = value
    for name in ("instance", "nonce"):
        if name in found and not _NAME.fullmatch(found[name]):
            raise InvalidRequest(f"{name}: 1 to 64 of A-Z a-z 0-9 . _ ~ -", reason="invalid_parameter")
    return Asked(after=found.get("after", ""), instance=found.get("instance", ""), nonce=found.get("nonce", ""))


async def listener(work: UnitOfWork, issuer: Issuer, authorization: bytes | None) -> Listener:
    """Return who asks, if it proves that it is an MCP server. Raises InvalidClient, InvalidRequest, SlowDown."""
    client = await authenticated(work, issuer, authorization, budget=work.machines.feed_requests)
    return await hearing(work, issuer, client)


async def still(work: UnitOfWork, listener: Listener) -> Listener:
    """Return what a server hears now that proved who it is a while ago. Raises InvalidClient when that counts no more."""
    client = await client_id_metadata.known(work, listener.client.id)
    if (
        client is None
        or not client.is_resource_server
        or client.has_ended(work.now)
        or _proof(client, work.now) != listener.proof
        or not await is_served(work, listener.issuer, client)
    ):
        raise InvalidClient("The credential counts no more.", reason="credential_changed")
    return await hearing(work, listener.issuer, client)


def _proof(client: Client, now: int) -> tuple[object, ...]:
    """Return all by which a client proves who it is, and for whom it speaks."""
    secrets = client.live_secrets(now)
    return (
        client.auth_method,
        secrets,
        client.jwks,
        client.jwks_uri,
        client.assertion_alg,
        client.speaks_for,
        client.epoch,
    )


async def hearing(work: UnitOfWork, issuer: Issuer, client: Client) -> Listener:
    """Return what a server hears now."""
    feed_id, proof = work.machines.tail.feed_id, _proof(client, work.now)

    async def load() -> Listener:
        resource, tenants = await heard_for(work, issuer, client)
        upstream = await policy.upstream_of(work, client.speaks_for) if resource else frozenset()
        said = [feed_id, issuer.identifier, client.id, client.speaks_for, tenants, sorted(upstream)]
        name = hashlib.sha256(orjson.dumps(said)).hexdigest()[:32]
        return Listener(client=client, issuer=issuer, tenants=tenants, upstream=upstream, name=name, proof=proof)

    found = await work.machines.memory.get("feed_listener", f"{feed_id}\0{issuer.path}\0{client.id}", load)
    # What it hears is remembered, by what it proved itself now is not.
    return found if found.proof == proof else replace(found, client=client, proof=proof)


def noticed(work: UnitOfWork, listener: Listener, asked: Asked) -> None:
    """Note that an instance asked for what follows its cursor: so it has applied everything before."""
    if asked.instance:
        reached = position(listener, asked.after, work.machines.tail.head)
        instances.noticed(work.machines, _sighting(work, listener, asked.instance, reached or 0))


async def acknowledge(work: UnitOfWork, listener: Listener, body: bytes) -> None:
    """Note what an instance has applied, and what it says of itself. Raises InvalidRequest, FeedBackwards, SlowDown.

    A cursor of another list says nothing of this one.
    """
    said = _acknowledgement(body)
    reached = position(listener, said["cursor"], work.machines.tail.head)
    if reached is None:
        raise FeedChanged("cursor: is of another list than this server hears now. Ask for the feed without one.")
    about = None
    if "about" in said:
        limited = [one for one in said["limited"] if one.tenant in listener.tenants]
        known = said["about"] | ({instances.LIMITED: [one.to_json() for one in limited]} if limited else {})
        about = orjson.dumps(known, option=orjson.OPT_SORT_KEYS).decode()
    seen = _sighting(work, listener, said["instance"], reached)
    try:
        await instances.said(work.machines, replace(seen, max_staleness_ms=said.get("max_staleness_ms"), about=about))
    except TooManyInstancesError:
        raise SlowDown(
            "So many instances of this server are running that no more are counted.",
            reason="too_many_instances",
            retry_after_s=instances.LIVE_S,
        ) from None


def _sighting(work: UnitOfWork, listener: Listener, instance: str, applied: int) -> Sighting:
    return Sighting(
        client_id=listener.client.id,
        instance=instance,
        resource=listener.resource,
        applied=applied,
        at_us=work.at_us,
    )


def _acknowledgement(body: bytes) -> dict[str, Any]:
    try:
        said = loads_object(body, most_depth=3)
    except ValueError:
        raise InvalidRequest("The body must be one JSON object.", reason="invalid_body") from None
    if unknown := said.keys() - {"instance", "cursor", "max_staleness_ms", "about", "limited"}:
        raise InvalidRequest(f"{min(unknown)[:40]!r}: is no member of an acknowledgement.", reason="unknown_member")
    for name in ("instance", "cursor"):
        if type(said.get(name)) is not str:
            raise InvalidRequest(f"{name}: is a text and must be there.", reason="invalid_parameter")
    if not _NAME.fullmatch(said["instance"]):
        raise InvalidRequest("instance: 1 to 64 of A-Z a-z 0-9 . _ ~ -", reason="invalid_parameter")
    staleness = said.get("max_staleness_ms", 0)
    if type(staleness) is not int or not 0 <= staleness <= _MOST_STALENESS_MS:
        raise InvalidRequest(
            f"max_staleness_ms: is a whole number, 0 to {_MOST_STALENESS_MS}.", reason="invalid_parameter"
        )
    if "about" in said and not _is_small(said["about"]):
        raise InvalidRequest(
            f"about: is an object of at most {_MOST_ABOUT} texts, numbers, true or false, each of up to "
            f"{_MOST_ABOUT_TEXT} printable characters.",
            reason="invalid_parameter",
        )
    if "limited" in said and "about" not in said:
        raise InvalidRequest("limited: is said together with about.", reason="invalid_parameter")
    try:
        return said | {"limited": parse_met(said.get("limited", []))}
    except InvalidMetError as error:
        raise InvalidRequest(f"limited: {error}.", reason="invalid_parameter") from None


def _is_small(about: Any) -> bool:
    return (
        type(about) is dict
        and len(about) <= _MOST_ABOUT
        and all(_NAME.fullmatch(name) and name != instances.LIMITED for name in about)
        and all(
            type(value) is bool
            or (type(value) is int and abs(value) < 2**53)
            or (type(value) is str and len(value) <= _MOST_ABOUT_TEXT and (not value or value.isprintable()))
            for value in about.values()
        )
    )


def position(listener: Listener, after: str, head: int) -> int | None:
    """Return the number of a cursor; None: there is none, or it is of another list. Raises InvalidRequest, FeedBackwards."""
    if not after:
        return None
    found = _CURSOR.fullmatch(after)
    if found is None:
        raise InvalidRequest("cursor: is one of an earlier answer, or left out.", reason="invalid_parameter")
    if found[1] != listener.name:
        return None
    if int(found[2]) > head:
        raise FeedBackwards("The cursor lies beyond this list.")
    return int(found[2])


async def tell_many(work: UnitOfWork, listener: Listener, after: str) -> Told:
    """Return what `tell` does without a nonce, made once for all who stand at the same place at about the same time."""
    tail = work.machines.tail
    key = (listener.issuer.path, listener.client.id, listener.name, after)
    found: tuple[float, int, Told | None] = tail.shared.get(key, (0.0, -1, None))
    made_at, turn, told = found
    now = time.monotonic()
    if told is None or turn != tail.turn or now - made_at > _SHARED_S:
        turn = tail.turn
        told = await tell(work, listener, after)
        if len(tail.shared) > _MOST_SHARED:
            tail.shared.clear()
        tail.shared[key] = (now, turn, told)
    return told


async def tell(work: UnitOfWork, listener: Listener, after: str, *, nonce: str = "") -> Told:
    """Return the batch that follows a cursor, as this process last read the list. Raises InvalidRequest, FeedBackwards.

    A cursor that is missing, or of another list, begins anew.
    """
    begun = position(listener, after, work.machines.tail.head)
    payload: dict[str, Any] = {"prev": after}
    rows = None if begun is None else await _rows(work, begun)
    if begun is None or rows is None:
        begun = await tail.window(work, seconds=MOST_ACCESS_TOKEN_SECONDS + _LEEWAY_S)
        told_since = await tail.window(work, seconds=_FLOORS_TOLD_S)
        state = _state(listener, await kill_switch.every(work), told_since)
        payload = {"prev": None, "tenants": listener.tenants, "reset": {"kills": state}}
        rows = await _rows(work, begun) or []
    events: list[dict[str, Any]] = []
    number = begun
    for row in rows:
        if len(events) == MOST_EVENTS:
            break
        number = row["seq"]
        if (event := _event(listener, row)) is not None:
            events.append(event)
    machines = work.machines
    cursor = f"{listener.name}.{number}"
    more = number < machines.tail.head
    payload |= {
        "iss": listener.issuer.identifier,
        "aud": listener.resource,
        "sub": listener.client.id,
        "cursor": cursor,
        "at": work.at_us // 1000,
        "boot": machines.tail.boot,
        "feed": machines.tail.feed_id,
        # Rounded up: nobody is told that what they hear is younger than it is.
        "age_ms": int((machines.tail.age_s or 0) * 1000) + 1,
        "events": events,
    }
    if more:
        payload["more"] = True
    if nonce:
        payload["nonce"] = nonce
    key = (await key_ring(work, listener.issuer.path)).signing(work.now)
    if key is None:
        raise NoSigningKeyError
    is_news = bool(events) or "reset" in payload
    return Told(jws=key.batch(payload), cursor=cursor, number=number, more=more, is_news=is_news)


async def _rows(work: UnitOfWork, after: int) -> list[Row] | None:
    """Return what follows a number; None: some of it is forgotten."""
    head = work.machines.tail.head
    kept = work.machines.tail.rows(after, _MOST_LOOKED_AT)
    if kept is None:
        kept = [row for row in await feed.since(work, after=after, most=MOST_EVENTS) if row["seq"] <= head]
    if after < head and (not kept or kept[0]["seq"] != after + 1):
        return None
    return list(kept)


def _event(listener: Listener, row: Row) -> dict[str, Any] | None:
    if not listener.hears(row["kind"], row["scope_tenant"], row["resource"]):
        return None
    subject = orjson.loads(row["subject"])
    if subject.pop(feed.AT_ISSUER, listener.issuer.path) != listener.issuer.path:
        return None
    return {"n": row["seq"], "kind": row["kind"], "act": row["act"], "tenant": row["scope_tenant"], **subject}


def _state(listener: Listener, kills: Iterable[Kill], told_since: int) -> list[dict[str, Any]]:
    """Return every stop that concerns a server, and every floor that rose after a number, each as an event."""
    told: list[dict[str, Any]] = []
    for kill in kills:
        target = kill.target
        if not listener.hears(target.kind, target.tenant, target.resource):
            continue
        about = {"kind": target.kind.value, "tenant": target.tenant, **target.subject}
        if kill.stopped:
            told.append({"n": kill.number, "act": kill.stopped, **about, "retry_after_s": kill.retry_after_s})
        is_said = kill.stopped and target.kind in COUNTED and kill.floor == kill.number
        if kill.floor > told_since and not is_said:
            told.append({"n": kill.floor, "act": Act.END.value, **about})
    return told
