"""
A storm of refreshes: many families at once, some answers asked for twice, some tokens that should be long forgotten.

Whoever sends an old token late looks like a thief, so that family ends; a duplicate inside the window is a client whose
answer was lost, and gets the same one again.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from authserver.domain.consent import consent
from authserver.domain.tokens import authorization, refresh_token
from authserver.runtime.identifiers import new_id, secret_hash
from authserver.runtime.machines import Machines
from authserver.runtime.schema import statement
from tests.support.oauth_client import OAuthClient, TokenAnswer
from tests.support.workers import Workers
from tests.support.world import R1

_AGE = statement(
    "UPDATE refresh_tokens SET used_at = used_at - 7200 WHERE tenant_id = :tenant AND token_hash = :token_hash"
)
_LIVE = statement(
    """
    SELECT a.authorization_id, COUNT(r.token_hash) AS live FROM authorizations a
        LEFT JOIN refresh_tokens r ON r.tenant_id = :tenant AND r.authorization_id = a.authorization_id
            AND r.used_at IS NULL AND a.ended_at IS NULL
    WHERE a.tenant_id = :tenant GROUP BY a.authorization_id
    """
)


@dataclass
class Family:
    """One authorization, as its client knows it."""

    authorization_id: str
    token: str
    access_token: str = ""
    old: str | None = None
    """A token that was used longer ago than any window."""
    answers: list[TokenAnswer] = field(default_factory=list)

    @property
    def was_robbed(self) -> bool:
        """Whether the old token came back."""
        return self.old is not None


async def families(deployment: Workers, app: OAuthClient, count: int, *, robbed: int = 0) -> list[Family]:
    """Begin `count` authorizations of u1, the first `robbed` of them with a token that was used long ago."""
    async with deployment.machines() as machines:
        made = await _begin(machines, deployment, app, count)
        for family in made[:robbed]:
            family.old = family.token
            family.token = (await app.refresh(family.token)).refresh_token
        work = machines.work(tenant=deployment.world.tenants["t1"])
        for family in made[:robbed]:
            work.write(_AGE, token_hash=secret_hash(family.old or ""))
        assert await work.commit()
    return made


async def _begin(machines: Machines, deployment: Workers, app: OAuthClient, count: int) -> list[Family]:
    sub, scope = deployment.world.people["u1"].subs["t1"], ("orders:read",)
    under = {"sub": sub, "client_id": app.app.client_id, "resource": R1}
    work = machines.work(tenant=deployment.world.tenants["t1"])
    consent.allow(work, **under, scope=frozenset(scope), shown="")
    made = []
    for _ in range(count):
        begun = authorization.start(
            work, authorization_id=new_id("az"), issuer_path="", **under, scope=scope, acr="pwd",
            amr=("pwd",), auth_time=work.now, profile=authorization.Profile.INTERACTIVE,
        )  # fmt: skip
        made.append(Family(authorization_id=begun.id, token=refresh_token.first(work, begun)))
    assert await work.commit()
    return made


async def live_successors(deployment: Workers) -> Counter[str]:
    """Return how many refresh tokens could still be used, by authorization, as the rows say."""
    async with deployment.machines() as machines:
        rows = await machines.work(tenant=deployment.world.tenants["t1"]).all(_LIVE)
    return Counter({row["authorization_id"]: row["live"] for row in rows})


async def blow(app: OAuthClient, made: list[Family], *, refreshes: int, seed: int = 20261121) -> None:
    """Refresh every family `refreshes` times, all at once; every tenth request is a duplicate, robbed families get theirs."""
    chance = random.Random(seed)

    async def live(family: Family) -> None:
        moment = chance.randrange(refreshes)
        for turn in range(refreshes):
            # One in ten of all requests is sent twice.
            sent = [family.token] * (2 if chance.random() < 1 / 9 else 1)
            if family.old is not None and turn == moment:
                sent.append(family.old)
            chance.shuffle(sent)
            answers = await asyncio.gather(*(app.refresh(token) for token in sent))
            family.answers += answers
            successors = {answer.refresh_token for answer in answers if answer.ok}
            assert len(successors) <= 1, "two branches"
            if not successors:
                return
            family.token = successors.pop()

    await asyncio.gather(*(live(family) for family in made))


async def aftermath(deployment: Workers, app: OAuthClient, made: list[Family]) -> None:
    """Assert that each family has the one live successor it should have, or none, and that nothing broke."""
    statuses = Counter(answer.status for family in made for answer in family.answers)
    live = await live_successors(deployment)

    assert set(statuses) <= {200, 400}, statuses
    assert [] == [
        family.authorization_id for family in made if live[family.authorization_id] != (not family.was_robbed)
    ]
    assert {True} == {answer.ok for family in made if not family.was_robbed for answer in family.answers}
    assert {"invalid_grant"} == {answer.error for family in made for answer in family.answers if not answer.ok}
    ends = await asyncio.gather(*(app.refresh(family.token) for family in made))
    assert [not family.was_robbed for family in made] == [answer.ok for answer in ends]
