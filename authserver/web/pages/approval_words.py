"""
What a page says of one call to the person before it: what a yes does, whose yes it takes, what has become of it, what happens next.

Plain words, ours alone; names that others chose are set apart in them. Which page is shown, and what a form does, stands in
`approval.py`.
"""

from dataclasses import dataclass

from markupsafe import Markup

from authserver.domain.approvals import deciding
from authserver.domain.approvals.approval import Approval, Decision
from authserver.domain.approvals.deciding import Decider, WhyNot
from authserver.domain.approvals.showing import Shown
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.words import plain
from authserver.web.pages import calls, words
from authserver.web.pages.account import Visitor
from authserver.web.pages.render import name
from resource_lib.wire.approvals import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """One call before somebody who may see it."""

    visitor: Visitor
    decider: Decider
    it: Approval
    shown: Shown
    decided: list[Decision]

    @property
    def said(self) -> bool | None:
        """What the visitor said; None: nothing yet."""
        return next((one.is_yes for one in self.decided if one.sub == self.decider.sub), None)

    @property
    def yeses(self) -> list[Decision]:
        """Who agreed and still could: whoever lost the role took their yes along."""
        return [one for one in self.decided if one.is_yes and deciding.counts(self.it, one.sub, one.still_roles)]

    @property
    def is_as_shown(self) -> str:
        """What a form says it was made for: the call, and how many had decided."""
        return f"{self.it.display_hash}.{self.it.decisions}"


def rule_words(it: Approval, person_name: str) -> Markup:
    """Return whose yes it takes, where that of the person it runs for is not enough; else nothing."""
    rule = it.rule
    if not it.role:
        return Markup("")
    who = f"{rule.approvers} people" if rule.approvers > 1 else "Somebody"
    verb = "have" if rule.approvers > 1 else "has"
    said = Markup("{} with the role “{}” {} to agree.").format(who, name(it.role, 100), verb)
    if rule.by == "person" and not rule.four_eyes and not it.is_of_machine:
        said = Markup("{} to agree: {}, in whose name it runs, or people with the role “{}”.").format(
            f"{who} {verb}", name(person_name, 40), name(it.role, 100)
        )
    if rule.four_eyes and person_name:
        said += Markup(" {}, in whose name it runs, cannot be one of them.").format(name(person_name, 40))
    if rule.approvers > 1:
        said += Markup(" One no is enough to end it.")
    return said


def if_allowed(opened: Open, context: dict[str, object]) -> Markup:
    """Return what happens on a yes of this person."""
    server, client = name(context["resource_name"], 40), name(context["client_name"], 40)
    more = opened.it.rule.approvers - len(opened.yeses) - 1
    if more > 0:
        return Markup("Your yes is noted. Nothing happens before {} more {} agreed.").format(
            more, "person has" if more == 1 else "people have"
        )
    if opened.shown.releases:
        return Markup(
            "{} has looked this up already, and kept it back because it reads like orders to an application. {} is handed exactly what "
            "stands on this page, one time, marked as text from outside. What it then does with it, nobody can promise."
        ).format(server, client)
    if opened.it.tool_class == "destructive":
        said = Markup("{} does exactly this, one time, with the values on this page. It cannot be undone.").format(
            server
        )
    elif opened.it.tool_class == "write":
        said = Markup(
            "{} does exactly this, one time, with the values on this page. It changes something there."
        ).format(server)
    else:
        said = Markup("{} looks this up, one time, and shows it to {}.").format(server, client)
    return said + Markup(" With any other value, or a second time, {} has to ask again.").format(client)


def stop_words(opened: Open, context: dict[str, object]) -> Markup:
    """Return what happens to the application that is stopped with a no."""
    server, client = name(context["resource_name"], 40), name(context["client_name"], 40)
    if opened.it.is_of_machine:
        return Markup(
            "Nothing happens, and {} is cut off from {}: it can do nothing more there until an administrator lets it in again."
        ).format(client, server)
    if context["is_yours"]:
        return Markup(
            "Nothing happens, and {} is cut off from {}: it can do nothing more there in your name until you connect it again."
        ).format(client, server)
    return Markup(
        "Nothing happens, and {} is cut off from {}: it can do nothing more there in the name of {} until they connect it again."
    ).format(client, server, name(context["person_name"], 40))


