"""
The admin API under Schemathesis: what its own OpenAPI promises holds for whatever is made from that OpenAPI.

In process, from a fixed seed, a few cases for each operation; `ADMIN_FUZZ=200` makes that many (`make conformance` does).
"""

import asyncio
import collections
import contextlib
import os

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from authserver.web.admin.demands import DEMANDS
from tests.support.admin_examples import EXAMPLES
from tests.support.administered import administered

pytestmark = [
    pytest.mark.one_database,
    pytest.mark.settings(admin_requests_per_minute=1_000_000, access_token_seconds=86_400),
    pytest.mark.filterwarnings("ignore"),
]

CASES = int(os.environ.get("ADMIN_FUZZ", "2"))
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


async def operations(admin):
    """Every operation that the document of a running server describes."""
    document = (await admin.call("GET", "/openapi.json", "a1")).json()
    assert "3.1.0" == document["openapi"]
    schema = schemathesis.openapi.from_dict(document)
    found = [result.ok() for result in schema.get_all_operations()]
    assert set(DEMANDS) == {(one.method.upper(), one.path) for one in found}
    return found


async def tried(admin, operation, *, mode, judges, cases, fixed=None):
    """Send what Schemathesis makes of one operation; Hypothesis runs in a thread, the server here."""
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=cases,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, **(fixed or {})))
    def attempt(case):
        for token, judge in judges:
            judge(case, asyncio.run_coroutine_threadsafe(sent(admin, case, token), loop).result())

    with contextlib.suppress(Unsatisfiable):  # of some operations nothing wrong can be made
        await asyncio.to_thread(attempt)


async def sent(admin, case, token):
    """Send one case as Schemathesis would."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=admin.base)).prepare()
    headers = {
        name: value
        for name, value in prepared.headers.items()
        if name.lower() not in {"authorization", "content-length"}
    }
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return await admin.server.http.request(prepared.method, prepared.url, headers=headers, content=prepared.body or b"")


@pytest.mark.requirement("admin:openapi:nobody-gets-401-alone")
@pytest.mark.requirement("admin:openapi:holds-for-an-administrator")
async def test_whatever_is_sent_is_answered_as_described_and_nobody_is_told_anything(server):
    """AD-01: no 5xx, no status, body or media type that the document does not name; as nobody the one 401."""
    admin = await administered(server)
    token = await admin.token("a1")
    seen, wrong = collections.Counter(), []

    def judged_as(who):
        def judge(case, response):
            seen[who, response.status_code] += 1
            try:
                case.validate_response(response, checks=CHECKS)
            except BaseExceptionGroup as failed:
                wrong.append((who, case.method, case.path, str(failed.exceptions[0])[:300], response.text[:300]))
            if who == "nobody" and response.status_code != 401:
                wrong.append((who, case.method, case.path, response.text[:300]))

        return judge

    for operation in await operations(admin):
        key = (operation.method.upper(), operation.path)
        # Whatever the document permits; then, where the path names something, things that are there.
        everybody = [(None, judged_as("nobody")), (token, judged_as("a1"))]
        await tried(admin, operation, mode=GenerationMode.POSITIVE, judges=everybody, cases=CASES // 2)
        fixed = {"path_parameters": await EXAMPLES[key].make(admin)} if "{" in operation.path else {}
        if key[0] in {"PATCH", "PUT", "DELETE"}:
            fixed["headers"] = {"If-Match": "*"}
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            await tried(admin, operation, mode=mode, judges=everybody[1:], fixed=fixed, cases=CASES)

    assert [] == wrong
    assert len(DEMANDS) <= seen["nobody", 401] == sum(count for (who, _), count in seen.items() if who == "nobody")
    assert seen["a1", 200] + seen["a1", 201] + seen["a1", 204] > 20, seen
    assert 200 == (await admin.call("GET", "/me", token=token)).status_code
