"""Numbers as people read them: short where they are large, with their unit."""


def number(value: int) -> str:
    """Return a number as people read it: short where it is large."""
    for size_of, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**5, "k")):
        if value >= size_of:
            shown = value / (1000 if unit == "k" else size_of)
            return f"{_short(shown)} {unit}"
    return f"{value:,}"


def took(microseconds: int | None) -> str:
    """Return how long something took."""
    if microseconds is None:
        return "-"
    if microseconds < 1000:
        return f"{microseconds} µs" if microseconds else "0"
    for length, unit in ((3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1000, "ms")):
        if microseconds >= length:
            shown = microseconds / length
            return f"{_short(shown)} {unit}"
    raise AssertionError


def size(count: int) -> str:
    """Return how much data something is."""
    for length, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count >= length:
            return f"{_short(count / length)} {unit}"
    return f"{count} B"


def seconds(count: int) -> str:
    """Return how long something took that was measured in seconds."""
    return took(count * 1_000_000) if count else "a second"


def counted(value: int, what: str) -> str:
    """Return how many of something, in words."""
    return f"{number(value)} {what}{'' if value == 1 else 's'}"


def _short(shown: float) -> str:
    return f"{shown:.0f}" if shown >= 100 or shown == int(shown) else f"{shown:.1f}"
