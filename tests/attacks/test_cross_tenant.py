"""
The attacker is a customer: everything of tenant t1 against everything of tenant t2.

Issue, "it must show" 3; controls C22, C23: nothing crosses, and nobody learns that the other exists.
"""

import itertools

import pytest

from tests.support.world import R1, R2, R5, R9

OURS, THEIRS = ("P", "N", "B", "S"), ("X",)


@pytest.mark.requirement("attack:tenant:client-cannot-reach-the-others-resource")
@pytest.mark.parametrize(
    ("letter", "resource"), [*itertools.product(OURS, (R9,)), *itertools.product(THEIRS, (R1, R2))]
)
async def test_a_client_gets_nothing_for_another_tenants_resource(server, letter, resource):
    """AZ-45, C22: before anybody logs in; the answer is that of a resource that does not exist."""
    refused = await server.client(letter).authorize("u5", resource=resource)
    unknown = await server.client(letter).authorize("u5", resource="https://nobody.example/mcp")

    assert "invalid_target" == refused.error
    assert unknown.one("error_description") == refused.one("error_description")


@pytest.mark.requirement("attack:tenant:person-cannot-enter-the-others-client")
@pytest.mark.parametrize(
    ("letter", "who"), [("P", "u9"), ("B", "u9"), ("X", "u1"), ("X", "u2"), ("W", "u1"), ("P", "u7")]
)
async def test_a_person_cannot_use_a_client_of_a_tenant_they_do_not_belong_to(server, letter, who):
    """C22: they are told that there is nothing for them; no code."""
    page = await server.client(letter).consent_page(who)

    assert 403 == page.status
    assert page.location is None


@pytest.mark.requirement("attack:tenant:person-cannot-enter-the-others-client")
@pytest.mark.parametrize("who", ["u9", "u5"])
async def test_a_resource_of_both_tenants_is_no_bridge_into_the_others_client(server, who):
    """C22: client P of t1, an MCP server of both: somebody of t2 gets nothing, somebody of both gets t1 alone."""
    app = server.client("P")
    page = await app.consent_page(who, resource=R5)
    if who == "u9":
        assert 403 == page.status
        return

    forced = await app.browser_of(who).submit(page.form("decision"), decision="allow", tenant="t2")
    tokens = await app.sign_in(who, resource=R5)

    assert "code=" not in (forced.location or "")
    assert server.world.tenants["t1"] == tokens.claims["tenant_id"]


@pytest.mark.requirement("attack:tenant:chosen-tenant-must-be-the-persons")
@pytest.mark.parametrize("tenant", ["t2", "t3", "nobody", "*", "", "T1", "ten_aaaaaaaaaaaaaaaa", "t1 t2"])
async def test_the_tenant_in_the_form_cannot_be_one_that_the_person_is_not_in(server, tenant):
    """Decision 22: u1 belongs to t1 alone, whatever the form says."""
    tenant = server.world.tenants["t2"] if tenant.startswith("ten_") else tenant

    answer = await server.client("G").authorize("u1", tenant=tenant)

    assert not answer.has_code or tenant == ""
    if answer.has_code:
        assert server.world.tenants["t1"] == (await server.client("G").redeem(answer)).claims["tenant_id"]


@pytest.mark.requirement("attack:tenant:chosen-tenant-must-be-the-persons")
async def test_a_person_of_two_tenants_gets_no_code_without_choosing(server):
    """Decision 22: nobody chooses for them, and two are not one."""
    app = server.client("G")

    undecided = await app.authorize("u5", tenant=None)
    both = await app.browser_of("u5").submit(
        (await app.consent_page("u5")).form("decision"), decision="allow", tenant=["t1", "t2"]
    )

    assert not undecided.has_code
    assert "code=" not in (both.location or "")


@pytest.mark.requirement("attack:tenant:tokens-stay-where-they-were-made")
async def test_what_a_shared_client_got_in_one_tenant_is_of_that_tenant_alone(server):
    """C22, C23: the tokens of one person in two tenants share neither subject nor tenant nor authorization."""
    app = server.client("G")
    one, two = await app.sign_in("u5", tenant="t1"), await app.sign_in("u5", tenant="t2")

    await server.operator.set_tenant("t2", is_active=False)

    for claim in ("sub", "tenant_id", "authorization_id"):
        assert one.claims[claim] != two.claims[claim]
    assert (await app.refresh(one)).ok
    assert "invalid_grant" == (await app.refresh(two)).error


