"""What a verdict says, and that a remembered one is the one that would be given again."""

import asyncio

import pytest

from resource_lib.identity.access_token import InvalidToken, Reason, Validator
from resource_lib.identity.principal import NoPrincipalError, Principal, calling_as, current_principal
from resource_lib.identity.verification_key import KeySet
from resource_lib.testing import TestIssuer

NOW = 1_800_000_000


class Keys:
    """The keys of an issuer as they are now, counted."""

    def __init__(self, issuer: TestIssuer) -> None:
        self.issuer = issuer
        self.set: KeySet = issuer.key_set
        self.finds = 0

    def reload(self) -> None:
        from resource_lib.identity.verification_key import import_key_set

        self.set = import_key_set(self.issuer.jwks, known=self.set)

    def held(self, kid):
        return self.set.held(kid)

    async def find(self, kid):
        self.finds += 1
        return self.set.held(kid)


@pytest.fixture
def issuer():
    return TestIssuer(clock=lambda: NOW)


async def reason(validator, token, now=NOW):
    with pytest.raises(InvalidToken) as caught:
        await validator.verify(token, now)
    return caught.value.reason


@pytest.mark.requirement("token:claims:become-a-principal")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
async def test_a_good_token_becomes_a_principal(algorithm):
    """RFC 9068 §2.2, §4."""
    issuer = TestIssuer(algorithm=algorithm, clock=lambda: NOW)
    token = issuer.token(tenant="ten_x", subject="usr_x", client_id="cli_x", scopes=["a", "tool:b"], roles=["support"])

    found = await issuer.validator().verify(token)

    assert ("ten_x", "usr_x", "cli_x") == (found.tenant, found.subject, found.client_id)
    assert frozenset({"a", "tool:b"}) == found.scopes
    assert frozenset({"support"}) == found.roles
    assert (NOW, NOW + 600, NOW, ("pwd",)) == (found.issued_at, found.expires_at, found.auth_time, found.amr)
    assert found.claims["jti"] == found.token_id
    assert not found.is_service


@pytest.mark.requirement("token:claims:become-a-principal")
async def test_a_machine_client_speaks_for_itself(issuer):
    """The contract of the access token: `sub` is `client:<client_id>`, and there was no login."""
    found = await issuer.validator().verify(issuer.token(client_id="cli_m", roles=None))

    assert "client:cli_m" == found.subject
    assert found.is_service
    assert found.auth_time is None
    assert frozenset() == found.roles


@pytest.mark.requirement("token:claims:become-a-principal")
async def test_the_actor_of_a_delegated_token_is_known_and_cannot_be_changed(issuer):
    """RFC 8693 §4.1."""
    token = issuer.token(override={"act": {"sub": "agent", "act": {"sub": "inner"}}})

    found = await issuer.validator().verify(token)

    assert "agent" == found.actor["sub"]
    with pytest.raises(TypeError):
        found.actor["act"]["sub"] = "somebody"


@pytest.mark.requirement("token:claims:no-call-changes-another's")
async def test_what_one_call_does_to_the_claims_the_next_call_does_not_see(issuer):
    """Ours: a remembered principal is shared."""
    validator, token = issuer.validator(), issuer.token(roles=["support"])

    first = await validator.verify(token)
    first.claims["roles"].append("admin")
    second = await validator.verify(token)

    assert first is second
    assert ["support"] == second.claims["roles"]
    with pytest.raises(AttributeError):
        second.roles = frozenset({"admin"})


AUDIENCES = [
    ("https://mcp.test/mcp", "https://mcp.test/mcp", True),
    ("https://mcp.test/mcp", ["https://other.test", "https://mcp.test/mcp"], True),
    ("https://mcp.test/mcp", ["https://mcp.test/mcp"], True),
    ("https://mcp.test", "https://mcp.test/", True),
    ("https://mcp.test/", "https://mcp.test", True),
    ("https://mcp.test/", ["https://mcp.test"], True),
    ("https://mcp.test/mcp", "https://mcp.test/mcp/", False),
    ("https://mcp.test/mcp/", "https://mcp.test/mcp", False),
    ("https://mcp.test/mcp", "https://MCP.test/mcp", False),
    ("https://mcp.test/mcp", "https://mcp.test", False),
    ("https://mcp.test/mcp", "https://mcp.test/mcp2", False),
    ("https://mcp.test/mcp", "http://mcp.test/mcp", False),
    ("https://mcp.test/mcp", "https://mcp.test:443/mcp", False),
    ("https://mcp.test/mcp", ["https://other.test"], False),
    ("https://mcp.test/mcp", "https://other.test https://mcp.test/mcp", False),
]


