"""Each client of the catalogue that has a metadata document is known by it, with exactly what it says there."""

import json

import httpx2
import pytest

from tests.clients.catalogue import CLIENTS, DOCUMENTED
from tests.clients.replay import Replay
from tests.support import assertions
from tests.support.internet import Answer, Internet
from tests.support.world import R1

pytestmark = pytest.mark.one_database


async def published(internet: Internet, document: dict, key: dict | None):
    """Publish a document where its client_id says, and its keys where it says that they are."""
    url = httpx2.URL(document["client_id"])
    keys = httpx2.URL(document["jwks_uri"]).path if "jwks_uri" in document else None
    said = {url.path: json.dumps(document), keys: assertions.key_set(key) if key else None}
    return await internet.serve(lambda path, headers: Answer(body=said[path].encode()), name=url.host)


@pytest.mark.requirement("clients:matrix:known-by-document")
@pytest.mark.parametrize("name", DOCUMENTED)
async def test_it_is_known_by_its_document(server_with, tmp_path, name):
    """clients.md 6a, rule 4: nobody registered it; it logs in on any port, refreshes, and proves what its document says."""
    known = CLIENTS[name]
    key = assertions.new_key() if "jwks_uri" in known.document else None
    async with Internet().running() as internet:
        site = await published(internet, known.document, key)
        server = await server_with(outbound=internet.outbound(tmp_path))
        client = Replay.by_document(server, name, key=key)

        answer = await client.authorize()
        tokens = await client.redeem(answer)
        fresh = await client.refresh(tokens)

        assert answer.page.location.startswith(client.redirect_uri + "?")
        assert (R1, server.world.tenants["t1"]) == (tokens.claims["aud"], tokens.claims["tenant_id"])
        assert known.document["client_id"] == fresh.claims["client_id"]
        assert tokens.scope == fresh.scope
        assert 1 + (key is not None) == len(site.requests)


@pytest.mark.requirement("clients:habit:an-older-document")
async def test_chatgpt_as_its_older_document_described_it_proves_itself(server_with, tmp_path):
    """Altinity#118: one method, one algorithm, keys at its own address; without a proof there is no token."""
    known = CLIENTS["chatgpt"]
    document = {name: said for name, said in known.document.items() if name != "token_endpoint_auth_methods_supported"}
    document |= {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256"}
    key = assertions.new_key(kty="RSA", size=2048)
    async with Internet().running() as internet:
        await published(internet, document, key)
        server = await server_with(outbound=internet.outbound(tmp_path))
        client = Replay.by_document(server, "chatgpt", key=key)
        code = await client.authorize()

        bare = await client.app.redeem(code)
        tokens = await client.redeem(code)

        assert (401, "invalid_client") == (bare.status, bare.error)
        assert tokens.ok
