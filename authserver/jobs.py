"""The timetable of housekeeping: follow the directory, rotate keys, expire what has lapsed, announce what ends, tell people."""

import asyncio
import contextlib
import random

import structlog

from authserver.domain.analytics import rollup
from authserver.domain.api_keys import api_key
from authserver.domain.approvals import outcomes
from authserver.domain.audit import copies, erasing, event, retention, sealing
from authserver.domain.call_grants import grant
from authserver.domain.clients import document, ending, registration, used_assertion
from authserver.domain.codes import authorization_code, device_code
from authserver.domain.forgetting import cleaning
from authserver.domain.health import check, servers
from authserver.domain.idempotency import kept
from authserver.domain.instances import instance
from authserver.domain.inventory import reported
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.keys import rotation
from authserver.domain.login import session
from authserver.domain.notices import checkpoint_hook, delivery, forwarding, notice
from authserver.domain.pushed_requests import pushed_request
from authserver.domain.rate_limits import limit
from authserver.domain.revocation import tail
from authserver.domain.signals import acting, signal, watching
from authserver.domain.tokens import authorization, revoked, uses
from authserver.domain.tool_policies import step_up
from authserver.runtime.machines import Machines

log = structlog.get_logger("authserver.jobs")

_HOUSEKEEPING_S = 300
_ROUND_S = 1.0
_AGAIN_S = 0.1
_SEALING_S = 0.5
_WATCHING_S = 1.0
_PRUNING_S = 3600.0
_ROUNDS_AT_ONCE = 8
_COUNTING_S = 2
_FORWARDING_S = 1.0
_USES_S = 60