@pytest.mark.requirement("token:audience:is-this-resource-byte-for-byte")
@pytest.mark.parametrize(("resource", "audience", "is_ours"), AUDIENCES)
async def test_the_audience_is_this_resource_byte_for_byte(issuer, resource, audience, is_ours):
    """RFC 8707 §2, RFC 9068 §4, MCP R8. Only the slash after a bare host may come or go (RFC 3986 §6.2.3)."""
    validator, token = issuer.validator(resource=resource), issuer.token(override={"aud": audience})

    if is_ours:
        assert isinstance(await validator.verify(token), Principal)
    else:
        assert Reason.AUDIENCE == await reason(validator, token)


@pytest.mark.requirement("token:audience:is-this-resource-byte-for-byte")
@pytest.mark.parametrize(
    "audience", [[], ["https://mcp.test/mcp", 7], ["https://mcp.test/mcp"] * 201, {}, 7, True, None]
)
async def test_an_audience_of_another_shape_is_refused(issuer, audience):
    """RFC 7519 §4.1.3: a string, or a list of strings."""
    found = await reason(issuer.validator(), issuer.token(override={"aud": audience}))

    assert (Reason.AUDIENCE if audience == [] else Reason.CLAIM) == found


@pytest.mark.requirement("token:tenant:must-be-linked")
async def test_a_tenant_that_is_not_linked_is_refused(issuer):
    """Decision 22, TN-05."""
    validator = issuer.validator(tenants={"ten_a"})

    assert "ten_a" == (await validator.verify(issuer.token(tenant="ten_a"))).tenant
    assert Reason.TENANT == await reason(validator, issuer.token(tenant="ten_b"))


@pytest.mark.requirement("token:dates:are-exact-within-the-leeway")
@pytest.mark.parametrize("remember", [0, 10])
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-5.001, Reason.NOT_YET),
        (-5, None),
        (0, None),
        (604.999, None),
        (605, Reason.EXPIRED),
        (10**9, Reason.EXPIRED),
    ],
)
async def test_a_verdict_is_as_exact_when_it_is_remembered(issuer, remember, after, expected):
    """RFC 9068 §4, RFC 8725 §3: `exp` and `iat` with five seconds of leeway, not one call longer for being cached."""
    validator = issuer.validator(remember=remember, remember_seconds=10**9)
    token = issuer.token(life=600)
    await validator.verify(token, NOW)

    if expected is None:
        assert NOW == (await validator.verify(token, NOW + after)).issued_at
    else:
        assert expected == await reason(validator, token, NOW + after)


@pytest.mark.requirement("token:dates:are-exact-within-the-leeway")
async def test_a_clock_set_back_does_not_make_a_remembered_token_early(issuer):
    """RFC 7519 §4.1.5: `nbf` holds for the cache too."""
    validator = issuer.validator()
    token = issuer.token(override={"nbf": NOW + 100})
    await validator.verify(token, NOW + 100)

    assert Reason.NOT_YET == await reason(validator, token, NOW + 90)


@pytest.mark.requirement("token:memory:ends-with-its-reasons")
async def test_a_remembered_verdict_ends_when_its_key_leaves_the_set(issuer):
    """JK-02, RS-04: a removed key ends everything that it signed."""
    keys = Keys(issuer)
    validator, token = issuer.validator(keys=keys), issuer.token()
    await validator.verify(token)
    old = issuer.kid
    issuer.rotate()
    keys.reload()
    await validator.verify(token)
    assert 0 == keys.finds

    issuer.remove(old)
    keys.reload()

    assert Reason.UNKNOWN_KEY == await reason(validator, token)
    assert 1 == keys.finds


@pytest.mark.requirement("token:memory:ends-with-its-reasons")
async def test_a_remembered_verdict_ends_when_its_kid_names_another_key(issuer):
    """RS-04: the same kid with other material is another key."""
    keys = Keys(issuer)
    validator, token = issuer.validator(keys=keys), issuer.token()
    await validator.verify(token)

    impostor = TestIssuer(clock=lambda: NOW)
    from resource_lib.identity.verification_key import import_key_set

    keys.set = import_key_set({"keys": [impostor.jwks["keys"][0] | {"kid": issuer.kid}]}, known=keys.set)

    assert Reason.SIGNATURE == await reason(validator, token)


