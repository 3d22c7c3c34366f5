"""
Disks that have no room, and disks that fail: real ones, for real processes.

`SmallDisk` is a file system of some megabytes in memory. `FailingDisk` lies between a process and its files (`LD_PRELOAD`): while it is told to, a sync
fails with EIO, and what was written since the last good one is gone for good, though the next sync says that all is well: that is what Linux
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
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define RANGES 4096
/* What was written since the last good sync, of each descriptor. A long range of writes is one. */
static struct { off_t from, to; } written[RANGES];
static int owner[RANGES], count;
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

static void note(int fd, off_t at, ssize_t n) {
    if (n <= 0 || !is_ours(fd)) return;
    pthread_mutex_lock(&turn);
    int i = 0;
    while (i < count && !(owner[i] == fd && written[i].to == at)) i++;
    if (i < count) written[i].to = at + n;
    else {
        if (count == RANGES) count = 0;
        owner[count] = fd; written[count].from = at; written[count].to = at + n; count++;
    }
    pthread_mutex_unlock(&turn);
}

static void forget(int fd) {
    int kept = 0;
    pthread_mutex_lock(&turn);
    for (int i = 0; i < count; i++)
        if (owner[i] != fd) { owner[kept] = owner[i]; written[kept] = written[i]; kept++; }
    count = kept;
    pthread_mutex_unlock(&turn);
}

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

static int lose(int fd) {
    char zeros[512] = {0}, link[64];
    if (!real_pwrite) real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    pthread_mutex_lock(&turn);
    for (int i = 0; i < count; i++) {
        if (owner[i] != fd) continue;
        for (off_t at = written[i].from; at < written[i].to; at += sizeof zeros) {
            size_t n = written[i].to - at < (off_t)sizeof zeros ? (size_t)(written[i].to - at) : sizeof zeros;
            /* Through a descriptor of its own: one that appends would write elsewhere. */
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            FILE *file = fopen(link, "r+");
            if (!file) break;
            real_pwrite(fileno(file), zeros, n, at);
            fclose(file);
        }
    }
    pthread_mutex_unlock(&turn);
    forget(fd);
    errno = EIO;
    return -1;
}

ssize_t write(int fd, const void *data, size_t n) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    ssize_t done = real(fd, data, n);
    if (done > 0 && fd > 2 && is_ours(fd)) note(fd, lseek(fd, 0, SEEK_CUR) - done, done);
    return done;
}

#define PWRITE(name) \
ssize_t name(int fd, const void *data, size_t n, off_t at) { \
    static ssize_t (*real)(int, const void *, size_t, off_t); \
    if (!real) real = dlsym(RTLD_NEXT, #name); \
    ssize_t done = real(fd, data, n, at); \
    note(fd, at, done); \
    return done; \
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