async def follow_directory(machines: Machines) -> None:
    """Read the newest numbers, for ever; what changed elsewhere is forgotten here, and whoever follows the feed hears it.

    Hints make it look at once: of this process, of the database, of Valkey. Without any the tick decides.
    """
    helpers = [
        asyncio.create_task(machines.database.watch(machines.tail.nudge), name="watch"),
        asyncio.create_task(_pass_on(machines), name="hints"),
    ]
    try:
        while True:
            await machines.tail.due(machines.settings.memory_refresh_seconds)
            try:
                await tail.look(machines.work())
            except Exception as error:  # noqa: BLE001 - a job outlives every accident
                log.warning("directory_not_followed", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


async def _pass_on(machines: Machines) -> None:
    while True:
        await machines.hints.wait(60)
        machines.tail.nudge()


async def keep_house(machines: Machines) -> None:
    """Rotate keys that are due and forget what has lapsed, for ever."""
    while True:
        try:
            await rotate_keys(machines)
            await expire(machines)
            await announce_ends(machines)
            await clean(machines)
        except Exception as error:
            log.error("housekeeping_failed", error=type(error).__name__, exc_info=error)
        rest = min(_HOUSEKEEPING_S, max(1, machines.settings.key_publish_ahead_seconds // 2))
        await asyncio.sleep(rest)


async def tell_people(machines: Machines) -> None:
    """Deliver what has to be told, for ever; a round that waits for somebody slow does not hold up the next."""
    rounds: set[asyncio.Task[None]] = set()
    try:
        while True:
            if len(rounds) < _ROUNDS_AT_ONCE:
                rounds.add(begun := asyncio.create_task(_tell_round(machines), name="tell_round"))
                begun.add_done_callback(rounds.discard)
            await asyncio.sleep(_ROUND_S)
    finally:
        # What is being told stays claimed until the claim ends; then another process tells it.
        for begun in rounds:
            begun.cancel()
        await asyncio.gather(*rounds, return_exceptions=True)


async def _tell_round(machines: Machines) -> None:
    try:
        await delivery.deliver_due(machines)
    except Exception as error:  # noqa: BLE001 - a job outlives every accident
        log.warning("notices_not_delivered", error=type(error).__name__)


async def keep_uses(machines: Machines) -> None:
    """Write which authorizations were used, for ever, and once more when this process ends."""
    try:
        while True:
            await asyncio.sleep(_USES_S)
            await uses.keep(machines)
    finally:
        await asyncio.shield(uses.keep(machines))


async def seal_the_record(machines: Machines) -> None:
    """Seal what was recorded, for ever, twice a second."""
    while True:
        await asyncio.sleep(_SEALING_S)
        try:
            await sealing.seal_round(machines)
        except Exception as error:  # noqa: BLE001 - a job outlives every accident
            log.warning("record_not_sealed", error=type(error).__name__)


async def copy_checkpoints(machines: Machines) -> None:
    """Give every place outside of this database the newest checkpoint, for ever, once a second; where there is none, end."""
    while copies.places(machines, checkpoint_hook.post):
        await asyncio.sleep(_ROUND_S)
        try:
            await copies.copy_round(machines, checkpoint_hook.post)
        except Exception as error:  # noqa: BLE001 - a job outlives every accident
            log.warning("checkpoints_not_copied", error=type(error).__name__)


async def prune_the_record(machines: Machines) -> None:
    """Take away what is past its time, for ever, once an hour, and in turns while there is more; of several processes one does each step."""
    rest_s = _PRUNING_S
    while True:
        await asyncio.sleep(rest_s * random.uniform(0.8, 1.2))  # noqa: S311 - several processes take turns
        try:
            rest_s = _ROUND_S if await retention.prune_round(machines) else _PRUNING_S
        except Exception as error:  # noqa: BLE001 - a job outlives every accident
            rest_s = _PRUNING_S
            log.warning("record_not_pruned", error=type(error).__name__)


async def count_calls(machines: Machines) -> None:
    """Count what was sealed, for ever; nobody waits for it."""
    while True:
        await asyncio.sleep(_COUNTING_S * random.uniform(0.8, 1.2))  # noqa: S311 - several processes take turns
        try:
            await rollup.round_of(machines)
        except Exception as error:  # noqa: BLE001 - a job outlives every accident
            log.warning("calls_not_counted", error=type(error).__name__)


async def forward_the_record(machines: Machines) -> None:
    """Tell webhooks what was sealed, for ever; nobody waits for it."""
    while True:
        await asyncio.sleep(_FORWARDING_S * random.uniform(0.8, 1.2))  # noqa: S311 - several processes take turns
        try:
            await forwarding.forward_round(machines)
        except Exception as error:  # noqa: BLE001 - a job outlives every accident
            log.warning("record_not_forwarded", error=type(error).__name__)


async def watch_for_signals(machines: Machines) -> None:
    """Look at what is new in the record, do what signals ask for, end what is over, for ever, once a second."""
    while True:
        await asyncio.sleep(_WATCHING_S)
        for step in (watching.watch_round, acting.act_due, step_up.end_over):
            try:
                await step(machines)
            except Exception as error:  # noqa: BLE001 - a job outlives every accident
                log.warning("signals_not_watched", step=step.__name__, error=type(error).__name__)


async def look_at_servers(machines: Machines) -> None:
    """Look at every registered MCP server, for ever; of several processes one looks at each."""
    every_s = machines.settings.server_check_seconds
    while every_s:
        # Whoever comes first looks; that processes come at different times spreads the looks.
        await asyncio.sleep(every_s * random.uniform(0.1, 0.3))  # noqa: S311 - nobody is hurt by a guess
        try:
            await check.check_due(machines, every_s=every_s * random.uniform(0.8, 1))  # noqa: S311 - as above
        except Exception as error:  # noqa: BLE001 - a job outlives every accident
            log.warning("servers_not_looked_at", error=type(error).__name__)


async def rotate_keys(machines: Machines) -> None:
    """See that every issuer has the keys it should have now."""
    for issuer in (await all_issuers(machines.work())).by_path.values():
        await rotation.rotate_if_due(machines.work(), issuer)


async def expire(machines: Machines) -> None:
    """Forget what has lapsed, in every tenant."""
    work = event.platform_work(machines, "expire what has lapsed")
    api_key.expire(work)
    erasing.expire(work)
    outcomes.expire(work)
    instance.expire(work)
    authorization_code.expire(work)
    authorization.expire(work)
    grant.expire(work)
    kept.expire(work)
    reported.expire(work)
    await registration.expire(work)
    revoked.expire(work)
    rollup.expire(work)
    await document.expire(work)
    limit.expire(work)
    notice.expire(work)
    pushed_request.expire(work)
    device_code.expire(work)
    servers.expire(work)
    session.expire(work)
    signal.expire(work)
    used_assertion.expire(work)
    await work.commit()


async def clean(machines: Machines) -> None:
    """Clean the file of what was erased, where nobody did; the next round tries again what could not be done."""
    if await cleaning.clean_if_due(machines):
        log.info("erased_is_cleaned")


async def announce_ends(machines: Machines) -> None:
    """Say which machine clients end soon, once each."""
    for machine in await ending.announce(machines):
        left_s = machine.ends_at - machines.clock() // 1_000_000
        log.warning("client_ends", client_id=machine.client_id, in_hours=max(0, left_s // 3600))


class Jobs:
    """The jobs of one process."""

    def __init__(self, machines: Machines) -> None:
        self._tasks = [
            asyncio.create_task(follow_directory(machines), name="follow_directory"),
            asyncio.create_task(keep_house(machines), name="keep_house"),
            asyncio.create_task(tell_people(machines), name="tell_people"),
            asyncio.create_task(seal_the_record(machines), name="seal_the_record"),
            asyncio.create_task(copy_checkpoints(machines), name="copy_checkpoints"),
            asyncio.create_task(prune_the_record(machines), name="prune_the_record"),
            asyncio.create_task(count_calls(machines), name="count_calls"),
            asyncio.create_task(forward_the_record(machines), name="forward_the_record"),
            asyncio.create_task(watch_for_signals(machines), name="watch_for_signals"),
            asyncio.create_task(look_at_servers(machines), name="look_at_servers"),
            asyncio.create_task(keep_uses(machines), name="keep_uses"),
        ]

    async def stop(self) -> None:
        """End them."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
