"""
A month of traffic that never was: several organisations, people with working hours, weekends, days off and slow growth, machines
around the clock; and the incidents that are planted into it. Everything follows from one seed.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from authserver.domain.signals.facts import Fact
from authserver.domain.signals.kinds import Kind

BEGIN = int(datetime(2026, 9, 7, tzinfo=UTC).timestamp())
"""A Monday."""
DAY, HOUR = 86_400, 3600

TOOLS = {
    # name: class, milliseconds, kilobytes
    "search_orders": ("read", 120, 6),
    "get_order": ("read", 40, 2),
    "get_customer": ("read", 50, 2),
    "read_ticket": ("read", 60, 3),
    "search_docs": ("read", 200, 9),
    "export_report": ("read", 900, 60),
    "list_invoices": ("read", 90, 12),
    "update_order": ("write", 80, 1),
    "add_note": ("write", 45, 1),
    "send_email": ("write", 300, 1),
    "create_invoice": ("write", 150, 1),
    "refund_order": ("destructive", 220, 1),
    "delete_customer": ("destructive", 100, 1),
}
WORK = (
    # how often, the calls of one piece of work
    (30, ("read_ticket", "get_customer", "get_order", "add_note")),
    (18, ("read_ticket", "get_customer", "search_orders", "get_order", "update_order", "send_email")),
    (25, ("search_orders", "get_order")),
    (12, ("search_docs", "search_docs", "search_docs")),
    (8, ("get_customer", "list_invoices", "create_invoice", "send_email")),
    (4, ("get_order", "refund_order", "send_email")),
    (3, ("search_orders", "export_report")),
    (2, ("get_customer", "list_invoices", "delete_customer", "add_note")),
)
CRON = ("search_orders", "get_order", "get_order", "update_order")
"""What a machine does every quarter of an hour."""
OUTSIDE = frozenset({"read_ticket"})


@dataclass(frozen=True)
class Agent:
    """A person with an application, or a machine."""

    tenant: str
    who: str
    client: str
    begins: int = 8
    hours: int = 9
    pace: float = 1.0
    never: frozenset[str] = frozenset()
    is_machine: bool = False
    works_late: float = 0.03
    away: frozenset[int] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.who} {self.client}"


@dataclass
class Incident:
    """Something planted: what it is, whom it is about, when, and by which kinds it should be found."""

    name: str
    says: str
    tenant: str
    key: str
    begin: int
    end: int
    kinds: frozenset[Kind]
    facts: list[Fact] = field(default_factory=list)


@dataclass
class Month:
    """All events in order, each with its tenant, and what was planted."""

    events: list[tuple[str, Fact]]
    incidents: list[Incident]
    days: int
    tenants: tuple[str, ...]


def month(seed: int, *, days: int = 30, tenants: int = 4, people: int = 8, plant: bool = True) -> Month:
    """Return a month. The last ten days have the incidents; `days` below 21 leave too little to learn from."""
    chance = random.Random(seed)
    names = tuple(f"ten_{letter * 16}" for letter in "abcdefgh"[:tenants])
    agents = [one for tenant in names for one in _agents(tenant, chance, people, days)]
    events: list[tuple[int, int, str, Fact]] = []
    maker = _Maker(chance)
    for agent in agents:
        events += [(fact.at, number, agent.tenant, fact) for number, fact in enumerate(maker.life(agent, days))]
    incidents = _plant(chance, maker, agents, days) if plant else []
    for incident in incidents:
        events += [(fact.at, -1, incident.tenant, fact) for fact in incident.facts]
    events.sort(key=lambda one: (one[0], one[2], one[1]))
    if any(incident.name == "A tool becomes slower" for incident in incidents):
        _slow_down(events, next(one for one in incidents if one.name == "A tool becomes slower"))
    return Month(
        events=[(tenant, fact) for _, _, tenant, fact in events], incidents=incidents, days=days, tenants=names
    )


def _agents(tenant: str, chance: random.Random, people: int, days: int) -> Iterator[Agent]:
    for number in range(people):
        away = frozenset(chance.sample(range(days), k=max(1, days // 15)))  # days off, and one bank holiday for all
        # Some never refund or delete, some do it every week.
        never = frozenset(({"delete_customer"} if number else set()) | ({"refund_order"} if number % 2 else set()))
        yield Agent(
            tenant=tenant,
            who=f"{tenant[4]}{number}",
            client=("claude", "cursor", "chatgpt")[number % 3],
            begins=7 + chance.randrange(4),
            hours=8 + chance.randrange(2),
            pace=chance.lognormvariate(0, 0.4),
            never=never,
            works_late=chance.choice((0.0, 0.02, 0.08)),
            away=away | {days // 2},
        )
    yield Agent(tenant=tenant, who=f"{tenant[4]}m", client="nightly", is_machine=True)


class _Maker:
    """Makes events."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.number = 0
        self.sessions: dict[str, str] = {}

    def life(self, agent: Agent, days: int) -> Iterator[Fact]:
        for day in range(days):
            yield from self._machine(agent, day) if agent.is_machine else self._day(agent, day)

    def _day(self, agent: Agent, day: int) -> Iterator[Fact]:
        chance = self.chance
        is_weekend = day % 7 >= 5
        if day in agent.away or (is_weekend and chance.random() > 0.03):
            return
        begin = BEGIN + day * DAY
        self.sessions[agent.key] = f"{chance.getrandbits(64):x}"
        busy = agent.pace * (1 + 0.01 * day) * chance.lognormvariate(0, 0.35)
        hours = [agent.begins + one for one in range(agent.hours) if one != 4]  # lunch
        if chance.random() < agent.works_late:
            hours += [20, 21]
        for hour in hours:
            if is_weekend and chance.random() < 0.6:
                continue
            for _ in range(self._many(2.5 * busy)):
                at = begin + hour * HOUR + chance.randrange(HOUR - 120)
                yield from self.work(agent, at)
            if chance.random() < 0.01:  # a batch: the same again for many orders
                at = begin + hour * HOUR + chance.randrange(HOUR // 2)
                for _ in range(chance.randrange(8, 25)):
                    yield from self.call(agent, "get_order", at)
                    at += chance.randrange(2, 20)
            if chance.random() < 0.004:
                yield from self._limited(agent, begin + hour * HOUR + chance.randrange(HOUR // 2))
        if chance.random() < 0.5:
            yield from self.approvals(
                agent, begin + agent.begins * HOUR + chance.randrange(6 * HOUR), chance.randrange(1, 6)
            )
        if chance.random() < 0.05:  # a role is missing, and the model tries again
            at = begin + hours[0] * HOUR + chance.randrange(6 * HOUR)
            for _ in range(chance.randrange(1, 4)):
                yield self.refused(agent, "delete_customer", at, "policy_denied")
                at += chance.randrange(5, 60)

    def _machine(self, agent: Agent, day: int) -> Iterator[Fact]:
        for quarter in range(96):
            at = BEGIN + day * DAY + quarter * 900 + self.chance.randrange(30)
            for tool in CRON * (1 + (quarter == 20)):
                yield from self.call(agent, tool, at)
                at += 2

    def work(self, agent: Agent, at: int) -> Iterator[Fact]:
        tools = self.chance.choices([one for _, one in WORK], [often for often, _ in WORK])[0]
        for planned in tools:
            if planned in agent.never:
                return
            tool = planned
            if self.chance.random() < 0.06:
                tool = self.chance.choice(("search_orders", "get_order", "search_docs", "list_invoices"))
            if self.chance.random() < 0.004:
                yield self.refused(agent, tool, at, self.chance.choice(("invalid_arguments", "insufficient_scope")))
            yield from self.call(agent, tool, at)
            at += 2 + int(self.chance.expovariate(1 / 15))

    def call(
        self,
        agent: Agent,
        tool: str,
        at: int,
        *,
        times: float = 1,
        slower: float = 1,
        session: str = "",
        **more: object,
    ) -> Iterator[Fact]:
        chance = self.chance
        tool_class, took_ms, kilobytes = TOOLS[tool]
        local = 1 + 0.2 * math.sin((at % DAY) / DAY * 2 * math.pi)
        took = int(took_ms * 1000 * slower * local * chance.lognormvariate(0, 0.5))
        size = int(kilobytes * 1024 * times * chance.lognormvariate(0, 0.6))
        intent = None
        if tool_class != "read":
            intent = self._fact(agent, at, "intent", tool, session=session, **more)
            yield intent
        is_bad = chance.random() < 0.01
        fact = self._fact(agent, at, "outcome", tool, session=session, **more)
        fact.is_first = intent is None
        fact.status, fact.latency_us, fact.result_bytes = "tool_error" if is_bad else "ok", took, size
        fact.is_outside = tool in OUTSIDE
        # Screening is wrong sometimes: a customer who writes about prompts.
        fact.is_hostile = fact.is_hostile or (tool in OUTSIDE and chance.random() < 0.0002)
        yield fact

    def refused(self, agent: Agent, tool: str, at: int, reason: str, *, why: str = "") -> Fact:
        fact = self._fact(agent, at, "refused", tool)
        fact.reason, fact.is_refused, fact.why = reason, True, why
        return fact

    def _limited(self, agent: Agent, at: int) -> Iterator[Fact]:
        for _ in range(self.chance.randrange(2, 15)):
            yield self.refused(agent, "search_orders", at, "rate_limited")
            at += self.chance.randrange(2, 30)

    def approvals(self, agent: Agent, at: int, many: int, *, took: Callable[[], int] | None = None) -> Iterator[Fact]:
        for _ in range(many):
            self.number += 1
            name = f"apr_{self.number}"
            yield self._person(agent, at, "shown", name)
            at += took() if took else max(1, int(self.chance.lognormvariate(2.7, 0.8)))
            yield self._person(agent, at, "approved" if self.chance.random() > 0.04 else "denied", name)
            at += self.chance.randrange(2, 200)

    def _person(self, agent: Agent, at: int, action: str, name: str) -> Fact:
        fact = self._fact(agent, at, "", "")
        fact.kind, fact.approval = f"person:approval:{action}", name
        return fact

    def _fact(self, agent: Agent, at: int, phase: str, tool: str, *, session: str = "", **more: object) -> Fact:
        self.number += 1
        fact = Fact(
            id=f"{at * 1_000_000:014x}{self.number:012x}",
            at=at,
            kind=f"call:tool:{phase}" if phase else "",
            who=agent.who,
            client=agent.client,
            authorization=f"aut_{agent.key}",
            resource="https://mcp.example/mcp",
            tool=tool,
            tool_class=TOOLS[tool][0] if tool in TOOLS else "",
            phase=phase,
            session=session or self.sessions.get(agent.key, ""),
        )
        for name, value in more.items():
            setattr(fact, name, value)
        return fact

    def _many(self, mean: float) -> int:
        """Return a number by Poisson's chance."""
        limit, product, many = math.exp(-min(mean, 60)), self.chance.random(), 0
        while product > limit:
            many += 1
            product *= self.chance.random()
        return many


def _slow_down(events: list[tuple[int, int, str, Fact]], incident: Incident) -> None:
    for at, _, tenant, fact in events:
        if tenant == incident.tenant and fact.tool == "search_docs" and at >= incident.begin and fact.latency_us:
            # Two times and a half within three days, and it stays so.
            part = min(1.0, (at - incident.begin) / (3 * DAY))
            fact.latency_us = int(fact.latency_us * (1 + 1.5 * part))


def _plant(chance: random.Random, maker: _Maker, agents: list[Agent], days: int) -> list[Incident]:
    """Twelve, each for an agent of its own, in the last ten days, on working days."""
    people = [one for one in agents if not one.is_machine]
    chance.shuffle(people)
    # Whoever deletes is needed for the chain.
    people.sort(key=lambda one: "delete_customer" in one.never)
    maker.sessions.clear()
    workdays = [day for day in range(days - 10, days - 1) if day % 7 < 5]
    found: list[Incident] = []

    def plan(  # noqa: PLR0917 - a table of incidents reads like one
        name: str, says: str, agent: Agent, kinds: set[Kind], hour: float, lasts_h: float, day: int | None = None
    ) -> Incident:
        free = [one for one in workdays if one not in agent.away]
        begin = BEGIN + (chance.choice(free) if day is None else day) * DAY + int(hour * HOUR)
        incident = Incident(name, says, agent.tenant, agent.key, begin, begin + int(lasts_h * HOUR), frozenset(kinds))
        found.append(incident)
        return incident

    a = people.pop()
    one = plan(
        "Exfiltration by large answers",
        "12 exports of 30 times the usual size in 20 minutes",
        a,
        {Kind.SIZE, Kind.VOLUME},
        a.begins + 2,
        1,
    )
    for number in range(12):
        one.facts += maker.call(a, "export_report", one.begin + number * 100, times=30)

    a = people.pop()
    one = plan(
        "A slow drip",
        "get_customer every 75 seconds from 8 to 20 o'clock, never fast",
        a,
        {Kind.VOLUME, Kind.SIZE, Kind.OFF_HOURS},
        8,
        12,
    )
    for number in range(12 * 48):
        one.facts += maker.call(a, "get_customer", one.begin + number * 75 + chance.randrange(20))

    a = people.pop()
    saturday = next(day for day in range(days - 9, days) if day % 7 == 5)
    one = plan("Use at night", "24 ordinary calls at 3 o'clock on a Saturday", a, {Kind.OFF_HOURS}, 3, 1, saturday)
    for number in range(8):
        one.facts += [
            fact
            for tool in ("search_orders", "get_order", "get_customer")
            for fact in maker.call(a, tool, one.begin + number * 200)
        ]

    a = people.pop()
    one = plan(
        "An injection, and a write",
        "a ticket that reads like orders, an e-mail 40 seconds later",
        a,
        {Kind.INJECTION},
        a.begins + 3,
        0.5,
    )
    one.facts += [
        *maker.call(a, "read_ticket", one.begin, is_hostile=True),
        *maker.call(a, "send_email", one.begin + 40),
    ]

    a = people.pop()
    one = plan("Probing what is allowed", "15 refusals in two minutes", a, {Kind.DENIALS}, a.begins + 1, 0.5)
    one.facts += [
        maker.refused(
            a,
            chance.choice(("delete_customer", "")),
            one.begin + number * 8,
            chance.choice(("policy_denied", "tool_unknown")),
        )
        for number in range(15)
    ]

    a = people.pop()
    one = plan(
        "Probing another organisation",
        "3 tokens of this organisation at a server of another",
        a,
        {Kind.CROSS_TENANT},
        a.begins + 5,
        0.5,
    )
    one.facts += [maker.refused(a, "", one.begin + number * 30, "invalid_token", why="tenant") for number in range(3)]

    a = people.pop()
    one = plan(
        "Approvals without a look",
        "70 yeses, each within a second of the page",
        a,
        {Kind.RUBBER_STAMP},
        a.begins + 2,
        3,
    )
    one.key = a.who
    # A person who never says no, either.
    one.facts += [
        fact for fact in maker.approvals(a, one.begin, 70, took=lambda: 1) if fact.kind != "person:approval:denied"
    ]

    a = people.pop()
    one = plan(
        "A tool becomes slower",
        "search_docs takes 2.5 times as long within three days",
        a,
        {Kind.LATENCY},
        0,
        24 * 30,
        next(day for day in workdays if day % 7 == 0),
    )
    one.key = "https://mcp.example/mcp search_docs"

    a = people.pop()
    one = plan(
        "The first deletion",
        "somebody who never did deletes 2 customers",
        a,
        {Kind.FIRST_USE, Kind.CHAIN},
        a.begins + 6,
        0.5,
    )
    one.facts += [fact for number in range(2) for fact in maker.call(a, "delete_customer", one.begin + number * 50)]

    a = people.pop()
    one = plan(
        "An unusual chain",
        "a ticket is read, an e-mail sent, a customer deleted, by somebody who does each of these",
        a,
        {Kind.CHAIN},
        a.begins + 4,
        0.5,
    )
    at = one.begin
    for tool in ("read_ticket", "send_email", "delete_customer"):
        one.facts += maker.call(a, tool, at)
        at += 40

    a = people.pop()
    one = plan("Hammering at a limit", "150 refusals by limits in 10 minutes", a, {Kind.LIMITS}, a.begins + 2, 0.5)
    one.facts += [maker.refused(a, "search_orders", one.begin + number * 4, "rate_limited") for number in range(150)]

    a = people.pop()
    one = plan(
        "A stolen token in use",
        "a second session reads for 20 minutes while its owner works",
        a,
        {Kind.PARALLEL, Kind.VOLUME},
        a.begins + 3,
        1,
    )
    mine, theirs = f"{chance.getrandbits(64):x}", f"{chance.getrandbits(64):x}"
    for number in range(40):
        tool = "get_customer" if number % 2 else "get_order"
        one.facts += maker.call(a, tool, one.begin + number * 30, session=theirs if number % 2 else mine)
    return found
