"""Canaries in arguments and answers of an approved, recorded call: not in the answer, in no log, in no byte at the issuer, on no disk."""

import asyncio
import logging

import pytest

from resource_lib import Output, Record
from tests.promises.test_personal_data_at_rest import everything_at_rest
from tests.support.answering import CANARIES, CUSTOMERS, JANE, mirrored
from tests.support.approvals import REFUND, Approver, refunding
from tests.support.approved import Shop
from tests.support.approved_at_server import AtServer
from tests.support.recorded import settled

ARGUMENTS = {"order": "o1", "amount": 100, "note": "for Quincy Xylophone, quincy@canary-post.example, PIN 482-913-77"}
ASKED = ("Xylophone", "canary-post", "482-913-77")


class Sells(Shop):
    """The shop, with an output schema and a log of its own on the stream."""

    @property
    def tools(self):
        return [{**tool, "outputSchema": CUSTOMERS} if tool["name"] == REFUND else tool for tool in super().tools]


def found_in(words, raw):
    return [word for word in words if word.lower().encode() in raw.lower()]


@pytest.mark.requirement("output:no-channel-leaks:at-the-issuer")
@pytest.mark.parametrize("looks", [True, False], ids=["looked-through", "as-it-is"])
async def test_a_canary_stands_in_no_row_no_log_and_no_file(looks, server, templates, tmp_path, caplog):
    """The approval, its outcome and the record of the call, at a real issuer: what is kept is clean, and sealed besides. Without `output` the same call leaks."""
    caplog.set_level(logging.DEBUG)
    shop = Sells(REFUND)
    shop.result = mirrored({"customers": [JANE]}, "For Jane Canary, jane@canary.example.")
    kept = {"output": Output(taint=None) if looks else None, "record": Record(spool=tmp_path)}
    it = AtServer(server, (await refunding(server)).access_token, shop=shop, settings=kept)

    first = await it.call(REFUND, ARGUMENTS)
    await Approver(server=server, who="u1").decide(first.error["approval_id"], yes=True)
    ran = await it.call(REFUND, ARGUMENTS)
    await it.landed()
    await settled(it)
    spooled = b"".join(path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file())
    await it.guard._record.sending.tell()
    rest = await asyncio.to_thread(everything_at_rest, server, templates)
    logged = "\n".join(record.getMessage() + str(vars(record)) for record in caplog.records if record.name != "tests")

    assert [ARGUMENTS] == [call["arguments"] for call in shop.ran]
    assert 1000 < len(spooled) and server.client("P").app.client_id.encode() in rest
    assert looks is ([] == found_in(CANARIES, ran.body))
    assert [] == found_in((*CANARIES, *ASKED), rest)
    assert [] == found_in((*CANARIES, *ASKED), spooled)
    assert [] == found_in((*CANARIES, *ASKED), logged.encode())
    assert "client:approval:done" in await server.operator.kinds()
    assert (0, 0) == tuple(it.guard.doctor().record[word] for word in ("waiting", "lost"))
    await it.guard.aclose()
