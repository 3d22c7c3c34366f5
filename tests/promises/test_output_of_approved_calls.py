"""What the issuer keeps of an approved call, and tells again, is what left: no more than its caller may see."""

import asyncio
import json

import pytest

from resource_lib import Output
from tests.support.answering import CANARIES, CUSTOMERS, JANE, mirrored, result_of
from tests.support.approved import SCOPES, Approved, Shop

MAIL = "jane@canary.example"


class Sells(Shop):
    """The shop, with an output schema."""

    @property
    def tools(self):
        return [{**tool, "outputSchema": CUSTOMERS} if tool["name"] == "refund" else tool for tool in super().tools]


def leaked(said):
    return [one for one in (*CANARIES, MAIL) if one.lower() in json.dumps(said).lower()]


@pytest.mark.requirement("output:no-channel-leaks:approved-calls")
@pytest.mark.parametrize("streams", [False, True])
async def test_the_outcome_that_is_kept_is_what_left(streams):
    """It is cleaned before the issuer hears it: what a database never had, no dump of it shows."""
    shop = Sells()
    shop.streams = streams
    shop.result = {**mirrored({"customers": [JANE], "row": MAIL}, f"For Jane Canary, {MAIL}"), "_meta": {"who": MAIL}}
    approved = Approved(shop=shop, output=Output())

    answer = await approved.approved()
    await approved.landed()

    assert [] == leaked(answer.body.decode())
    assert [] == leaked(approved.issuer.rows[0].outcome)
    assert "***" == result_of(answer)["structuredContent"]["customers"][0]["name"]
    assert result_of(answer)["structuredContent"] == approved.issuer.rows[0].outcome["structuredContent"]


@pytest.mark.requirement("output:no-channel-leaks:approved-calls")
async def test_an_outcome_that_is_told_again_is_looked_through_again():
    """What was kept by an older guard, or by one without `output`, leaves by the rules of today."""
    shop = Sells()
    shop.result = mirrored({"customers": [JANE]})
    before = Approved(shop=shop)
    await before.call()
    before.issuer.approve(before.issuer.rows[-1])
    shop.gate = asyncio.Event()
    gone = before.begin()
    await shop.started.wait()
    gone.hang_up()
    gone.task.cancel()
    shop.gate.set()
    while before.guard._held.flow._flights:
        await asyncio.sleep(0)
    assert leaked(before.issuer.rows[0].outcome)

    after = Approved(issuer=before.issuer, shop=shop, output=Output())
    after.token = before.token
    told = await after.call()

    assert 1 == len(shop.ran)
    assert "***" == result_of(told)["structuredContent"]["customers"][0]["name"]
    assert [] == leaked(told.body.decode())


@pytest.mark.requirement("output:include-pii:shows-personal-data-and-no-secret")
async def test_a_person_says_yes_to_personal_data_by_name_and_the_server_never_sees_the_switch():
    """The arguments that are approved hold `include_pii`; those that run do not."""
    shop = Sells()
    shop.result = mirrored({"customers": [JANE]})
    approved = Approved(shop=shop, output=Output(), arguments="advertised")
    approved.token = approved.issuer.token(scopes=[*SCOPES, "pii:read"])

    answer = await approved.approved(arguments={"order": "o1", "amount": 100, "include_pii": True})

    assert {**JANE, "api_secret": "[secret]"} == result_of(answer)["structuredContent"]["customers"][0]
    assert {"order": "o1", "amount": 100} == shop.ran[0]["arguments"]
    assert True is approved.issuer.rows[0].asked["arguments"]["include_pii"]
