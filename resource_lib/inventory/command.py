"""
`python -m resource_lib inventory APP`: the tools of a server, and what is different from its lock file.

Ends with 0 when everything is as in the file, 1 with `--check` when something is not, 2 when nobody could compare.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from resource_lib.author_tools import NoToolsError, tools_named
from resource_lib.inventory.lock import Change, Locked, LockError, changes, locked, read_lock, text_of
from resource_lib.inventory.remote import tools_at
from resource_lib.policy.demand import Demand
from resource_lib.settings import SettingsError
from resource_lib.wire.tool_diff import visible

NOTHING_COMPARED: Final = 2


def main(words: list[str]) -> int:
    """Look, say what is different, write it where that was asked for, and return the exit code."""
    given = _arguments().parse_args(words)
    try:
        now = locked(*_tools(given.app, given.token_file))
        path = Path(given.lock) if given.lock else _beside(given.app)
        if not now:
            raise LockError(f"{given.app} lists no tools, so there is nothing to compare")
        before = read_lock(path) if path.exists() or not given.write else {}
        found = changes(before, now)
        if given.write:
            path.write_text(text_of(now), encoding="ascii")
    except (NoToolsError, SettingsError, LockError, OSError) as error:
        sys.stderr.write(f"inventory: {error}\n")
        return NOTHING_COMPARED
    if given.json:
        said = {
            "lock": str(path),
            "tools": [_row(one) for one in now.values()],
            "changes": [one.to_json() for one in found],
        }
        sys.stdout.write(json.dumps(said, indent=2) + "\n")
    else:
        _print(now, found, path, is_written=given.write)
    return 1 if given.check and found else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m resource_lib inventory",
        description="The tools of a server against the lock file beside its code: new, changed, renamed and removed ones, field by field.",
        epilog="Examples: python -m resource_lib inventory server:app --write; python -m resource_lib inventory server:app --check; "
        "python -m resource_lib inventory https://mcp.example.com/mcp --token-file token --lock server.tools.json --check",
    )
    parser.add_argument("app", help="module:attribute of a server or a guarded app, a JSON file of tools, a URL, or -")
    parser.add_argument("--lock", metavar="FILE", help="the lock file (default: MODULE.tools.json beside the module)")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument(
        "--write", action="store_true", help="write the lock file as things are now; read it before you commit it"
    )
    doing.add_argument("--check", action="store_true", help="end with 1 when anything is different, for a build")
    parser.add_argument("--token-file", metavar="FILE", help="of a URL: a file with the access token to ask with")
    parser.add_argument("--json", action="store_true", help="say it for a program")
    return parser


def _tools(app: str, token_file: str | None) -> tuple[list[dict[str, Any]], Mapping[str, Demand]]:
    if app.startswith(("https://", "http://")):
        return tools_at(app, token_file), {}
    if token_file is not None:
        raise LockError("--token-file is for a URL. Cure: leave it out")
    tools, server = tools_named(app)
    demands = getattr(getattr(server, "guard", server), "tools", None)
    named = demands if isinstance(demands, Mapping) else {}
    return tools, {name: one for name, one in named.items() if isinstance(one, Demand)}


def _beside(app: str) -> Path:
    """Return where the lock file of a module stands. Raises LockError where there is no module."""
    module, colon, _ = app.partition(":")
    found = find_spec(module) if colon and not app.startswith(("https:", "http:")) else None
    if found is None or found.origin is None:
        raise LockError("--lock: say which file, because there is no module that it could stand beside")
    return Path(found.origin).with_suffix(".tools.json")


def _row(one: Locked) -> dict[str, Any]:
    return {"name": one.name, "hash": one.hash, "class": one.tool_class, "scopes": list(one.scopes)}


def _print(now: Mapping[str, Locked], found: list[Change], path: Path, *, is_written: bool) -> None:
    for one in now.values():
        conduct = f"{one.tool_class}, scopes {' '.join(one.scopes) or 'none'}" if one.tool_class else "in no policy"
        sys.stdout.write(f"{one.hash[:12]}  {visible(one.name)}  {conduct}\n")
    sys.stdout.write("\n")
    for change in found:
        sys.stdout.write("\n".join(change.lines()) + "\n\n")
    counted = f"{len(found)} of {len({*now, *(one.tool for one in found)})} tools are not as in {path}"
    if is_written:
        sys.stdout.write(f"{path}: written. Read it before you commit it.\n")
    else:
        sys.stdout.write(f"{counted}. Look at each; --write takes them as they are.\n" if found else f"As in {path}.\n")
