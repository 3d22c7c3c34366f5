"""The composition root: settings in, ASGI application out; the only file that knows every part."""

import structlog

from authserver import jobs
from authserver.opening import close_machines, open_machines
from authserver.runtime.clock import Clock, system_clock
from authserver.runtime.machines import Machines
from authserver.runtime.outbound import Outbound
from authserver.settings import Settings
from authserver.web.application import Application

log = structlog.get_logger("authserver")


def create_app(
    settings: Settings, *, clock: Clock = system_clock, with_jobs: bool = True, outbound: Outbound | None = None
) -> Application:
    """Return the authorization server. Its machines are opened by the ASGI lifespan.

    `with_jobs` False leaves housekeeping to the caller, who then sets the clock too. `outbound` is another way out than the
    settings', for tests.
    """
    running: list[jobs.Jobs] = []

    async def start() -> Machines:
        if settings.cimd_allow_loopback:
            log.warning(
                "loopback_may_be_fetched",
                setting="AUTHSERVER_CIMD_ALLOW_LOOPBACK",
                meaning="anybody can make this server ask services on this machine: for development only",
            )
        machines = await open_machines(settings, clock=clock, outbound=outbound)
        try:
            await jobs.rotate_keys(machines)
        except BaseException:
            await close_machines(machines)
            raise
        if with_jobs:
            running.append(jobs.Jobs(machines))
        return machines

    async def stop(machines: Machines) -> None:
        while running:
            await running.pop().stop()
        await close_machines(machines)

    return Application(start, stop)
