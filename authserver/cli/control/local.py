"""A deployment by its own database: no server has to answer."""

import getpass
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

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
from authserver.domain.analytics import questions, rollup
from authserver.domain.analytics.figures import figures_of, parts_of
from authserver.domain.audit import event, reading, sealing
from authserver.domain.audit import search as record
from authserver.domain.clients import registry
from authserver.domain.finding import finding
from authserver.domain.health import servers as health
from authserver.domain.health.check import Checked
from authserver.domain.inventory import review as inventory
from authserver.domain.inventory.uses import Unused
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import requested_uri
from authserver.domain.revocation import feed, kill_switch
from authserver.domain.stopping import stopping
from authserver.domain.stopping.radius import told
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import search as held
from authserver.domain.tool_policies import tool_policy
from authserver.domain.users import user as users
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError
from resource_lib.wire.control import EVERY_TENANT, Kind

_STATES = {"kill": "killed", "pause": "paused", "": "revived"}
_A_PAGE = 200


class LocalControl:
    """The deployment whose settings this process read. Whoever can read its key acts for the platform."""

    look_every_s = 0.1

    def __init__(self, machines: Any) -> None:
        self._machines = machines
        self._by = stopping.By(tenant=EVERY_TENANT, label=f"command line ({_somebody()})")

    async def radius(self, named: Named) -> Radius:
        """Return what a stop would end or hold up."""
        async with _refusals():
            found = await stopping.radius(self._machines.work(), await self._target(named))
        return Radius(
            users=found.users,
            clients=found.clients,
            live_authorizations=found.live_authorizations,
            servers=found.servers,
            instances=found.instances,
            ends=found.ends,
        )

    async def stop(self, named: Named, *, act: str, reason: str) -> Order:
        """`kill`, `pause` or `revive` a target; it is in force when this returns."""
        doing = {"kill": stopping.kill, "pause": stopping.pause, "revive": stopping.revive}[act]
        async with _refusals():
            target = await self._target(named)
            work = self._machines.work()
            if act == "revive":
                await self._demand_stopped(target)
            await doing(work, target, reason=reason, by=self._by)
            if not await work.commit():
                raise RefusedError("somebody else changed it at this moment. `authserver kill list` tells what holds.")
            looking = self._machines.work()
            number = await stopping.number_of(looking, target)
            return Order(number=number, servers=await told(looking, target), tenant=target.tenant)

    async def revoke(self, kind: str, named: Named, of: str, *, reason: str) -> Order:
        """End one token or authorization, or what a client or a person holds now."""
        async with _refusals():
            work = self._machines.work()
            if kind == "token":
                servers = await stopping.revoke_token(work, of, by=self._by, reason=reason)
            elif kind == "authorization":
                servers = await stopping.revoke_authorization(work, of, by=self._by, reason=reason)
            else:
                ending = {"client": stopping.revoke_client, "user": stopping.revoke_user}[kind]
                servers = await ending(work, await self._target(named), by=self._by, reason=reason)
            if not await work.commit():
                raise RefusedError("it changed at this moment; try again.")
        # Whoever has applied the newest number has applied this one.
        newest = (await feed.head(self._machines.work()))[1]
        return Order(number=newest, servers=servers, tenant=work.tenant or EVERY_TENANT)

    async def heard(self, order: Order) -> list[Heard]:
        """Return who has obeyed."""
        return [
            Heard(resource=one.resource, instance=one.instance, state=one.state.value, after_ms=one.after_ms)
            for one in await stopping.heard_by(self._machines.work(), order.servers, order.number, tenant=order.tenant)
        ]

    async def stops(self, tenant: str, *, past: bool) -> list[Stopped]:
        """Return what is stopped, newest first."""
        work = self._machines.work()
        slugs = {one.id: one.slug for one in await tenants.all_tenants(work)}
        within = next(iter(await self._homes(tenant))) if tenant else None
        found = await stopping.kills(work, within, only_stopped=not past)
        return [
            Stopped(
                named=await self._named(kill.target, slugs),
                state=_STATES[kill.stopped],
                at=kill.changed_at_us // 1_000_000,
                reason=kill_switch.said_of(work, kill)[0],
                by=kill_switch.said_of(work, kill)[1],
                number=kill.number,
            )
            for kill in sorted(found, key=lambda kill: -kill.changed_at_us)
            # What was only ended by number was never stopped.
            if kill.stopped or kill.stopped_by
        ]

    async def events(self, tenant: str, wanted: WhatHappened, *, most: int) -> list[dict[str, Any]]:
        """Return what happened, newest first."""
        found: list[tuple[int, dict[str, Any]]] = []
        # What is about nobody's tenant stands at the platform.
        homes = await self._homes(tenant) if tenant else {**await self._homes(tenant), SHARED: "(platform)"}
        for home, slug in homes.items():
            async for events, rows in self._pages(home, slug, wanted, most=most, must_be=bool(tenant)):
                found += [(one.at_us, row) for one, row in zip(events, rows, strict=True)]
                break
        found.sort(key=lambda each: -each[0])
        return [row for _, row in found[:most]]

    async def every_event(self, tenant: str, wanted: WhatHappened) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all that happened in one tenant, newest first, page by page."""
        ((home, slug),) = (await self._homes(tenant)).items()
        async for _, rows in self._pages(home, slug, wanted, most=_A_PAGE, must_be=True):
            yield rows

    async def _pages(
        self, home: str, slug: str, asked: WhatHappened, *, most: int, must_be: bool
    ) -> AsyncIterator[tuple[Sequence[record.Event], list[dict[str, Any]]]]:
        work = self._machines.work(tenant=home)
        sub = asked.email if "@" not in asked.email else await self._sub(work, asked.email)
        client_id = await self._client_id(work, asked.client_id)
        if (sub is None or client_id is None) and must_be:
            unknown = ("user", asked.email) if sub is None else ("client", asked.client_id)
            raise RefusedError(f"{unknown[0]}: there is no {unknown[1]!r} in {slug}; look at the spelling.")
        if sub is None or client_id is None:
            return
        wanted, after = _wanted(asked, sub, client_id), None
        while True:
            page = await record.search(work, wanted, after=after, most=most)
            reading.searched(work, wanted, rows=len(page.events), via="command", is_first=after is None)
            if asked.opened and (ids := [one.id for one in page.events if one.has_payload]):
                reading.opened(work, ids, via="command")
            # Before it is shown: what cannot be recorded is not read.
            await work.commit()
            yield page.events, [_event_row(work, one, slug, opened=asked.opened) for one in page.events]
            if page.after is None:
                return
            after = page.after

    async def _client_id(self, work: UnitOfWork, words: str) -> str | None:
        """Return the id of an application by its id or its name in the bound tenant; None: nobody there has it."""
        if not words or await registry.find(work, words) is not None:
            return words
        if work.tenant == SHARED:
            return None
        hits = await finding.find(work, words, among={finding.What.CLIENT})
        ids = [hit.id for hit in hits if hit.title.casefold() == words.strip().casefold()]
        if len(ids) > 1:
            raise RefusedError(f"client: {len(ids)} applications are called {words!r}: {', '.join(ids)}.")
        # What is gone is found in the record by the id that it had.
        return ids[0] if ids else words if words.startswith(("cli_", "https://")) else None

    async def analytics(self, tenant: str, asked: Counted, *, most: int) -> dict[str, Any]:
        """Return what many calls amount to; what is recorded and not counted yet is counted first."""
        slugs = await self._homes(tenant)
        if asked.by == "tenant" and tenant:
            raise RefusedError("--by: `tenant` compares tenants; leave --tenant out.")
        # Where no server runs, nobody else has.
        await sealing.seal_round(self._machines)
        await rollup.round_of(self._machines)
        work = self._machines.work(tenant=next(iter(slugs)) if tenant else None)
        until = work.now + 1 if asked.until is None else asked.until
        wanted = questions.Question(
            since=until - 7 * rollup.DAY if asked.since is None else asked.since,
            until=until,
            resource=requested_uri(asked.resource) if asked.resource else "",
            tool=asked.tool,
            client_id=asked.client_id,
            grain={"hour": rollup.HOUR, "day": rollup.DAY}.get(asked.by, 0),
        )
        try:
            found = await questions.ask(work, wanted, everywhere=not tenant)
        except questions.TooLongAgoError as error:
            raise RefusedError(f"--since: {error}") from None
        parts = parts_of(found, cast("questions.By", asked.by))
        return {
            "since": found.window.since,
            "until": found.window.until,
            "total": figures_of(found.total).as_object(),
            "count": len(parts),
            "items": [
                {
                    "tenant": slugs.get(one.tenant, one.tenant),
                    "resource": one.resource,
                    "tool": one.tool,
                    "client_id": one.client_id,
                    "at": one.at,
                    **one.figures.as_object(),
                }
                for one in parts[:most]
            ],
        }

    async def authorizations(self, tenant: str, wanted: WhoHasWhat, *, most: int) -> list[dict[str, Any]]:
        """Return who has what, newest first."""
        found: list[tuple[int, dict[str, Any]]] = []
        for home, slug in (await self._homes(tenant)).items():
            work = self._machines.work(tenant=home)
            sub = await self._sub(work, wanted.email)
            if sub is None:
                continue
            asked = held.Wanted(
                sub=sub,
                client_id=wanted.client_id,
                resource=wanted.resource,
                state=held.State(wanted.state) if wanted.state else None,
                unused_since=held.unused_since(work, wanted.days) if wanted.is_unused else 0,
            )
            page = await held.search(work, asked, most=most)
            found += [(one.started_at, await self._authorization_row(work, one, slug)) for one in page.found]
        found.sort(key=lambda each: -each[0])
        return [row for _, row in found[:most]]

    async def approvals(self, tenant: str, state: str, *, most: int) -> list[dict[str, Any]]:
        """Return the calls that wait for a yes, or have had one, newest first."""
        from authserver.cli import waiting_calls

        return await waiting_calls.rows(self._machines, tenant or None, state or None, most)

    async def approval(self, approval_id: str) -> dict[str, Any]:
        """Return one call as its approver sees it."""
        from authserver.cli import waiting_calls

        return await waiting_calls.shown(*await waiting_calls.found(self._machines, approval_id))

    async def deny(self, approval_id: str, *, reason: str) -> dict[str, Any]:
        """Say no to what waits, or to a yes that was not used yet."""
        from authserver.cli import waiting_calls

        return await waiting_calls.denied(self._machines, approval_id, reason)

    async def servers(self, tenant: str) -> list[dict[str, Any]]:
        """Return how each MCP server is."""
        within = next(iter(await self._homes(tenant))) if tenant else None
        return [_server_row(one) for one in await health.overview(self._machines.work(), within)]

    async def look(self, uri: str) -> dict[str, Any]:
        """Look at an MCP server now, as a stranger would."""
        found = await health.look(self._machines.work(), requested_uri(uri), None)
        if found is None:
            raise RefusedError(f"uri: {uri} is unknown. `authserver resource list` lists them.")
        return _check_row(found)

    async def tools(self, uri: str, tenant: str) -> list[dict[str, Any]]:
        """Return every definition of an MCP server's tools that may be seen, and whether it counts."""
        place = await self._place_of_tools(uri, tenant)
        return [_tool_row(one) for one in await inventory.look(self._machines.work(), requested_uri(uri), place)]

    async def review(self, uri: str, tool: str, definition_hash: str, *, decision: str, tenant: str) -> None:
        """Let a definition in, or keep it out."""
        place = await self._place_of_tools(uri, tenant)
        work = self._machines.work()
        wanted: inventory.Decision = "approved" if decision == "approved" else "rejected"
        try:
            await inventory.decide(
                work, requested_uri(uri), tool, definition_hash, wanted, tenant=place, by=self._by.label
            )
        except inventory.NotThereError:
            raise RefusedError(f"TOOL: {tool} was never listed as {definition_hash}; look again.") from None
        if not await work.commit():
            raise RefusedError(f"TOOL: somebody else has just decided about {tool}; look again.")

    async def unused_tools(self, uri: str, tenant: str, days: int | None) -> dict[str, Any]:
        """Return which tools nobody used."""
        days = days or int(self._machines.settings.unused_after_days)
        work, place = self._machines.work(), None
        if uri:
            place = await self._place_of_tools(uri, tenant)
            uris = [requested_uri(uri)]
        else:
            place = next(iter(await self._homes(tenant))) if tenant else None
            every = await resources.all_resources(work)
            uris = sorted(one.uri for one in every if place is None or place in one.tenants)
        looked = [(uri, await tool_policy.unused(work, uri, place, days=days)) for uri in uris]
        return {
            "days": days,
            "tools": [_unused_row(one) for _, found in looked for one in found.unused],
            "untold": [uri for uri, found in looked if not found.is_told],
        }

    async def _place_of_tools(self, uri: str, tenant: str) -> str | None:
        found = await resources.by_uri(self._machines.work(), requested_uri(uri))
        if found is None:
            raise RefusedError(f"RESOURCE: {uri} is unknown. `authserver resource list` lists them.")
        place = next(iter(await self._homes(tenant))) if tenant else None
        if place is not None and place not in found.tenants:
            raise RefusedError(f"--tenant: {tenant} does not use {uri}.")
        return place

    async def _authorization_row(self, work: UnitOfWork, one: held.Found, slug: str) -> dict[str, Any]:
        owner = one.authorization
        client = await registry.find(work, owner.client_id)
        return {
            "authorization_id": owner.id,
            "tenant": slug,
            "who": owner.sub if owner.is_of_machine else await self._email(owner.sub, work),
            "client_id": owner.client_id,
            "application": client.name if client else None,
            "resource": owner.resource,
            "scope": list(owner.scope),
            "state": one.state.value,
            "ended_by": one.ended_by,
            "started_at": one.started_at,
            "last_used_at": one.last_used_at,
            "ends_at": one.ends_at,
        }

    async def _homes(self, slug: str) -> dict[str, str]:
        """Return the tenant that was named, or all of them, by id."""
        every = {one.id: one.slug for one in await tenants.all_tenants(self._machines.work())}
        if not slug:
            return every
        found = {tenant_id: name for tenant_id, name in every.items() if name == slug}
        if not found:
            raise RefusedError(f"tenant: there is no {slug!r}. `authserver tenant list` names them.")
        return found

    async def _sub(self, work: UnitOfWork, email: str) -> str | None:
        """Return the `sub` of an address in the bound tenant; empty: nobody was named; None: nobody there has it."""
        if not email:
            return ""
        person = await users.person_by_email(work, email)
        member = await users.member_by_person(work, person.id) if person and work.tenant != SHARED else None
        return member.sub if member else None

    async def _email(self, sub: str, work: UnitOfWork) -> str:
        member = await users.member_by_sub(work, sub)
        person = await users.person_by_id(work, member.person_id) if member else None
        return person.email if person and person.email else sub

    async def _demand_stopped(self, target: stopping.Target) -> None:
        """Say where it is stopped, where that is somewhere else than was named."""
        work = self._machines.work()
        found = await stopping.kills(work, only_stopped=True)
        if any(kill.target.key == target.key for kill in found):
            return
        alike = [
            kill.target for kill in found if (kill.target.kind, kill.target.subject) == (target.kind, target.subject)
        ]
        slugs = await self._homes("")
        if alike:
            where = [
                "everywhere (without --tenant)"
                if one.tenant == EVERY_TENANT
                else f"--tenant {slugs.get(one.tenant, one.tenant)}"
                for one in alike
            ]
            raise RefusedError(f"it is not stopped like that, but so: {', '.join(where)}.")
        raise RefusedError("it is not stopped. `authserver kill list` shows what is.")

    async def _target(self, named: Named) -> stopping.Target:
        return await stopping.resolve(
            self._machines.work(),
            Kind(named.kind),
            by=self._by,
            tenant=named.tenant,
            # What holds no @ is an id, as `kill list` of a remote server shows it.
            **({"email": named.email} if "@" in named.email else {"sub": named.email}),
            client_id=named.client_id,
            host=named.host,
            resource=named.resource,
            tool=named.tool,
            definition_hash=named.definition_hash,
        )

    async def _named(self, target: stopping.Target, slugs: dict[str, str]) -> Named:
        tenant = "" if target.tenant == EVERY_TENANT else slugs.get(target.tenant, target.tenant)
        email = await self._email(target.sub, self._machines.work(tenant=target.tenant)) if target.sub else ""
        return Named(
            kind=target.kind.value,
            tenant=tenant,
            email=email,
            client_id=target.client_id,
            host=target.host,
            resource=target.resource,
            tool=target.tool,
            definition_hash=target.definition_hash,
        )


