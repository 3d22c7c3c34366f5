"""
Makes what compose.yaml mounts: passwords, the wrapping key, and a certificate for two names of this machine.

`python deploy/make_secrets.py FOLDER`. What exists is kept, so that a second run never locks a database out. The folder is
closed to other users; the files in it are readable, because a container's user is another than yours.
"""

import secrets
import sys
from pathlib import Path

import trustme

from authserver.runtime.vault import LocalKeyEncryption

NAMES = ("auth.localhost", "orders.localhost")


def main(folder: Path) -> None:
    """Write what is missing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)

    def keep(name: str, text: str) -> str:
        path = folder / name
        if not path.exists():
            path.write_text(text, encoding="utf-8")
            path.chmod(0o444)
        return path.read_text(encoding="utf-8")

    def password(name: str) -> str:
        return keep(name, secrets.token_hex(32))

    password("postgres_password")
    urls = {
        role: f"postgresql://{role}:{password(f'{role}_password')}@postgres:5432/{role.removesuffix('_owner')}"
        for role in ("authserver", "authserver_owner", "orders", "orders_owner")
    }
    keep("orders_database_url", urls["orders"])
    keep("orders_database_owner_url", urls["orders_owner"])
    keep("orders_client_secret", "the secret that `authserver resource add` shows for this server goes here\n")
    keep("kek", LocalKeyEncryption.generate())
    in_memory = secrets.token_hex(32)
    keep(
        "valkey_conf",
        f'requirepass {in_memory}\nbind 0.0.0.0\nprotected-mode yes\nsave ""\nappendonly no\nmaxmemory 64mb\ndir /data\n',
    )
    in_memory = (folder / "valkey_conf").read_text(encoding="utf-8").split()[1]
    served = {
        "ISSUER": "https://auth.localhost:8443",
        "DATABASE_URL": urls["authserver"],
        "REDIS_URL": f"redis://:{in_memory}@valkey:6379/0",
        "KEK_FILE": "/run/secrets/kek",
        "HOST": "172.30.10.3",
        "PORT": "9000",
        "EXPOSURE": "trusted-proxy",
        "TRUSTED_PROXIES": "172.30.10.2/32",
    }
    keep("authserver_env", _lines(served))
    keep("authserver_migrate_env", _lines(served | {"DATABASE_OWNER_URL": urls["authserver_owner"]}))
    if not (folder / "tls_key").exists():
        authority = trustme.CA()
        certificate = authority.issue_cert(*NAMES)
        keep("tls_authority", authority.cert_pem.bytes().decode())
        keep("tls_certificate", "".join(blob.bytes().decode() for blob in certificate.cert_chain_pems))
        keep("tls_key", certificate.private_key_pem.bytes().decode())
    print(
        f"{folder}: {len(list(folder.iterdir()))} secrets; trust {folder / 'tls_authority'} in your browser for {NAMES[0]}"
    )


def _lines(settings: dict[str, str]) -> str:
    return "".join(f"AUTHSERVER_{name}={value}\n" for name, value in settings.items())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
