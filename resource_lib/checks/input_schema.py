"""
What a call says is what its tool advertises, for this caller.

Strict JSON Schema 2020-12 before the tool sees anything, C27; words about the form of the input alone, C28; a result that the model can
act on, SEP-1303. Which fields are wrong is said only where every check before this one let the call through: the first refusal is the
answer.
"""

from typing import Final

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny

RETRY_S: Final = 5
_SAID: Final = 5


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse arguments that are not as advertised, and calls of which nobody can tell what they should be."""
    if facts.demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    if facts.advertised is None or not call.is_tool:
        return ALLOW
    definition = facts.definition
    if definition is None or not definition.is_listed:
        return Deny(
            error="server_inactive",
            message=(
                f"{call.subject} has not run: its server does not say at the moment what its arguments must be. Try again in "
                f"{RETRY_S} s; other arguments do not help."
            ),
            reason="the server's own list could not be read" if definition is None else "not in the server's own list",
            retry_after_s=RETRY_S,
        )
    form = facts.advertised.form(definition, facts.principal)
    if form is None:
        return Deny(
            error="server_inactive",
            message=(
                f"{call.subject} cannot be called: what its server says of its arguments cannot be enforced. Its operators have to "
                "correct it; other arguments do not help."
            ),
            reason="its input schema cannot be compiled",
            retry_after_s=60,
        )
    wrong = form.wrong(facts.arguments)
    if not wrong:
        return ALLOW
    first = "; ".join(f"{field.path or 'the whole'} {field.fault}" for field in wrong[:_SAID])
    more = f"; and {len(wrong) - _SAID} more, see fields" if len(wrong) > _SAID else ""
    return Deny(
        error="invalid_arguments",
        message=f"{call.subject} has not run, because its arguments are wrong: {first}{more}. Correct them and call again.",
        reason="arguments are not as advertised",
        fields=wrong,
    )
