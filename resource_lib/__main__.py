"""
Commands for authors of MCP servers: `python -m resource_lib COMMAND`. What each says can be read by a program with `--json`.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Final

Command = Callable[[list[str]], int]
"""Takes the words after its name, returns the exit code."""


def _lint() -> Command:
    from resource_lib.lint.command import main as command  # noqa: PLC0415 - loaded by whoever asks for it

    return command


def _inventory() -> Command:
    from resource_lib.inventory.command import main as command  # noqa: PLC0415 - loaded by whoever asks for it

    return command


def _probe() -> Command:
    from resource_lib.probing import main as command  # noqa: PLC0415 - loaded by whoever asks for it

    return command


def _record() -> Command:
    from resource_lib.audit.command import main as command  # noqa: PLC0415 - loaded by whoever asks for it

    return command


COMMANDS: Final[dict[str, tuple[str, Callable[[], Command]]]] = {
    "inventory": ("compares the tools of a server with the lock file beside its code", _inventory),
    "lint": ("names what to mend in the tools of a server", _lint),
    "record": ("shows what a guard has recorded of its calls: show, tail, export", _record),
    "probe": ("makes forbidden requests at a server, each of which must be refused", _probe),
}
"""By name: what it does in one line, and how to load it; nothing is imported for a command that nobody asked for."""


def main(words: list[str] | None = None) -> int:
    """Run one command. Returns its exit code; 2 for a command that nobody knows."""
    parser = argparse.ArgumentParser(
        prog="python -m resource_lib",
        description="Commands for authors of MCP servers.",
        epilog="\n".join(f"  {name:<12} {said}" for name, (said, _) in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=sorted(COMMANDS), metavar="COMMAND", help="one of those below")
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    if not (sys.argv[1:] if words is None else words):
        parser.print_help(sys.stderr)
        return 2
    asked = parser.parse_args(words)
    return COMMANDS[asked.command][1]()(asked.words)


if __name__ == "__main__":
    sys.exit(main())