def blocked(work: UnitOfWork, opened: Open, refused: WhyNot | None) -> str | None:
    """Return why there is no button for a yes; None where there is one."""
    rule = opened.it.rule
    if refused is None:
        return None
    if refused is WhyNot.LOGIN_TOO_OLD:
        since = words.ago(opened.decider.auth_time, work.now)
        return (
            f"You signed in {since}. A yes to this needs a sign-in that is newer than {words.span(rule.max_age or 0)}."
        )
    if refused is WhyNot.LOGIN_TOO_WEAK:
        return (
            "A yes to this needs a stronger sign-in than the one you used. Ask the person who runs your organisation"
            " how to get it. You can still say no."
        )
    if refused is WhyNot.REQUESTER_EXCLUDED:
        return "It runs in your name, so somebody else has to allow it. You can still say no."
    return f"Only somebody with the role “{plain(opened.it.role, 100)}” can allow it. You can still say no."


async def told(work: UnitOfWork, opened: Open, context: dict[str, object]) -> tuple[str | Markup, Markup]:
    """Return what a page says has become of it, and what happens next."""
    it = opened.it
    client, server = name(context["client_name"], 40), name(context["resource_name"], 40)
    if it.state is State.PENDING:
        missing = it.rule.approvers - len(opened.yeses)
        return "Your yes is noted", Markup("Nothing happens before {} more {} agreed. You can close this page.").format(
            missing, "person has" if missing == 1 else "people have"
        )
    if it.state is State.APPROVED:
        heading = "You allowed it, once" if opened.said else "It was allowed, once"
        if it.grant_id is not None:
            heading = "It was allowed by an earlier yes"
        go_on = (
            Markup("{} goes on by itself.").format(client)
            if it.is_of_machine
            else Markup("Go back to {}: it calls again by itself, or when you tell it to go on.").format(client)
        )
        return heading, go_on + Markup(" It has to begin before {}; after that it has to ask again.").format(
            words.moment(it.expires_at)
        )
    if it.state is State.EXECUTING:
        return "It is being done now", Markup("{} has begun. It cannot be stopped from here.").format(server)
    if it.state is State.DENIED:
        return await _told_of_no(work, opened, client, server)
    if it.state is State.DONE and opened.shown.releases:
        return "It was handed over", Markup("{} was given this once.").format(client)
    if it.state is State.DONE:
        if it.cleared_by is not None:
            return "It was noted as done", Markup(
                "It never runs again with this yes. The same call asks for a new one."
            )
        return "It was done", Markup("{} did this once. The same call asks for a new yes.").format(server)
    if it.state is State.AMBIGUOUS:
        return "Nobody knows whether it was done", Markup(
            "{} began, and stopped answering before it said how it ended. It is not run again until somebody who looked says"
            " what happened."
        ).format(server)
    return _told_of_end(opened, client)


async def _told_of_no(work: UnitOfWork, opened: Open, client: Markup, server: Markup) -> tuple[str | Markup, Markup]:
    by = next((one.sub for one in opened.decided if one.is_yes is False), "")
    person = await calls.person_of(work, by)
    heading: str | Markup = "It was not allowed"
    if by == opened.decider.sub:
        heading = "You did not allow it"
    elif person is not None:
        heading = Markup("{} did not allow it").format(name(person.name, 40))
    if opened.it.is_ended:
        return heading, Markup(
            "Nothing was done, and {} is cut off from {}. It can do nothing more there until it is connected again."
        ).format(client, server)
    return heading, Markup("Nothing was done. {} is told so when it calls again. You can close this page.").format(
        client
    )


def _told_of_end(opened: Open, client: Markup) -> tuple[str, Markup]:
    it = opened.it
    if it.cleared_by is not None:
        return "It was noted as not done", Markup("It ends here. If it is still wanted, tell {} to try again.").format(
            client
        )
    if it.is_ended:
        return "It is over", Markup("{} was disconnected, so this cannot be done any more. Nothing was done.").format(
            client
        )
    if it.decided_at is not None:
        return "It was not used in time", Markup(
            "It was allowed, and {} did not go on in time, so nothing was done. If it is still wanted, tell it to try again."
        ).format(client)
    return "It ran out of time", Markup(
        "Nobody decided in time, so nothing was done. If it is still wanted, tell {} to try again."
    ).format(client)
