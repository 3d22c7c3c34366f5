"""Why somebody stops something: a word at hand, because a phone is small and time is short, and their own where they have any."""

from authserver.oauth.parameters import Parameters
from resource_lib.wire.control import Kind

WHY = {
    "misbehaves": "An agent misbehaves",
    "stolen": "A device was stolen",
    "leaked": "A secret leaked",
    "leaves": "Somebody leaves",
    "other": "Something else",
}
_FIRST = {Kind.USER: "stolen", Kind.RESOURCE: "other", Kind.TENANT: "other", Kind.EVERYTHING: "other"}
MOST = 400


def choices(kind: Kind | None, form: Parameters | None = None) -> list[dict[str, object]]:
    """Return what may be chosen, the likeliest first chosen."""
    chosen = (form.one("why") if form is not None else None) or (_FIRST.get(kind) if kind else None) or "misbehaves"
    return [{"key": key, "words": said, "checked": key == chosen} for key, said in WHY.items()]


def given(form: Parameters) -> str:
    """Return the reason that a form gives, in words."""
    said, own = WHY.get(form.one("why") or "", WHY["other"]), words_of(form)
    return f"{said}: {own}" if own else said


def words_of(form: Parameters | None) -> str:
    """Return their own words, without what draws nothing."""
    text = (form.one("reason") or "") if form is not None else ""
    return "".join(character for character in text if character.isprintable()).strip()[:MOST]
