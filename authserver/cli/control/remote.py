"""A remote deployment, by its admin API: each method is one request or a few, and the server decides what the operator may."""

import base64
import binascii
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any, TypeVar

from authserver.cli.control.admin_api import AdminApi, admin_api
from authserver.cli.control.port import (
    Counted,
    Heard,
    Named,
    Order,
    Radius,
    RefusedError,
    Stopped,
    WhatHappened,
    WhoHasWhat,
)
from authserver.domain.analytics.figures import Figures
from authserver.domain.approvals import approval as approvals
from authserver.domain.resources import listing
from authserver.domain.resources.resource import requested_uri
from resource_lib.wire import strict_json

Read = TypeVar("Read")

_STATES = {"kill": "killed", "pause": "paused", "": "revived"}
_EVERYWHERE = "*"
_A_PAGE = 200


class RemoteControl:
    """What the operator who logged in there may do there."""

    look_every_s = 0.3

    def __init__(self, api: AdminApi) -> None:
        self._api = api
        self._slugs: dict[str, str] | None = None

    async def radius(self, named: Named) -> Radius:
        """Return what a stop would end or hold up."""
        return self._radius((await self._preview(named))["radius"])

    async def stop(self, named: Named, *, act: str, reason: str) -> Order:
        """`kill`, `pause` or `revive` a target; it is in force when this returns."""
        place = named.tenant
        if act == "revive":
            path = f"/kills/{await self._kill_id(named)}/revive"
            done = await self._api.post(path, {"reason": reason}, tenant=place)
        elif act == "pause":
            path = f"/servers/{listing.id_of(requested_uri(named.resource))}/pause"
            done = await self._api.post(path, {"reason": reason}, tenant=place)
        else:
            # What is dangerous is said by name: the server tells which, and it is what was typed here.
            confirm = (await self._preview(named)).get("confirm")
            body = {**_body(named), "reason": reason} | ({"confirm": confirm} if confirm else {})
            done = await self._api.post("/kills", body, tenant=place)
        key = self._read(lambda: str(done["id"]))
        seen = await self._api.get(f"/kills/{key}", tenant=place)
        return self._read(
            lambda: Order(
                number=int(seen["number"]),
                servers=tuple(sorted({str(one["resource"]) for one in seen["instances"]})),
                tenant=place,
                key=key,
            )
        )

    async def revoke(self, kind: str, named: Named, of: str, *, reason: str) -> Order:
        """End one token or authorization, or what a client or a person holds now."""
        member = {"token": "token", "authorization": "authorization_id"}.get(kind)
        body: dict[str, str] = {"kind": kind, "reason": reason} | ({member: of} if member else {})
        if kind == "client":
            body["client_id"] = named.client_id
        elif kind == "user":
            body |= _person(named.email)
        place = named.tenant or (_tenant_of_token(of) if kind == "token" else "")
        done = await self._api.post("/revocations", body, tenant=place)
        return self._read(lambda: Order(number=0, servers=tuple(str(one) for one in done["told"]), tenant=place))

    async def heard(self, order: Order) -> list[Heard]:
        """Return who has obeyed."""
        if not order.key:
            return await self._caught_up(order)
        seen = await self._api.get(f"/kills/{order.key}", tenant=order.tenant)
        return self._read(
            lambda: [
                Heard(resource=one["resource"], instance=one["instance"], state=one["state"], after_ms=one["after_ms"])
                for one in seen["instances"]
            ]
        )

    async def _caught_up(self, order: Order) -> list[Heard]:
        """Return who has applied everything that there is: what ended has no list of its own."""
        found = await self._api.items("/servers", most=1000, tenant=order.tenant)
        return self._read(
            lambda: [
                _running(str(server["uri"]), one)
                for server in found
                if server["uri"] in order.servers
                for one in server["instances"]
            ]
        )

    async def stops(self, tenant: str, *, past: bool) -> list[Stopped]:
        """Return what is stopped, newest first."""
        listed = [
            one for place in await self._places(tenant) for one in await self._kills(place, only_stopped=not past)
        ]
        listed.sort(key=lambda one: -int(one.get("changed_at") or 0))
        slugs = await self._tenants() if any(one.get("scope") != _EVERYWHERE for one in listed) else {}
        return self._each(
            listed,
            lambda one: Stopped(
                named=_named(one, slugs),
                state=_STATES[one["stopped"]],
                at=int(one["changed_at"]),
                reason=str(one["reason"]),
                by="" if one["is_yours_to_revive"] else "the platform",
                number=int(one["number"]),
            ),
        )

    async def events(self, tenant: str, wanted: WhatHappened, *, most: int) -> list[dict[str, Any]]:
        """Return what happened, newest first."""
        rows: list[dict[str, Any]] = []
        for place in await self._places(tenant):
            found: list[dict[str, Any]] = []
            async for page in self._event_pages(place, wanted, most=most, must_be=bool(tenant)):
                found += page
                if len(found) >= most:
                    break
            rows += found[:most]
        return sorted(rows, key=lambda row: -row["at"])[:most]

    async def every_event(self, tenant: str, wanted: WhatHappened) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all that happened in one tenant, newest first, page by page."""
        async for page in self._event_pages(tenant, wanted, most=_A_PAGE, must_be=True):
            yield page

    async def _event_pages(
        self, tenant: str, wanted: WhatHappened, *, most: int, must_be: bool
    ) -> AsyncIterator[list[dict[str, Any]]]:
        sub = await self._sub(wanted.email, tenant, must_be=must_be)
        client_id = await self._client_id(wanted.client_id, tenant, must_be=must_be)
        if sub is None or client_id is None:
            return
        asked: dict[str, str | int | None] = {
            "kind": wanted.kind,
            "outcome": wanted.outcome,
            "decision": wanted.decision,
            "client_id": client_id,
            "sub": sub,
            "subject": wanted.subject,
            "authorization_id": wanted.authorization_id,
            "resource": wanted.resource,
            "request_id": wanted.request_id,
            "tool": wanted.tool,
            "call": wanted.call,
            "approval_id": wanted.approval_id,
            "trace_id": wanted.trace_id,
            "since": wanted.since,
            "until": wanted.until,
            "limit": min(most, _A_PAGE),
        }
        body = {name: value for name, value in asked.items() if value not in ("", None)}
        while True:
            # In the body: whom somebody looks for stands in no log of addresses.
            page = await self._api.asked("/audit/search", body, tenant=tenant)
            items, cursor = page.get("items"), page.get("next")
            if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
                raise self._api.unclear()
            rows = self._each(items, lambda each: _event_row(each, tenant))
            if wanted.opened:
                for one, row in zip(items, rows, strict=True):
                    if one.get("has_sealed_part"):
                        # One at a time: that somebody opened it is recorded there.
                        opened = await self._api.get(f"/audit/{row['id']}", tenant=tenant)
                        row["sealed"] = opened.get("payload") or {"erased": True}
            yield rows
            if not isinstance(cursor, str) or not cursor:
                return
            body["cursor"] = cursor

    async def _client_id(self, words: str, tenant: str, *, must_be: bool) -> str | None:
        """Return the id of an application by its id or its name; None: nobody there has it."""
        if not words or words.startswith(("cli_", "https://")) or tenant == _EVERYWHERE:
            return words
        found = (await self._api.get("/search", q=words, tenant=tenant)).get("items") or ()
        ids = [
            str(one["id"])
            for one in found
            if one.get("kind") == "client"
            and words.casefold() in {str(one["id"]).casefold(), str(one["title"]).casefold()}
        ]
        if len(ids) > 1 or (not ids and must_be):
            raise RefusedError(
                f"client: {len(ids) or 'no'} applications there are called {words!r}{': ' + ', '.join(ids) if ids else ''}."
            )
        return ids[0] if ids else None

    async def authorizations(self, tenant: str, wanted: WhoHasWhat, *, most: int) -> list[dict[str, Any]]:
        """Return who has what, newest first."""
        rows: list[dict[str, Any]] = []
        for place in await self._places(tenant, within=True):
            sub = await self._sub(wanted.email, place, must_be=bool(tenant))
            if sub is None:
                continue
            found = await self._api.items(
                "/authorizations",
                most=most,
                tenant=place,
                sub=sub,
                client_id=wanted.client_id,
                resource=wanted.resource,
                state=wanted.state,
                unused="true" if wanted.is_unused else "",
                days=str(wanted.days or ""),
            )
            rows += self._each(found, lambda one, place=place: _authorization_row(one, place))  # type: ignore[misc]
        return sorted(rows, key=lambda row: -row["started_at"])[:most]

    async def approvals(self, tenant: str, state: str, *, most: int) -> list[dict[str, Any]]:
        """Return the calls that wait for a yes, or have had one, newest first."""
        rows: list[dict[str, Any]] = []
        for place in await self._places(tenant, within=True):
            found = await self._api.items("/approvals", most=most, tenant=place, state=state)
            rows += self._each(found, lambda one, place=place: _approval_row(one, place))  # type: ignore[misc]
        return sorted(rows, key=lambda row: -row["asked"])[:most]

    async def approval(self, approval_id: str) -> dict[str, Any]:
        """Return one call, with what it is about for whom it is meant."""
        tenant = approvals.tenant_of_id(approval_id) or ""
        seen = await self._api.get(f"/approvals/{_word(approval_id)}", tenant=tenant)
        call = seen.get("call")
        said = self._read(lambda: _approval_row(seen, ""))
        if not isinstance(call, dict):
            return {**said, "arguments": None, "note": "what it is about is not for you to see"}
        return self._read(
            lambda: {
                **said,
                "happens": call["sentence"],
                "you_may_approve": call["you_may_approve"],
                "arguments": [
                    {
                        "path": line["path"],
                        "value": f"(hidden, {line['length']} characters)" if line["is_hidden"] else line["text"],
                    }
                    for line in call["arguments"]
                ],
            }
        )

    async def deny(self, approval_id: str, *, reason: str) -> dict[str, Any]:
        """Say no to a call."""
        tenant = approvals.tenant_of_id(approval_id) or ""
        body = {"decision": "deny", "reason": reason}
        done = await self._api.post(f"/approvals/{_word(approval_id)}/decision", body, tenant=tenant)
        return self._read(lambda: {"approval_id": str(done["id"]), "state": str(done["state"])})

    async def servers(self, tenant: str) -> list[dict[str, Any]]:
        """Return how each MCP server is."""
        return self._each(await self._api.items("/servers", most=1000, tenant=tenant), _server_row)

    async def look(self, uri: str) -> dict[str, Any]:
        """Have the server look at an MCP server now."""
        done = await self._api.post(f"/servers/{listing.id_of(requested_uri(uri))}/check", {})
        return self._read(lambda: _check_row(done))

    async def tools(self, uri: str, tenant: str) -> list[dict[str, Any]]:
        """Return every definition of an MCP server's tools that may be seen, and whether it counts."""
        path = f"/resources/{listing.id_of(requested_uri(uri))}/tool-reviews"
        return self._each(await self._api.items(path, most=10_000, tenant=tenant), _tool_row)

    async def review(self, uri: str, tool: str, definition_hash: str, *, decision: str, tenant: str) -> None:
        """Let a definition in, or keep it out."""
        path = f"/resources/{listing.id_of(requested_uri(uri))}/tool-reviews"
        body = {"tool": tool, "definition_hash": definition_hash, "decision": decision}
        await self._api.post(path, body, tenant=tenant)

    async def analytics(self, tenant: str, asked: Counted, *, most: int) -> dict[str, Any]:
        """Return what many calls amount to."""
        query: dict[str, str | int] = {
            "by": asked.by,
            "resource": requested_uri(asked.resource) if asked.resource else "",
            "tool": asked.tool,
            "client_id": asked.client_id,
            "since": "" if asked.since is None else asked.since,
            "until": "" if asked.until is None else asked.until,
            "tenant": tenant,
        }
        said = await self._api.get("/analytics", **query, limit=1)
        found = await self._api.items("/analytics", most=most, **query)
        slugs = await self._tenants() if asked.by == "tenant" else {}
        return self._read(
            lambda: {
                "since": int(said["since"]),
                "until": int(said["until"]),
                "total": _figures(said["total"]),
                "count": int(said["count"]),
                "items": [_part_row(one, slugs) for one in found],
            }
        )

    async def unused_tools(self, uri: str, tenant: str, days: int | None) -> dict[str, Any]:
        """Return which tools nobody used."""
        asked = {"tenant": tenant, "days": str(days) if days else ""}
        if uri:
            asked["resource"] = requested_uri(uri)
        said = await self._api.get("/unused-tools", **asked, limit=1)
        found = await self._api.items("/unused-tools", most=10_000, **asked)
        return {
            "days": int(said["days"]),
            "tools": self._each(found, _unused_row),
            "untold": [str(one) for one in said["untold"]],
        }

    async def _preview(self, named: Named) -> dict[str, Any]:
        body = {**_body(named), "reason": "what would it end?"}
        said = await self._api.post("/kills", body, dry_run="true", tenant=named.tenant)
        if not isinstance(said.get("radius"), dict):
            raise self._api.unclear()
        return said

    async def _kills(self, tenant: str, *, only_stopped: bool) -> list[dict[str, Any]]:
        return await self._api.items("/kills", most=1000, tenant=tenant, only_stopped=str(only_stopped).lower())

    async def _kill_id(self, named: Named) -> str:
        subject = _subject(named) | ({"sub": await self._sub(named.email, named.tenant) or ""} if named.email else {})
        for one in await self._kills(named.tenant, only_stopped=True):
            if one.get("kind") == named.kind and one.get("subject") == subject:
                return _word(str(one.get("id")))
        raise RefusedError("it is not stopped. `authserver kill list` shows what is, and where.")

    async def _sub(self, email: str, tenant: str, *, must_be: bool = True) -> str | None:
        """Return the `sub` of an address in a tenant; empty: nobody was named; None: nobody there has it."""
        if not email or "@" not in email:
            return email
        if tenant == _EVERYWHERE:
            return None
        found = await self._api.get("/search", q=email, tenant=tenant)
        subs = [
            str(one["id"])
            for one in found.get("items") or ()
            if one.get("kind") == "user" and str(one.get("detail", "")).casefold() == email.strip().casefold()
        ]
        if len(subs) != 1 and not must_be:
            return None
        if len(subs) != 1:
            raise RefusedError(f"user: nobody there is {email}; look at the spelling, and at --tenant.")
        return subs[0]

    async def _places(self, tenant: str, *, within: bool = False) -> list[str]:
        """Return where to look: in the tenant that was named; else one's own, or all of them for the platform's operators."""
        if tenant:
            return [tenant]
        if not (await self._api.get("/me")).get("is_platform"):
            return [""]
        every = list((await self._tenants()).values())
        # What is meant for everywhere, and what happened to nobody in particular, stands beside the tenants.
        return every if within else [_EVERYWHERE, *every]

    async def _tenants(self) -> dict[str, str]:
        if self._slugs is None:
            found = await self._api.items("/tenants", most=1000)
            self._slugs = {str(one.get("id")): str(one.get("slug")) for one in found}
        return self._slugs

    def _radius(self, said: dict[str, Any]) -> Radius:
        return self._read(
            lambda: Radius(
                users=int(said["users"]),
                clients=int(said["clients"]),
                live_authorizations=int(said["live_authorizations"]),
                servers=tuple(str(one) for one in said["servers"]),
                instances=int(said["instances"]),
                ends=bool(said["ends"]),
            )
        )

    def _each(self, items: list[dict[str, Any]], reader: Callable[[dict[str, Any]], Read]) -> list[Read]:
        return self._read(lambda: [reader(one) for one in items])

    def _read(self, reading: Callable[[], Read]) -> Read:
        try:
            return reading()
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._api.unclear() from None


