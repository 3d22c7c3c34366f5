"""A machine client of the demo that holds a key of its own, as an operator registers it."""

import json
from typing import Any

from joserfc.jwk import ECKey, OKPKey

from tests.agreement.demo_process import Demo


def registered(demo: Demo, algorithm: str) -> dict[str, Any]:
    """Register the client in acme; returns its `client_id` and `private_jwk`, which never left our side."""
    if algorithm == "EdDSA":
        key: Any = OKPKey.generate_key("Ed25519")
    else:
        key = ECKey.generate_key("P-256")
    about = {"alg": algorithm, "use": "sig", "kid": key.thumbprint()}
    path = demo.folder / f"{about['kid']}.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=False) | about]}))
    made = demo.told(
        *("client", "add", "--tenant", "acme", "--name", f"Machine with {algorithm}"),
        *("--auth", "private_key_jwt", "--jwks", str(path), "--grant", "client_credentials"),
        *("--scope", "orders:read", "--resource", demo.facts["resource"]),
    )
    return {"client_id": made["client_id"], "private_jwk": key.as_dict(private=True) | about}