def _wanted(asked: WhatHappened, sub: str, client_id: str) -> record.Wanted:
    span = {"since_us": asked.since, "until_us": asked.until}
    return record.Wanted(
        kind=asked.kind,
        outcome=event.Outcome(asked.outcome) if asked.outcome else None,
        decision=record.Decision(asked.decision) if asked.decision else None,
        client_id=client_id,
        sub=sub,
        subject=asked.subject,
        authorization_id=asked.authorization_id,
        resource=asked.resource,
        request_id=asked.request_id,
        tool=asked.tool,
        call=asked.call,
        approval_id=asked.approval_id,
        trace_id=asked.trace_id,
        **{name: at * 1_000_000 for name, at in span.items() if at is not None},
    )


def _server_row(one: health.Server) -> dict[str, Any]:
    return {
        "uri": one.uri,
        "name": one.name,
        "state": one.state,
        "stopped_tools": list(one.stopped_tools),
        "credentials": [{"client_id": each.client_id, "state": each.state} for each in one.credentials],
        "instances": [
            {
                "instance": each.instance,
                "feed_age_ms": each.feed_age_ms,
                "behind_ms": each.behind_ms,
                "lapsed": each.has_lapsed,
            }
            for each in one.instances
        ],
        "check": _check_row(one.check) if one.check else None,
        "tools_changed": one.tools_have_changed,
        "waiting_tools": list(one.waiting_tools),
        "limited": [each.to_json() for each in one.limited],
        "definitions": {
            tool.name: tool.definition_hash for each in one.reports for tool in each.tools if tool.definition_hash
        },
    }