def _subject(named: Named) -> dict[str, str]:
    said = {
        "client_id": named.client_id,
        "host": named.host,
        "resource": requested_uri(named.resource) if named.resource else "",
        "tool": named.tool,
        "definition_hash": named.definition_hash,
    }
    return {name: value for name, value in said.items() if value}


def _person(email: str) -> dict[str, str]:
    return {"email": email} if "@" in email else {"sub": email}


def _body(named: Named) -> dict[str, str]:
    return {"kind": named.kind, **_subject(named), **(_person(named.email) if named.email else {})}


def _tenant_of_token(token: str) -> str:
    # What an unverified token says of its tenant decides only where the server looks for it.
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        said = strict_json.loads_object(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        return ""
    named = said.get("tenant_id")
    return named if isinstance(named, str) else ""


def _word(opaque: str) -> str:
    if not opaque.isascii() or not opaque.replace("-", "").replace("_", "").isalnum():
        raise RefusedError("the id is none of ours; copy it whole.")
    return opaque


def _named(one: dict[str, Any], slugs: dict[str, str]) -> Named:
    subject, scope = one["subject"], str(one["scope"])
    return Named(
        kind=str(one["kind"]),
        tenant="" if scope == _EVERYWHERE else slugs.get(scope, scope),
        email=str(subject.get("sub", "")),
        client_id=str(subject.get("client_id", "")),
        host=str(subject.get("host", "")),
        resource=str(subject.get("resource", "")),
        tool=str(subject.get("tool", "")),
        definition_hash=str(subject.get("definition_hash", "")),
    )


def _running(uri: str, one: dict[str, Any]) -> Heard:
    state = "applied" if one["behind_ms"] == 0 else "lapsed" if one["lapsed"] else "waiting"
    return Heard(resource=uri, instance=str(one["instance"]), state=state, after_ms=None)


def _event_row(one: dict[str, Any], tenant: str) -> dict[str, Any]:
    names = ("id", "kind", "outcome", "reason", "client_id", "authorization_id", "resource", "request_id")
    return {
        **{name: str(one[name]) for name in names},
        "at": int(one["at_us"]) // 1_000_000,
        "tenant": tenant,
        "header": dict(one["header"]),
    }


def _authorization_row(one: dict[str, Any], tenant: str) -> dict[str, Any]:
    return {
        "authorization_id": str(one["id"]),
        "tenant": tenant,
        "who": str(one["sub"]),
        "client_id": str(one["client_id"]),
        "application": str(one["client_name"]),
        "resource": str(one["resource"]),
        "scope": [str(name) for name in one["scopes"]],
        "state": str(one["state"]),
        "ended_by": str(one["ended_by"]),
        "started_at": int(one["started_at"]),
        "last_used_at": None if one["last_used_at"] is None else int(one["last_used_at"]),
        "ends_at": int(one["ends_at"]),
    }


def _approval_row(one: dict[str, Any], tenant: str) -> dict[str, Any]:
    waits = one["state"] in {"pending", "approved"}
    return {
        "approval_id": str(one["id"]),
        "tenant": tenant,
        "state": str(one["state"]),
        "tool": str(one["tool"]),
        "for": str(one["sub"]),
        "application": str(one["client_id"]),
        "asked": int(one["requested_at"]),
        "until": int(one["expires_at"]) if waits else None,
    }


def _tool_row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "tool": str(one["tool"]),
        "definition_hash": str(one["definition_hash"]),
        "state": str(one["state"]),
        "how": str(one["how"]),
        "was": str(one["was"]),
        "class": str(one["tool_class"]),
        "scopes": [str(scope) for scope in one["scopes"]],
        "definition": dict(one["definition"]) if one["definition"] is not None else None,
        "differences": [
            {"field": str(each["field"]), "before": _or_none(each["before"]), "after": _or_none(each["after"])}
            for each in one["differences"]
        ],
        "against": str(one["against"]),
        "since": int(one["since"]),
        "reviewed_at": int(one["reviewed_at"]) if one["reviewed_at"] is not None else None,
        "sunset": str(one["sunset"]),
    }


