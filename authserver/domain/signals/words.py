"""
The sentence of a signal, with the numbers that explain it. Whoever shows it says who people and applications are.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from authserver.domain.signals.kinds import Kind

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def sentence(kind: Kind, numbers: Mapping[str, Any], *, tool: str, application: str, person: str) -> str:
    """Return what happened, in one sentence or two. `person` and `application`: as whoever reads it knows them; empty: nobody."""
    who = f"{application or 'an application'} for {person}" if person else application or "somebody"
    return _SENTENCES[kind](numbers, tool or "a tool", who)


def bytes_in_words(many: float) -> str:
    """Return a size as people say it."""
    for unit in ("bytes", "KB", "MB"):
        if many < 1024:
            return f"{many:,.0f} {unit}" if unit == "bytes" or many >= 10 else f"{many:.1f} {unit}"
        many /= 1024
    return f"{many:,.1f} GB"


def _volume(numbers: Mapping[str, Any], tool: str, who: str) -> str:
    what = "All tools together" if numbers["every_tool"] else tool
    by = "everybody together" if numbers["everybody"] else who
    usual = f"usual {numbers['usual']:g} ± {numbers['deviation']:g}"
    return (
        f"{what}: {numbers['calls']} calls in this {numbers['span']} by {by}; {usual}, told above {numbers['above']:g}."
    )


def _denials(numbers: Mapping[str, Any], _: str, who: str) -> str:
    why = f", last with {numbers['reason']}" if numbers["reason"] else ""
    if numbers["is_burst"]:
        return f"{numbers['burst']} refusals within 60 seconds of {who}{why}."
    return f"{numbers['of_last']} of the last {numbers['last']} calls of {who} were refused{why}."


def _first_use(numbers: Mapping[str, Any], tool: str, who: str) -> str:
    before = "never before" if numbers["days_ago"] is None else f"last {numbers['days_ago']} days ago"
    known = f"{numbers['calls_before']} calls on {numbers['days_known']} days were seen"
    others = (
        f"{numbers['others']} others use it by the same application"
        if numbers["others"]
        else "nobody else uses it by the same application"
    )
    return f"{tool} ({numbers['class']}) used by {who}: {before}; {known}, {others}."


def _chain(numbers: Mapping[str, Any], _: str, who: str) -> str:
    steps = " → ".join(numbers["steps"])
    if numbers["rule"]:
        what = "a secret was read" if numbers["secret"] else "text from outside was read"
        return f"{steps} within {numbers['minutes']} min by {who}: {what}, something was sent, something was deleted."
    return (
        f"{steps} by {who}: {numbers['bits']:g} bits of surprise a step; usual {numbers['usual']:g}, told above "
        f"{numbers['above']:g}. The last step follows the one before in {numbers['share'] * 100:.1f} % of cases."
    )


def _off_hours(numbers: Mapping[str, Any], _: str, who: str) -> str:
    return (
        f"{numbers['calls']} calls by {who} on {_WEEKDAYS[numbers['weekday']]} between {numbers['hour']}:00 and {numbers['hour'] + 1}:00; "
        f"{numbers['percent']:g} % of {numbers['known_hours']} known hours lie near that time."
    )


def _cross_tenant(_: Mapping[str, Any], __: str, who: str) -> str:
    return f"{who} tried to reach another organisation, and was refused."


def _injection(numbers: Mapping[str, Any], tool: str, who: str) -> str:
    yes = "; a person had said yes" if numbers["approved"] else "; nobody was asked"
    return f"{tool} by {who}, {numbers['after_s']} s after an answer of {numbers['read_by']} that reads like orders to a model{yes}."


def _size(numbers: Mapping[str, Any], tool: str, who: str) -> str:
    many, usual = bytes_in_words(numbers["bytes"]), bytes_in_words(numbers["usual"])
    above = bytes_in_words(numbers["above"])
    what = (
        f"{tool} returned {many} to {who}"
        if numbers["span"] == "answer"
        else f"{many} were returned to {who} in this day"
    )
    return f"{what}; usual {usual}, told above {above}."


def _latency(numbers: Mapping[str, Any], tool: str, _: str) -> str:
    return (
        f"{tool} took {numbers['took_ms']:g} ms on average, {numbers['times']:g} times the usual {numbers['usual_ms']:g} ms, "
        f"in {numbers['calls']} calls over {numbers['minutes']} min."
    )


def _errors(numbers: Mapping[str, Any], tool: str, _: str) -> str:
    return f"{numbers['failed']} of {numbers['calls']} calls of {tool} failed ({numbers['percent']} %); usual {numbers['usual']:g} %."


def _limits(numbers: Mapping[str, Any], _: str, who: str) -> str:
    return (
        f"{numbers['refused']} calls of {who} were refused by limits in this hour; told from {numbers['least']:g} on."
    )


def _rubber_stamp(numbers: Mapping[str, Any], _: str, who: str) -> str:
    person = who.rpartition(" for ")[2]
    return (
        f"{numbers['quick']} of the last {numbers['decisions']} decisions of {person} were a yes less than {numbers['seconds']:g} s after the "
        "page was opened."
    )


def _parallel(numbers: Mapping[str, Any], _: str, who: str) -> str:
    if "reused" in numbers:
        return f"A {numbers['reused']} of {who} was used a second time: somebody else may have had a copy."
    return (
        f"One login of {who} is used by {numbers['sessions']} sessions in turns, {numbers['turns']} times within "
        f"{numbers['minutes']} min; it never was before."
    )


_SENTENCES: Final[Mapping[Kind, Callable[[Mapping[str, Any], str, str], str]]] = {
    Kind.VOLUME: _volume,
    Kind.DENIALS: _denials,
    Kind.FIRST_USE: _first_use,
    Kind.CHAIN: _chain,
    Kind.OFF_HOURS: _off_hours,
    Kind.CROSS_TENANT: _cross_tenant,
    Kind.INJECTION: _injection,
    Kind.SIZE: _size,
    Kind.LATENCY: _latency,
    Kind.ERRORS: _errors,
    Kind.LIMITS: _limits,
    Kind.RUBBER_STAMP: _rubber_stamp,
    Kind.PARALLEL: _parallel,
}
