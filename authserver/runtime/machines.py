"""What one process runs on, opened once at start and handed to whoever needs it."""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, TypeVar

from authserver.runtime.buckets import Bucket, Limited, OpenDoor, Seats
from authserver.runtime.clock import Clock
from authserver.runtime.documents import Documents
from authserver.runtime.flights import Flights
from authserver.runtime.hints import Hints
from authserver.runtime.identifiers import new_id
from authserver.runtime.key_pages import OpenPages
from authserver.runtime.mail import Mail
from authserver.runtime.memory import Memory
from authserver.runtime.notes import Notes
from authserver.runtime.outbound import Outbound, OutboundBusyError
from authserver.runtime.passwords import PasswordHasher
from authserver.runtime.tail import Tail
from authserver.runtime.unit_of_work import Database, RowRefusedError, UnitOfWork
from authserver.runtime.uses import Uses
from authserver.runtime.vault import DeploymentKeys, KeyEncryption
from authserver.runtime.writes import Writes
from authserver.settings import Settings

T = TypeVar("T")

MEBIBYTE: Final = 1024 * 1024
_MOST_TURNS: Final = 10


class Registrations:
    """The budgets of dynamic registration: `per_minute` new ones of one address prefix, and a ceiling that slows."""

    def __init__(self, per_minute: int = 10) -> None:
        self.asked = Bucket(per_minute=10 * per_minute, burst=20 * per_minute, keys=100_000)
        self.new = Bucket(per_minute=per_minute, burst=6 * per_minute, keys=100_000)
        self.everywhere = Bucket(per_minute=60 * per_minute, burst=60 * per_minute, keys=1)
        self.slowed = Bucket(per_minute=2, burst=2, keys=100_000)


