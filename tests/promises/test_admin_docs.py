"""docs/admin-api.md: what it says to type works as it stands."""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from authserver.domain.clients import registry
from authserver.domain.resources import listing
from authserver.domain.resources.administration import WORDS
from authserver.web.admin.demands import DEMANDS
from authserver.web.admin.examples import BODIES
from authserver.web.admin.routing import router
from tests.support.administered import administered
from tests.support.curl import Shell, lines_of
from tests.support.world import R1

PAGE = Path(__file__).resolve().parents[2] / "docs" / "admin-api.md"


@pytest.mark.requirement("admin:docs:commands-run-as-written")
async def test_every_command_of_the_page_gets_the_answer_that_the_page_says(server):
    """Ours: an example that does not work is worse than none."""
    admin = await administered(server)
    work = server.operator.work("t1")

    made = registry.add(
        work,
        name="Night watch",
        auth_method="client_secret_basic",
        grant_types=("client_credentials",),
        scope=tuple(WORDS),
        resources=(admin.base,),
        default_resource=admin.base,
    )
    assert await work.commit()
    await server.client("P").sign_in("u1")
    shell = Shell(
        http=server.http,
        variables={
            "ISSUER": server.issuer,
            "CLIENT_ID": made.client.id,
            "CLIENT_SECRET": made.secret,
            "AGENT": server.world.clients["P"].client_id,
            "SERVER": listing.id_of(R1),
        },
    )

    lines = lines_of(PAGE)
    typed = [(line, await shell.type(line)) for line in lines]

    assert [] == [(line, statuses) for line, statuses in typed if statuses and statuses[0] != statuses[1]]
    assert len([one for one in typed if one[1]]) > 15


@pytest.mark.one_database
@pytest.mark.requirement("admin:openapi:has-an-example-of-each-body")
async def test_every_body_has_an_example_that_its_own_form_takes(server):
    """Issue: OpenAPI 3.1 with examples; one that its own route refuses is worse than none."""
    admin = await administered(server)
    document = (await admin.call("GET", "/openapi.json", "a1")).json()
    bodies = {
        (method.upper(), path): operation["requestBody"]["content"]["application/json"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }
    forms = {
        (method, route.path): route.body_field
        for route in router.routes
        if isinstance(route, APIRoute) and route.body_field is not None
        for method in route.methods
    }

    assert "3.1.0" == document["openapi"]
    assert len(forms) == len(BODIES) == len([body for body in bodies.values() if "example" in body]) > 20
    assert {} == {
        key: errors for key, form in forms.items() if (errors := form.validate(bodies[key]["example"], {}, loc=())[1])
    }


@pytest.mark.one_database
@pytest.mark.requirement("admin:docs:commands-run-as-written")
def test_every_noun_has_its_scopes_and_every_scope_is_demanded_somewhere():
    """Ours: a scope that opens nothing promises something, and a page that names a path names one that is there."""
    demanded = {demand.scope for demand in DEMANDS.values()} - {""}

    assert set(WORDS) == demanded