def _unused_row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "resource": str(one["resource"]),
        "tool": str(one["tool"]),
        "class": str(one["tool_class"]),
        "since": int(one["since"]),
        "last_used": None if one["last_used_on"] is None else int(one["last_used_on"]),
    }


def _part_row(one: dict[str, Any], slugs: dict[str, str]) -> dict[str, Any]:
    return {
        "tenant": slugs.get(one["tenant"] or "", one["tenant"] or ""),
        "resource": one["resource"] or "",
        "tool": one["tool"] or "",
        "client_id": one["client_id"] or "",
        "at": None if one["at"] is None else int(one["at"]),
        **_figures(one),
    }


def _figures(one: dict[str, Any]) -> dict[str, Any]:
    said = {each.name: one[each.name] for each in fields(Figures)}
    numbers = {name: None if value is None else float(value) for name, value in said.items() if name != "refusals"}
    return {
        name: value if value is None or name == "success_percent" else int(value) for name, value in numbers.items()
    } | {"refusals": {str(reason): int(count) for reason, count in said["refusals"].items()}}


def _or_none(said: Any) -> str | None:
    return None if said is None else str(said)


def _server_row(one: dict[str, Any]) -> dict[str, Any]:
    check = one["check"]
    return {
        "uri": str(one["uri"]),
        "name": str(one["name"]),
        "state": str(one["state"]),
        "stopped_tools": [str(tool) for tool in one["stopped_tools"]],
        "credentials": [
            {"client_id": str(each["client_id"]), "state": str(each["state"])} for each in one["credentials"]
        ],
        "instances": [
            {
                "instance": str(each["instance"]),
                "feed_age_ms": int(each["feed_age_ms"]),
                "behind_ms": int(each["behind_ms"]),
                "lapsed": bool(each["lapsed"]),
            }
            for each in one["instances"]
        ],
        "check": None if check is None else _check_row(check),
        "tools_changed": bool(one["tools_changed"]),
        "waiting_tools": [str(tool) for tool in one["waiting_tools"]],
        "limited": [
            {name: str(each[name]) for name in ("tenant", "tool", "limit")}
            | {name: int(each[name]) for name in ("times", "in_minute", "at")}
            for each in one["limited"]
        ],
        "definitions": {
            str(tool): str(found) for each in one["reports"] for tool, found in each["definitions"].items()
        },
    }


def _check_row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": int(one["at"]),
        "reachable": one["reachable"],
        "guarded": one["guarded"],
        "findings": [str(each["words"]) for each in one["findings"]],
    }


@asynccontextmanager
async def remote_control(server: str) -> AsyncIterator[RemoteControl]:
    """Yield a remote deployment. Raises RefusedError."""
    async with admin_api(server) as api:
        yield RemoteControl(api)