def _check_row(one: Checked) -> dict[str, Any]:
    return {
        "at": one.at,
        "reachable": one.is_reachable,
        "guarded": one.is_guarded,
        "findings": [finding.words for finding in one.findings],
    }


def _event_row(work: UnitOfWork, one: record.Event, slug: str, *, opened: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": one.id,
        "at": one.at_us // 1_000_000,
        "tenant": slug,
        "kind": one.kind,
        "outcome": one.outcome,
        "reason": one.reason,
        "client_id": one.client_id,
        "authorization_id": one.authorization_id,
        "resource": one.resource,
        "request_id": one.request_id,
        "header": dict(one.header),
    }
    if opened:
        try:
            said["sealed"] = event.open_payload(work, one.row)
        except VaultError:
            said["sealed"] = {"erased": True}
    return said


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    try:
        yield
    except (stopping.UnknownTargetError, stopping.StopRefusedError, stopping.NotAllowedError) as error:
        raise RefusedError(f"{error}.") from None


def _somebody() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _unused_row(one: Unused) -> dict[str, Any]:
    return {
        "resource": one.resource,
        "tool": one.tool,
        "class": one.tool_class,
        "since": one.since,
        "last_used": one.last_used_on,
    }


def _tool_row(one: inventory.Seen) -> dict[str, Any]:
    return {
        "tool": one.tool,
        "definition_hash": one.hash,
        "state": one.state,
        "how": one.how,
        "was": one.was,
        "class": one.tool_class,
        "scopes": list(one.scopes),
        "definition": one.definition,
        "differences": [{"field": each.field, "before": each.before, "after": each.after} for each in one.differences],
        "against": one.against,
        "since": one.since,
        "reviewed_at": one.reviewed_at,
        "sunset": one.sunset,
    }
