"""`authserver client keygen`: a key pair for a client that proves itself by a signature."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from authserver.cli.operator import AsJson, fail, show

EXAMPLES = (
    "authserver client keygen robot",
    "authserver client add --tenant acme --name Robot --auth private_key_jwt --jwks robot.public.json --grant client_credentials",
)


def keygen(
    name: Annotated[str, typer.Argument(help="What both files are called, with a folder if you like.", metavar="NAME")],
    as_json: AsJson = False,
) -> None:
    """Make a key pair where the machine runs: NAME.pem stays there, NAME.public.json is what --jwks takes.

    ES256; the `kid` is the key's thumbprint (RFC 7638), so that old and new keys can overlap. Needs no server and no database.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from jwcrypto import jwk

    private, public = Path(f"{name}.pem"), Path(f"{name}.public.json")
    for file in (private, public):
        # `lexists`: a link that leads nowhere is in the way too.
        if os.path.lexists(file):
            fail(f"NAME: {file} exists and is not overwritten: say another name, or move it away.", code=2)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    kid = str(jwk.JWK.from_pyca(key).thumbprint())
    member = jwk.JWK.from_pyca(key.public_key()).export_public(as_dict=True) | {
        "kid": kid,
        "alg": "ES256",
        "use": "sig",
    }
    _write(private, pem, 0o600)
    try:
        _write(public, json.dumps({"keys": [member]}, indent=2) + "\n", 0o644)
    except SystemExit:
        private.unlink(missing_ok=True)
        raise
    show({"private": str(private), "public": str(public), "kid": kid, "alg": "ES256"}, as_json=as_json)


def _write(file: Path, text: str, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        fail(f"NAME: {file} cannot be written: {error.strerror}.", code=2)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
