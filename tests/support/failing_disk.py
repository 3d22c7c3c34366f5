"""
Disks that have no room, and disks that fail: real ones, for real processes.

`SmallDisk` is a file system of some megabytes in memory. `FailingDisk` lies between a process and its files (`LD_PRELOAD`): while it is told to, a sync
fails with EIO, and what stood there before what was written since the last good one stands there again, though the next sync says that all is well: that is what Linux
does (https://wiki.postgresql.org/wiki/Fsync_Errors).
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.processes import private_folder

CAN_MOUNT = os.geteuid() == 0 and shutil.which("mount") is not None and shutil.which("umount") is not None
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define WRITES 8192
/* What stood where something was written since the last good sync of its descriptor, in the order of the writes. */
static struct { int fd; off_t at; size_t n; char *before; } written[WRITES];
static int count;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int is_ours(int fd) {
    char link[64], path[4096];
    const char *below = getenv("FAILING_BELOW");
    if (!below) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return strncmp(path, below, strlen(below)) == 0 && !strstr(path, "-shm");
}

static int fails(void) {
    const char *told = getenv("FAILING_WHILE");
    return told && access(told, F_OK) == 0;
}

static int again(int fd, int flags) {
    /* One that appends would write elsewhere, and one that writes may not read. Where neither holds, through itself: whoever closes any
       descriptor of a file gives up all POSIX locks that the process has on it, SQLite's. */
    int has = fcntl(fd, F_GETFL);
    if ((has & O_ACCMODE) == O_RDWR && !(has & O_APPEND)) return fd;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return open(link, flags | O_CLOEXEC);
}

static void note(int fd, off_t at, size_t n) {
    if (!is_ours(fd)) return;
    char *before = calloc(1, n);
    int file = before ? again(fd, O_RDONLY) : -1;
    if (file < 0 || pread(file, before, n, at) < 0) { free(before); before = NULL; }
    if (file >= 0 && file != fd) syscall(SYS_close, file);
    if (!before) return;
    pthread_mutex_lock(&turn);
    if (count < WRITES) {
        written[count].fd = fd; written[count].at = at; written[count].n = n; written[count].before = before; count++;
    } else free(before);
    pthread_mutex_unlock(&turn);
}

static void forget(int fd) {
    int kept = 0;
    pthread_mutex_lock(&turn);
    for (int i = 0; i < count; i++) {
        if (written[i].fd == fd) free(written[i].before);
        else written[kept++] = written[i];
    }
    count = kept;
    pthread_mutex_unlock(&turn);
}

static int lose(int fd) {
    int file = again(fd, O_WRONLY);
    pthread_mutex_lock(&turn);
    for (int i = count - 1; i >= 0 && file >= 0; i--)
        if (written[i].fd == fd && syscall(SYS_pwrite64, file, written[i].before, written[i].n, written[i].at) < 0) break;
    pthread_mutex_unlock(&turn);
    if (file >= 0 && file != fd) syscall(SYS_close, file);
    forget(fd);
    errno = EIO;
    return -1;
}

ssize_t write(int fd, const void *data, size_t n) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (fd > 2 && is_ours(fd)) {
        int flags = fcntl(fd, F_GETFL);
        note(fd, lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR), n);
    }
    return real(fd, data, n);
}

#define PWRITE(name) \
ssize_t name(int fd, const void *data, size_t n, off_t at) { \
    static ssize_t (*real)(int, const void *, size_t, off_t); \
    if (!real) real = dlsym(RTLD_NEXT, #name); \
    note(fd, at, n); \
    return real(fd, data, n, at); \
}
PWRITE(pwrite)
PWRITE(pwrite64)

#define SYNC(name) \
int name(int fd) { \
    static int (*real)(int); \
    if (!real) real = dlsym(RTLD_NEXT, #name); \
    if (fails() && is_ours(fd)) return lose(fd); \
    int done = real(fd); \
    if (done == 0) forget(fd); \
    return done; \
}
SYNC(fsync)
SYNC(fdatasync)

int close(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "close");
    forget(fd);
    return real(fd);
}
"""


class SmallDisk:
    """A file system with little room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room, not for a byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def make_room(self) -> None:
        """Let there be room again."""
        self._ballast.unlink()


@contextlib.contextmanager
def small_disk(size: str = "8m") -> Iterator[SmallDisk]:
    """Yield one; whoever runs PostgreSQL may use it too."""
    folder = private_folder("small-disk-")
    owner = folder.stat()
    options = f"size={size},uid={owner.st_uid},gid={owner.st_gid},mode=0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small-disk", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a process that is about to end may still have a file open.
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


class FailingDisk:
    """What lies between processes and their files below `folder`; `environment` is theirs."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._told = library.with_suffix(".told")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAILING_BELOW": str(folder),
            "FAILING_WHILE": str(self._told),
        }

    def fail(self) -> None:
        """Let every sync fail, and lose what it was for."""
        self._told.touch()

    def work(self) -> None:
        """Let it work again."""
        self._told.unlink()


@contextlib.contextmanager
def failing_disk(folder: Path) -> Iterator[FailingDisk]:
    """Yield one that works, for files below `folder`."""
    assert COMPILER is not None
    place = Path(tempfile.mkdtemp(prefix="failing-disk-"))
    place.chmod(0o755)
    source, library = place / "failing.c", place / "failing.so"
    source.write_text(_SOURCE, encoding="ascii")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-pthread"], check=True)
    try:
        yield FailingDisk(folder, library)
    finally:
        shutil.rmtree(place)