@pytest.mark.requirement("token:memory:ends-with-its-reasons")
async def test_forgetting_ends_the_verdicts_it_names_and_no_others(issuer):
    """Decision 14: the hook for revocation."""
    verified = []

    class Counting(Keys):
        def held(self, kid):
            key = super().held(kid)
            verified.append(kid)
            return key

    keys = Counting(issuer)
    validator = issuer.validator(keys=keys)
    a, b = issuer.token(subject="usr_a"), issuer.token(subject="usr_b")
    first_a, first_b = await validator.verify(a), await validator.verify(b)

    assert 1 == validator.forget(lambda principal: principal.subject == "usr_a")

    assert first_a is not await validator.verify(a)
    assert first_b is await validator.verify(b)


@pytest.mark.requirement("token:memory:ends-with-its-reasons")
async def test_a_check_under_way_while_something_is_forgotten_is_not_remembered(issuer):
    """Ours: else a verdict from before the revocation would outlive it."""
    arrived, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Keys):
        def held(self, kid):
            return super().held(kid) if go_on.is_set() else None

        async def find(self, kid):
            arrived.set()
            await go_on.wait()
            return self.set.held(kid)

    validator, token = issuer.validator(keys=Slow(issuer)), issuer.token()
    under_way = asyncio.create_task(validator.verify(token))
    await arrived.wait()

    validator.forget(lambda principal: True)
    go_on.set()
    early = await under_way

    assert early is not await validator.verify(token)


@pytest.mark.requirement("token:memory:is-bounded")
async def test_the_memory_of_verdicts_is_bounded_and_the_oldest_gives_way(issuer):
    """Ours: a caller with many tokens cannot fill the memory, and those in use stay."""
    validator = issuer.validator(remember=3)
    tokens = [issuer.token() for _ in range(4)]
    first = await validator.verify(tokens[0])
    for token in tokens[1:3]:
        await validator.verify(token)
    assert first is await validator.verify(tokens[0])

    await validator.verify(tokens[3])

    assert 3 == len(validator._verdicts)
    assert first is await validator.verify(tokens[0])


@pytest.mark.requirement("token:memory:is-bounded")
async def test_refused_tokens_are_not_remembered(issuer):
    """Ours: junk fills nothing."""
    validator = issuer.validator()
    for number in range(50):
        header = issuer.header() | {"typ": "AT+jwt" if number % 2 else "at+JWT", "kid": f"{number}"}
        await reason(validator, issuer.forge(header=header))

    assert 0 == len(validator._verdicts) == len(validator._headers)


@pytest.mark.requirement("token:memory:keeps-no-token")
async def test_the_memory_holds_no_token(issuer):
    """Ours: what is remembered cannot be replayed by whoever reads the memory."""
    validator, token = issuer.validator(), issuer.token()

    await validator.verify(token)

    assert token.rpartition(".")[2] not in repr(vars(validator))
    assert token not in repr(validator._verdicts)


@pytest.mark.requirement("token:settings:refuse-what-is-unsafe")
@pytest.mark.parametrize("wrong", [{"leeway": -1}, {"leeway": 61}, {"max_life": 0}, {"max_life": 86_401}])
def test_a_setting_that_would_not_protect_stops_the_start(issuer, wrong):
    """RFC 8725 §3: skew in seconds, life in hours."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Validator(issuer=issuer.issuer, resource=issuer.resource, keys=issuer.key_set, **wrong)


@pytest.mark.requirement("principal:current:only-inside-a-call")
def test_nobody_is_calling_outside_a_call(issuer):
    """Ours: a tool that asks in the wrong place is told why."""
    with pytest.raises(NoPrincipalError, match="ResourceGuard"):
        current_principal()


@pytest.mark.requirement("principal:current:only-inside-a-call")
async def test_two_calls_at_once_each_see_their_own_caller(issuer):
    """Ours: a ContextVar, so tasks do not mix."""
    validator = issuer.validator()
    people = [await validator.verify(issuer.token(subject=f"usr_{n}")) for n in range(5)]

    async def call(principal):
        with calling_as(principal):
            await asyncio.sleep(0)
            return current_principal()

    assert people == await asyncio.gather(*map(call, people))
    with pytest.raises(NoPrincipalError):
        current_principal()