@pytest.mark.requirement("attack:tenant:secret-that-names-another-tenant-is-nothing")
@pytest.mark.parametrize("kind", ["code", "refresh_token"])
async def test_renaming_the_tenant_inside_a_code_or_refresh_token_opens_nothing(server, kind):
    """TK-09 kin: the tenant in a secret only says where to look; in another tenant's rows there is nothing to find."""
    app = server.client("G")
    tokens, code = await app.sign_in("u5", tenant="t1"), await app.authorize("u5", tenant="t1")
    ours, theirs = (server.world.tenants[slug].removeprefix("ten_") for slug in ("t1", "t2"))
    original = code.code if kind == "code" else tokens.refresh_token
    renamed = original.replace(ours, theirs)
    assert renamed != original
    everywhere = [
        renamed,
        original.replace(ours, "*" * 16),
        original.replace(ours, "a" * 16),
        original.replace(ours, ""),
    ]

    answers = [await (app.redeem(one) if kind == "code" else app.refresh(one)) for one in everywhere]

    assert ["invalid_grant"] * 4 == [answer.error for answer in answers]
    assert (await (app.redeem(code) if kind == "code" else app.refresh(tokens))).ok


@pytest.mark.requirement("attack:tenant:strangers-write-no-record-of-another-tenant")
async def test_a_refusal_is_recorded_where_the_client_belongs(server):
    """AU-07, TN-15: t1's events never show what happened in t2, nor the other way round."""
    known = {slug: await server.operator.events(slug) for slug in ("t1", "t2")}
    await server.client("X").authorize("u9")
    await server.client("Y").client_credentials(scope="orders:admin", resource=R9)

    ours, theirs = [await server.operator.kinds(slug, besides=known[slug]) for slug in ("t1", "t2")]

    assert [] == ours
    assert {"client:code:issued", "client:token:refused"} <= set(theirs)


@pytest.mark.requirement("attack:tenant:rows-are-walled")
async def test_no_statement_of_one_tenant_reads_or_changes_a_row_of_another(server):
    """C22, TN-07, TN-08: the unit of work refuses another tenant's name, and finds nothing under its own."""
    from authserver.domain.clients import registry
    from authserver.domain.tokens import authorization
    from authserver.domain.users import user
    from authserver.runtime.unit_of_work import TenantBoundError

    tokens = await server.client("X").sign_in("u9")
    work = server.operator.work("t1")

    members = {member.sub for member in await user.members(work)}
    clients = {client.id for client in await registry.of_tenant(work)}
    stolen = await authorization.find(work, tokens.claims["authorization_id"])
    named = await user.member_by_sub(work, tokens.claims["sub"])

    assert server.world.people["u9"].subs["t2"] not in members
    assert server.client("X").app.client_id not in clients
    assert (None, None) == (stolen, named)
    with pytest.raises(TenantBoundError):
        work.bind(server.world.tenants["t2"])


@pytest.mark.requirement("attack:tenant:same-names-in-two-tenants")
async def test_two_tenants_may_use_the_same_names_and_addresses(server):
    """TN-13: and no refusal tells one of the other."""
    from authserver.domain.clients import registry
    from authserver.domain.users import user

    for slug in ("t1", "t2"):
        work = server.operator.work(slug)
        registry.add(
            work,
            name="Same",
            auth_method="none",
            grant_types=("authorization_code",),
            redirect_uris=("https://same.example/cb",),
        )
        assert await work.commit()
    work = server.operator.work("t2")
    user.add_member(work, person_id=server.world.people["u1"].person_id)

    assert await work.commit()


@pytest.mark.one_database
@pytest.mark.requirement("attack:tenant:issuer-paths-have-one-form")
@pytest.mark.parametrize(
    "path",
    ["/t/T3", "/t/t3/", "/t/t3%2f", "/t/..%2ft3", "/t/t3/..", "/t/t3;x", "/t//t3", "//t/t3", "/t/%743", "/t/t1", "/t/" + "a" * 300,
     "/t/t3%00", "/t/\uff543", "/T/t3"],
)  # fmt: skip
@pytest.mark.parametrize("endpoint", ["/authorize", "/token", "/jwks.json", "/login"])
async def test_a_tenants_path_has_one_canonical_form(server, path, endpoint):
    """TN-11: anything else is nowhere."""
    answer = await server.raw(path + endpoint, method="POST" if endpoint == "/token" else "GET")

    assert 404 == answer.status_code


@pytest.mark.requirement("attack:tenant:client-of-two-tenants-keeps-consents-apart")
async def test_consent_given_in_one_tenant_counts_in_no_other(server):
    """Design §2: consent is per tenant, person, client and resource."""
    app = server.client("G")
    await app.sign_in(
        "u5", tenant="t1", resource=R5, scope="orders:read orders:write tool:update_order", tools=["update_order"]
    )

    tokens = await app.sign_in(
        "u5", tenant="t2", resource=R5, scope="orders:read orders:write tool:update_order", tools=[]
    )

    assert {"orders:read", "orders:write"} == tokens.scope