class PageRequests:
    """The budgets of our pages: a browser that was seen to be signed in has one of its own, all others one of their address prefix."""

    def __init__(self, per_minute: int = 6_000) -> None:
        self._sessions = Bucket(per_minute=per_minute, burst=max(1, per_minute // 2), keys=100_000)
        self._addresses = OpenDoor(per_minute=per_minute, ceiling_per_minute=50 * per_minute)
        self._signed_in: OrderedDict[str, None] = OrderedDict()

    def note(self, cookie: str) -> None:
        """Take note that this cookie is a session's. An invented one never gets here."""
        name = _fingerprint(cookie)
        self._signed_in[name] = None
        self._signed_in.move_to_end(name)
        if len(self._signed_in) > 100_000:
            self._signed_in.popitem(last=False)

    def take(self, cookie: str | None, prefix: str, now_us: int) -> Limited | None:
        """Take one; Limited when nothing is left."""
        if cookie is not None and (name := _fingerprint(cookie)) in self._signed_in:
            return self._sessions.take(name, now_us)
        return self._addresses.take(prefix, now_us)


def _fingerprint(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Machines:
    """The machines of one process."""

    settings: Settings
    database: Database
    clock: Clock
    memory: Memory
    passwords: PasswordHasher
    key_encryption: KeyEncryption
    keys: DeploymentKeys
    hints: Hints
    outbound: Outbound
    """The only way to fetch what a stranger names."""
    mail: Mail | None = None
    """The only way to send mail; None: no server for it is set."""
    client_keys: Documents[Any]
    """The key sets that clients publish themselves."""
    token_requests: Bucket
    """How often one client may call the token endpoint of this process."""
    pushed_requests: OpenDoor
    """How often one address prefix may push a request for clients without a credential."""
    introspections: Bucket
    """How often one resource server may ask this process about a token."""
    approval_requests: Bucket = field(default_factory=lambda: Bucket(per_minute=6000, burst=2000))
    """How often one resource server may ask this process about approvals."""
    call_reports: Bucket = field(default_factory=lambda: Bucket(per_minute=12_000, burst=2_000))
    """How often one resource server may tell this process of calls."""
    call_report_bytes: Bucket = field(
        default_factory=lambda: Bucket(per_minute=256 * MEBIBYTE, burst=1024 * MEBIBYTE, most=8 * MEBIBYTE)
    )
    """How many bytes of that: the disk is everybody's."""
    approval_waits: Seats = field(default_factory=lambda: Seats(each=64, all_together=1024))
    """How many questions of one resource server about an approval may wait for an answer at once."""
    key_pages: OpenPages = field(default_factory=OpenPages)
    """Which keys this process wraps those of payloads with."""
    exports: Seats = field(default_factory=lambda: Seats(each=2, all_together=16))
    """How many exports of one tenant's record, and of all, are read at once."""
    tail: Tail = field(default_factory=Tail)
    """The newest control events, as this process last read them."""
    feed_seats: Seats = field(default_factory=lambda: Seats(each=256, all_together=2048))
    """How many connections of one resource server may wait for them at once."""
    instances: Notes[Any] = field(default_factory=Notes)
    """What was lately written of each running MCP server that follows them."""
    uses: Uses[tuple[str, str], Any] = field(default_factory=Uses)
    """Which authorizations were used on which day, as far as it is not written yet."""
    feed_requests: Bucket = field(default_factory=lambda: Bucket(per_minute=30_000, burst=5_000))
    """How often one resource server may ask this process for them."""
    writes: Writes = field(default_factory=Writes)
    """Whether the database takes what this process writes."""
    kill_waits: Seats = field(default_factory=lambda: Seats(each=4, all_together=128))
    """How many questions of one operator, and of all, may wait until each MCP server has obeyed."""
    foreign_tokens: Bucket = field(default_factory=lambda: Bucket(per_minute=600, burst=100))
    """How many tokens that are not for it one resource server may ask about."""
    foreign_token_notes: Bucket = field(default_factory=lambda: Bucket(per_minute=6, burst=6))
    """How many of these are recorded."""
    device_requests: OpenDoor
    """How often one address prefix may ask for a device code for clients without a credential."""
    secret_guesses: Bucket = field(default_factory=lambda: Bucket(per_minute=4, burst=20))
    """How often one address prefix may send a wrong secret for one client."""
    old_secrets: Bucket = field(default_factory=lambda: Bucket(per_minute=1, burst=1))
    """How often it is recorded that one client still uses its old secret from one address prefix."""
    strangers: Bucket = field(default_factory=lambda: Bucket(per_minute=60, burst=300))
    """How many refusals of somebody unproven are recorded for one address prefix."""
    admin_requests: Bucket
    """How often one authorization may ask the admin API of this process."""
    page_requests: PageRequests = field(default_factory=PageRequests)
    """How often one browser, or one address prefix, may ask this process for pages."""
    registrations: Registrations = field(default_factory=Registrations)
    """How often strangers may make a client of themselves."""
    documents: Flights[None] = field(
        # That we were too busy to ask says nothing about the document.
        default_factory=lambda: Flights(is_innocent=lambda error: isinstance(error.__cause__, OutboundBusyError))
    )
    """The metadata documents of clients that are being read."""
    document_readings: Bucket = field(default_factory=lambda: Bucket(per_minute=20, burst=60))
    """How often one address prefix may make us read a document."""

    def work(self, *, tenant: str | None = None, request_id: str | None = None, address: str = "") -> UnitOfWork:
        """Open a unit of work: one reading of the clock, one request id, at most one tenant."""
        return UnitOfWork(
            self, at_us=self.clock(), request_id=request_id or new_id("req"), tenant=tenant, address=address
        )

    def crossing_tenants(self) -> UnitOfWork:
        """Open a unit of work under the second database role; only `domain.audit.event.platform_work` calls this."""
        return UnitOfWork(self, at_us=self.clock(), request_id=new_id("req"), platform=True)

    async def written(self, flow: Callable[[UnitOfWork], Awaitable[T]], *, tenant: str, request_id: str = "") -> T:
        """Run a flow in a unit of its own and commit it; once more, with all it reads, when somebody wrote the same rows first.

        Raises RowRefusedError when that happens ten times.
        """
        for turn in range(_MOST_TURNS):
            work = self.work(tenant=tenant, request_id=request_id)
            found = await flow(work)
            try:
                if await work.commit():
                    return found
            except RowRefusedError:
                if turn == _MOST_TURNS - 1:
                    raise
            # Who meet again and again would go on to: they go on at different moments.
            await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(turn, 6)))  # noqa: S311 - not a secret
        raise RowRefusedError("somebody else was first, again and again")
