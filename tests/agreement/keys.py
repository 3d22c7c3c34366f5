"""A machine client of the demo that holds a key of its own, as an operator registers it."""

import json
from typing import Any

from joserfc.jwk import ECKey, OKPKey

from tests.agreement.demo_process import Demo


def key_pair(algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a new key as a private and as a public JWK."""
    if algorithm == "EdDSA":
        key: Any = OKPKey.generate_key("Ed25519")
    else:
        key = ECKey.generate_key("P-256")
    about = {"alg": algorithm, "use": "sig", "kid": key.thumbprint()}
    return key.as_dict(private=True) | about, key.as_dict(private=False) | about


def registered(demo: Demo, algorithm: str, *, scope: str) -> dict[str, Any]:
    """Register the client in acme; returns its `client_id` and `private_jwk`, which never left our side."""
    private, public = key_pair(algorithm)
    path = demo.folder / f"{public['kid']}.json"
    path.write_text(json.dumps({"keys": [public]}))
    made = demo.told(
        *("client", "add", "--tenant", "acme", "--name", f"Machine with {algorithm}"),
        *("--auth", "private_key_jwt", "--jwks", str(path), "--grant", "client_credentials"),
        *("--scope", scope, "--resource", demo.facts["resource"]),
    )
    return {"client_id": made["client_id"], "private_jwk": private}
