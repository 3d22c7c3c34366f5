"""
The break-glass: while a local file is there, nothing is served, whoever says otherwise and whether or not anybody can be asked.

Whatever cannot be told counts as there: a folder that has gone or may not be read, a link that leads nowhere, a folder of that name.
What counts is the name itself, never where a link leads. Looked at four times a second.
"""

import logging
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from resource_lib.settings import SettingsError

VARIABLE: Final = "RESOURCE_GUARD_STOP_FILE"
EVERY_S: Final = 0.2
_OLD_S: Final = 0.4

log = logging.getLogger("resource_lib.revocation")


class StopFile:
    """Looks for one file. Raises SettingsError when its folder is not there: nobody could ever put it there."""

    __slots__ = ("_clock", "_is_there", "_looked_at", "path")

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = Path(path).absolute()
        self._clock = clock
        if not self.path.name or not self.path.parent.is_dir():
            raise SettingsError("stop_file", f"{self.path.parent} is no folder", "name a file in a folder that exists")
        self._is_there = False
        self.look()

    @property
    def is_there(self) -> bool:
        """Whether everything is stopped, as of less than half a second ago."""
        if self._clock() - self._looked_at > _OLD_S:
            self.look()
        return self._is_there

    def look(self) -> bool:
        """Look now, and tell the log when it came or went; return whether it is there."""
        was, self._is_there = self._is_there, self._found()
        self._looked_at = self._clock()
        if self._is_there and not was:
            log.critical("everything is stopped: %s is there", self.path, extra={"event": "stop_file.present"})
        elif was and not self._is_there:
            log.critical("calls are served again: %s is gone", self.path, extra={"event": "stop_file.gone"})
        return self._is_there

    @property
    def warnings(self) -> list[str]:
        """What an operator should know of it."""
        said = [f"stop_file: {self.path} is there, so everything is stopped"] if self.is_there else []
        try:
            mode = self.path.parent.stat().st_mode
        except OSError:
            return said
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            said.append(f"stop_file: everybody on this machine can make or remove {self.path}")
        return said

    def _found(self) -> bool:
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return not self._has_folder()
        except OSError:
            return True
        return True

    def _has_folder(self) -> bool:
        """Whether the folder is there and may be read, so that an absent file says something."""
        try:
            return stat.S_ISDIR(self.path.parent.stat().st_mode)
        except OSError:
            return False


def find(path: str | Path | None, environment: Mapping[str, str] | None = None) -> StopFile | None:
    """Return the file that was given, else the environment's, else None."""
    named = path if path is not None else (os.environ if environment is None else environment).get(VARIABLE)
    return StopFile(named) if named else None
