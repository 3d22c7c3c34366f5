"""
Files of one folder, by names that callers give.

    files = Root("/srv/handbook")
    files.read_text("chapters/refunds.md")

C30. A name is a few plain steps downwards, checked before the disk is asked; then each step is opened relative to the one before it and
follows no symbolic link, so that whoever swaps a folder for a link between check and use gains nothing (CWE-22, CWE-59, CWE-367).
Where the system cannot open that way (Windows), the real path is compared before and after.

It deliberately does not: follow links, open anything but plain files, or show names that begin with a dot.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal

from resource_lib.safe.errors import UnsafeError

MOST_CHARACTERS: Final = 256
MOST_STEPS: Final = 32
MOST_BYTES: Final = 10 * 1024 * 1024

Mode = Literal["r", "rb", "w", "wb", "x", "xb", "a", "ab"]
_FLAGS: Final = {
    "r": os.O_RDONLY,
    "w": os.O_WRONLY | os.O_CREAT,  # emptied once it is known to be a plain file
    "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
}
_WINDOWS_NAMES: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])\s*(?:\..*)?",
    re.IGNORECASE,
)
_FORBIDDEN: Final = frozenset('<>:"|?*\\')
_SHORT_NAME: Final = re.compile(r"~[0-9]")
_IS_RELATIVE_OPEN: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY")


class Root:
    """
    One folder; `directory` is the author's own word.

    `only` are the endings that files may have, in any letter case; None: any. `dotfiles` shows names that begin with a dot, such as
    `.git` and `.env`, too. Raises UnsafeError for a folder that is not there.
    """

    def __init__(self, directory: str | Path, *, only: Collection[str] | None = None, dotfiles: bool = False) -> None:
        self.path = Path(os.path.realpath(directory))
        if not self.path.is_dir():
            raise UnsafeError("The folder is not there.")
        self._only = None if only is None else tuple(ending.lower() for ending in only)
        self._dotfiles = dotfiles

    def resolve(self, name: str) -> Path:
        """Return where `name` leads, inside the folder at this moment. Raises UnsafeError.

        Whoever opens the path later opens what is there then: `open` leaves no such moment.
        """
        return self._real(self._steps(name))

    def open(self, name: str, mode: Mode = "rb", *, encoding: str = "utf-8") -> IO[Any]:
        """Return the plain file `name`, opened. Raises UnsafeError where it may not be, or is not there, or exists already (`x`)."""
        if mode.removesuffix("b") not in _FLAGS or mode.count("b") > 1:
            raise ValueError(f"{mode!r} is no mode")
        steps = self._steps(name)
        if self._only is not None and not steps[-1].lower().endswith(self._only):
            raise UnsafeError(f"Only files ending in {', '.join(sorted(self._only))} can be used.")
        flags = _FLAGS[mode.removesuffix("b")] | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        # A pipe would keep its opener waiting for somebody at the other end.
        flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
        try:
            descriptor = self._opened(steps, flags)
        except FileExistsError:
            raise UnsafeError("There is such a file already.") from None
        except FileNotFoundError:
            raise UnsafeError("There is no such file.") from None
        except OSError:
            raise UnsafeError("That is no file which can be used.") from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnsafeError("That is no file which can be used.")
            if mode.startswith("w"):
                os.ftruncate(descriptor, 0)
            return os.fdopen(descriptor, mode.replace("x", "w"), encoding=None if "b" in mode else encoding)
        except BaseException:
            os.close(descriptor)
            raise

    def read(self, name: str, *, most: int = MOST_BYTES) -> bytes:
        """Return what a file holds, at most so many bytes. Raises UnsafeError, for a larger one too."""
        with self.open(name) as file:
            held: bytes = file.read(most + 1)
        if len(held) > most:
            raise UnsafeError(f"The file is larger than {most} bytes.")
        return held

    def read_text(self, name: str, *, most: int = MOST_BYTES) -> str:
        """Return its text, which is UTF-8. Raises UnsafeError."""
        try:
            return self.read(name, most=most).decode("utf-8")
        except UnicodeDecodeError:
            raise UnsafeError("The file is no UTF-8 text.") from None

    def write(self, name: str, data: bytes | str, *, overwrite: bool = False) -> None:
        """Write a file whose folder is there. Without `overwrite` a file that is there stays, also under another letter case of a
        disk that does not tell them apart. Raises UnsafeError.
        """
        with self.open(name, "wb" if overwrite else "xb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)

    def _steps(self, name: object) -> list[str]:
        if not isinstance(name, str) or not name:
            raise UnsafeError("A path is a text, and not empty.")
        if len(name) > MOST_CHARACTERS:
            raise UnsafeError(f"A path has at most {MOST_CHARACTERS} characters.")
        steps = name.split("/")
        if len(steps) > MOST_STEPS:
            raise UnsafeError(f"A path has at most {MOST_STEPS} steps.")
        for step in steps:
            self._refuse(step)
        return steps

    def _refuse(self, step: str) -> None:
        # What looks like a step upwards or a separator once somebody has normalised it is one.
        folded = unicodedata.normalize("NFKC", step)
        if step in {"", ".", ".."} or folded in {"", ".", ".."} or "/" in folded or "\\" in folded:
            raise UnsafeError("A path is relative to its folder, without empty steps, `.` and `..`.")
        if any(
            sign in _FORBIDDEN or unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029"
            for sign in step + folded
        ):
            raise UnsafeError('A path holds no control characters, and none of < > : " | ? * \\.')
        ends = {step[-1], folded[-1]}
        if (
            not ends.isdisjoint(" .")
            or " " in (step[0], folded[0])
            or _WINDOWS_NAMES.fullmatch(folded.strip())
            or _SHORT_NAME.search(folded)
        ):
            raise UnsafeError("A path has no step that some system takes for a device or for another name.")
        if folded[0] == "~" or (folded[0] == "." and not self._dotfiles):
            raise UnsafeError("A path has no step that begins with a dot or with ~.")

    def _opened(self, steps: list[str], flags: int) -> int:
        if not _IS_RELATIVE_OPEN:
            return self._opened_by_path(steps, flags)
        with self._folder(steps[:-1]) as folder:
            return os.open(steps[-1], flags, 0o600, dir_fd=folder)

    @contextmanager
    def _folder(self, steps: list[str]) -> Iterator[int]:
        """Open one folder inside the other; none of them may be a link."""
        down = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        folder = os.open(self.path, down)
        try:
            for step in steps:
                inner = os.open(step, down, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    def _opened_by_path(self, steps: list[str], flags: int) -> int:
        path = self._real(steps)
        descriptor = os.open(path, flags, 0o600)
        if self._real(steps) != path or not os.path.samestat(os.fstat(descriptor), path.stat()):
            os.close(descriptor)
            raise UnsafeError("The file changed while it was opened.")
        return descriptor

    def _real(self, steps: list[str]) -> Path:
        path = Path(os.path.realpath(self.path.joinpath(*steps)))
        if path == self.path or self.path not in path.parents:
            raise UnsafeError("The path leads out of its folder.")
        return path
