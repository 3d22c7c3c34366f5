"""
Writes a bill of materials (CycloneDX 1.6) of a lock file: every package, its version, and the hashes it may have.

`python deploy/sbom.py requirements/runtime.txt build/sbom.json`. Licences are added for what is installed here.
"""

import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]*?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    """Return one component per pin of the lock file, in its order."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        pin = _PIN.match(line)
        if pin:
            name, version = pin["name"].lower(), pin["version"]
            purl = f"pkg:pypi/{name}@{version}"
            found.append(
                {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "hashes": []}
            )
            if pin["marker"]:
                found[-1]["properties"] = [{"name": "python:marker", "value": pin["marker"]}]
            if licence := _licence(name):
                found[-1]["licenses"] = [{"license": {"name": licence}}]
        elif digest := _HASH.search(line):
            found[-1]["hashes"].append({"alg": "SHA-256", "content": digest[1]})
    return found


def _licence(name: str) -> str | None:
    try:
        about = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    said = about.get("License-Expression") or about.get("License") or ""
    return said.splitlines()[0][:100] if said else None


def main(lock: Path, out: Path) -> None:
    """Write the bill."""
    # No time and no random serial number: the same lock gives the same bytes, so that a bill can be compared.
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "authserver", "name": "authserver"}},
        "components": components(lock.read_text(encoding="utf-8")),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    print(f"{out}: {len(bill['components'])} packages")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
