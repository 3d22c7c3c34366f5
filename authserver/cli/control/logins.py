"""
What an operator holds for a remote server: a file of their own for each, that nobody else can read.

In `$XDG_STATE_HOME/authserver/logins/`, or `~/.local/state/…`. A file that others could read is not used.
"""

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path

from authserver.cli.control.port import RefusedError
from authserver.cli.private import write_private


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """One server's login. Its tokens are not shown when this is."""

    server: str
    client_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: int
    """When the access token ends, in seconds since the epoch."""


def place_of(server: str) -> Path:
    """Return the file of a server's login."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # XDG Base Directory: a relative path is to be ignored.
    base = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "authserver" / "logins" / f"{hashlib.sha256(server.encode()).hexdigest()[:24]}.json"


def load(server: str) -> Login | None:
    """Return the login of a server; None: there is none. Raises RefusedError for a file that others can read."""
    place = place_of(server)
    try:
        with place.open("r", encoding="utf-8") as file:
            # Of the open file, not of a name that may lead elsewhere by now.
            found = os.fstat(file.fileno())
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or found.st_uid != os.geteuid():
                raise RefusedError(
                    f"{place} can be read by others, so what is in it may be known: `authserver logout --server {server}`, then "
                    "log in anew."
                )
            said = json.load(file)
        return Login(**{name: kind(said[name]) for name, kind in _FIELDS.items()}) if said["server"] == server else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise RefusedError(f"{place} cannot be read: `authserver login --server {server}` writes it anew.") from None


_FIELDS = {"server": str, "client_id": str, "access_token": str, "refresh_token": str, "expires_at": int}


def keep(login: Login) -> Path:
    """Write a login down for its owner alone, whole or not at all."""
    place = place_of(login.server)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.parent.chmod(0o700)
        write_private(place, json.dumps(asdict(login)) + "\n")
    except OSError as error:
        raise RefusedError(
            f"{place} cannot be written: {error.strerror}. $XDG_STATE_HOME names another folder."
        ) from None
    return place


def forget(server: str) -> bool:
    """Remove a login; False: there was none."""
    try:
        place_of(server).unlink()
    except FileNotFoundError:
        return False
    return True
