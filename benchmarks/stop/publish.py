"""Figures as a person reads them, here and in docs/performance.md."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.published import put
from benchmarks.stop.deployment import KINDS


def quantiles(found: Sequence[float]) -> dict[str, float]:
    """Return p50, p90, p99 and the greatest of sorted seconds; empty where there are none."""
    if not found:
        return {}
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {name: found[min(len(found) - 1, int(share * len(found)))] for name, share in at.items()} | {
        "max": found[-1]
    }


def curve(found: Sequence[float]) -> str:
    """Return the quantiles in a line."""
    return "  ".join(f"{name} {_s(value)}" for name, value in quantiles(found).items())


def into(page: Path, said: dict) -> None:
    """Put the figures between their marks in a page."""
    put(page, "stop", text(said))


def text(said: dict) -> str:
    """Return the figures as Markdown."""
    about = said["machine"]
    where = f"{about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}"
    lines = [
        f"{said['at']}, {where}, load average {said['load_average']:.0f} with its own processes in it.",
        f"{said['guards']} guards, `max_staleness` {said['max_staleness_s']:g} s.",
        "",
    ]
    lines += _feed_up(said["stores"])
    lines += _faults(said["stores"])
    lines += _rest(said["stores"])
    return "\n".join(lines)


def _feed_up(stores: dict) -> list[str]:
    shown = {store: found["feed_up"] for store, found in stores.items() if "feed_up" in found}
    if not shown:
        return []
    lines = [
        "**Feed up: from before the commit of a stop to the refusal at a guard.**",
        "",
        "| what is stopped | database | observations | p50 | p90 | p99 | max |",
        "|---|---|---|---|---|---|---|",
    ]
    for store, found in shown.items():
        rows = [("all of them", found["curve"], found["seen"])]
        rows += [(kind, found["by_kind"][kind], found["seen"] // len(KINDS)) for kind in KINDS]
        if found["revived"]:
            rows.append(("revived: until it is served again", found["revived"], found["seen"] // len(KINDS)))
        for what, row, count in rows:
            lines.append(f"| {what} | {store} | {count:,} | " + " | ".join(_s(row[q]) for q in row) + " |")
    return [*lines, ""]


def _faults(stores: dict) -> list[str]:
    if not any(found["faults"] for found in stores.values()):
        return []
    lines = [
        "**Faults: how long after a stop was committed a write began at the latest, and how long after the fault's end all was served again.**",
        "",
        "| fault | database | stops x guards | latest write began after | served again p50 | max |",
        "|---|---|---|---|---|---|",
    ]
    for store, found in stores.items():
        for name, one in found["faults"].items():
            again = one["recovered"]
            latest = "before the commit" if one["latest_write_s"] < 0 else _s(one["latest_write_s"])
            lines.append(
                f"| {name} | {store} | {one['seen']:,} | {latest} | {_s(again.get('p50'))} | {_s(again.get('max'))} |"
            )
    return [*lines, ""]


def _rest(stores: dict) -> list[str]:
    lines = []
    for store, found in stores.items():
        if "at_once" in found:
            one = found["at_once"]
            lines.append(
                f"- {store}: {one['many']:,} live authorizations of one tenant: what it would end counted in "
                f"{_s(one['counted_s'])}, committed in {_s(one['commit_s'])}, refused by the last guard after "
                f"{_s(one['refused_s'])}; live afterwards: {one['live_after']:,}."
            )
        if "busy" in found:
            one = found["busy"]
            lines.append(
                f"- {store}: the server at {one['server_percent']:.0f} % of a core under {one['connections']} connections "
                f"({one['per_second']:,.0f} tokens/s): `authserver kill … --wait` as a whole p50 {_s(one['command_s']['p50'])}, "
                f"max {_s(one['command_s']['max'])}; from its start to the last guard's refusal p50 {_s(one['refused_s']['p50'])}, "
                f"max {_s(one['refused_s']['max'])}."
            )
        if "herd" in found:
            one = found["herd"]
            lines.append(
                f"- {store}: {one['followers']} followers after a restart of the server: {one['first_100ms']} requests in the first "
                f"100 ms, {one['first_s']} in the first second, {one['each_s']:.0f} a second afterwards; all fresh after {_s(one['fresh_s'])}."
            )
    return [*lines, ""] if lines else []


def _s(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{1000 * seconds:.0f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"
