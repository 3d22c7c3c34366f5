"""Which of the 66 controls a guard keeps follows from what it was told."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from resource_lib import Limits, Output, Record, ResourceGuard, SettingsError, Taint, deny_if, destructive, read, write
from resource_lib.controls.kept import ASKED, Facts, kept
from resource_lib.policy import tool_demands
from resource_lib.wire.controls import CONTROLS

TOOLS = {"see": read("n:read", roles=["clerk"]), "add": write("n:write"), "wipe": destructive("n:write")}
TOOLS_TO_READ = {"see": read("n:read"), "add": write("n:write")}
ALL = Facts(
    tools=tuple(tool_demands(TOOLS).values()),
    has_issuer=True,
    passes_tokens_on=False,
    api_keys=True,
    arguments="strict",
    has_limits=True,
    has_output=True,
    has_taint=True,
    has_lint=True,
    has_record=True,
)


def states(facts):
    return {one.control.id: one.state for one in kept(facts)}


@pytest.mark.requirement("controls:every-one-is-stated")
def test_there_are_sixty_six_in_order_and_each_says_where():
    assert [f"C{number:02}" for number in range(1, 67)] == [one.id for one in CONTROLS]
    assert all(one.title and one.where for one in CONTROLS)
    assert len(CONTROLS) == len({one.title for one in CONTROLS})


@pytest.mark.requirement("controls:a-guard-says-which-it-keeps")
def test_a_guard_with_everything_on_leaves_off_only_what_is_not_built():
    off = {id_ for id_, state in states(ALL).items() if state == "off"}

    assert {one.id for one in CONTROLS if one.default == "later"} == off


@pytest.mark.requirement("controls:a-guard-says-which-it-keeps")
@pytest.mark.parametrize(
    ("told", "gone"),
    [
        ({"has_issuer": False}, {"C06", "C16", "C53", "C54"}),
        ({"passes_tokens_on": True}, {"C10"}),
        ({"arguments": "advertised"}, {"C27"}),
        ({"has_limits": False}, {"C37", "C38", "C39", "C41", "C42", "C43"}),
        ({"has_output": False}, {"C31", "C32", "C34", "C35", "C36"}),
        ({"has_taint": False}, {"C24", "C25"}),
        ({"has_lint": False}, {"C18", "C26"}),
        ({"tools": tuple(tool_demands({"wipe": destructive("n:write", approval=False)}).values())}, {"C21"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_whatever_is_left_out_is_reported_as_off_with_its_cure(told, gone):
    facts = replace(ALL, **told)

    assert gone == {id_ for id_, state in states(facts).items() if state == "off"} - {
        id_ for id_, state in states(ALL).items() if state == "off"
    }
    assert all(one.why for one in kept(facts) if one.state == "off")


@pytest.mark.requirement("controls:a-guard-says-which-it-keeps")
def test_what_others_keep_is_never_reported_as_the_guards_own():
    found = kept(ALL)

    assert all(one.state != "on" for one in found if one.control.keeper in ("deployment", "client"))
    assert "on" == states(ALL)["C14"]
    alone = replace(ALL, tools=tuple(tool_demands({"see": read("n:read")}).values()))
    assert ("option", "not applicable") == (states(alone)["C14"], states(alone)["C21"])


BASE = {"issuer": "https://auth.example.com", "resource": "https://mcp.example.com/mcp"}
CREDENTIAL = {"client_id": "cli_x", "client_secret": "s" * 32}
LOOKS_BACK = {
    "see": read("n:read"),
    "add": write("n:write", when=[deny_if("called('see', within='1 min')", because="Not after that.")]),
}
SEE, ADD = {"see": read("n:read")}, {"see": read("n:read"), "add": write("n:write")}
GOOD = {
    "name": "see",
    "description": "Count the notes. Use it when somebody asks how many there are; not to read them.",
    "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
    "outputSchema": {"type": "object", "properties": {"total": {"type": "integer"}}, "additionalProperties": False},
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}


def listed(**arguments):
    return {**GOOD, "inputSchema": {"type": "object", "properties": arguments, "additionalProperties": False}}


WORD = {"type": "string", "maxLength": 40, "description": "It."}
MIXED = {**GOOD, "name": "get_and_delete_notes"}


class AnotherVerifier:
    """It is never asked here."""


# By control: what is said and the state that follows, then another word and another state.
RECORD = Record(spool=Path(tempfile.gettempdir()) / "controls-record")
FLIPS = {
    "C02": [("on", {"api_keys": True, **CREDENTIAL}), ("not applicable", {})],
    "C03": [("on", {}), ("elsewhere", {"verifier": AnotherVerifier()})],
    "C06": [("on", CREDENTIAL), ("off", {})],
    "C08": [("on", {}), ("elsewhere", {"verifier": AnotherVerifier()})],
    "C10": [("on", {}), ("off", {"forward_authorization": True})],
    "C12": [("on", {}), ("elsewhere", {"verifier": AnotherVerifier()})],
    "C45": [("on", CREDENTIAL), ("on", {"record": RECORD}), ("off", {}), ("off", {"record": None, **CREDENTIAL})],
    "C46": [("on", CREDENTIAL), ("off", {})],
    "C14": [("on", {"tools": {"see": read("n:read", roles=["clerk"])}}), ("option", {})],
    "C16": [("on", {"tools": {"see": read("n:read", clients=["cli_a"])}}), ("on", CREDENTIAL), ("off", {})],
    "C18": [
        ("on", {"listed": [GOOD]}), ("off", {}), ("off", {"listed": [GOOD], "lint": "off"}),
        ("off", {"listed": [MIXED], "tools": {"get_and_delete_notes": read("n:read")}}),
    ],
    "C20": [("on", {"tools": {"see": read("n:read", mode="deny")}}), ("on", {"tools": {"see": read("n:read", approval=True)}, **CREDENTIAL}), ("option", {})],
    "C21": [
        ("on", {"tools": {"wipe": destructive("n:write")}, **CREDENTIAL}), ("not applicable", {}),
        ("off", {"tools": {"wipe": destructive("n:write", approval=False)}}),
    ],
    "C22": [("elsewhere", {"listed": [GOOD]}), ("off", {"listed": [listed(tenant_id=WORD)]})],
    "C24": [("on", {}), ("off", {"output": None}), ("on", {"output": None, "tools": LOOKS_BACK})],
    "C25": [("on", {}), ("off", {"output": Output(taint=None)}), ("off", {"output": Output(taint=Taint(alone="label"))}), ("off", {"output": None})],
    "C26": [
        ("on", {"listed": [GOOD]}), ("off", {}), ("off", {"listed": [GOOD], "lint": "off"}), ("off", {"listed": [listed(sql=WORD)]}),
        ("on", {"listed": [listed(sql=WORD)], "tools": {"see": read("n:read", waive={"raw-sql": "a name of a saved query"})}}),
    ],
    "C27": [("on", {}), ("off", {"arguments": "advertised"}), ("off", {"arguments": "off"})],
    "C29": [("elsewhere", {"listed": [GOOD]}), ("off", {"listed": [listed(url=WORD)]})],
    "C30": [("elsewhere", {"listed": [GOOD]}), ("off", {"listed": [listed(path=WORD)]})],
    "C31": [("on", {}), ("off", {"output": None})],
    "C32": [("on", {}), ("on", {"output": Output(most_characters=5000)}), ("off", {"output": Output(most_characters=10_001)}), ("off", {"output": None})],
    "C33": [
        ("not applicable", {}), ("on", {"tools": {"see": read("n:read", returns=["outside"])}}),
        ("on", {"listed": [{**GOOD, "annotations": {"readOnlyHint": True, "openWorldHint": True}}]}),
        ("not applicable", {"listed": [{**GOOD, "name": "add", "annotations": {"openWorldHint": True}}], "tools": ADD}),
        ("off", {"tools": {"see": read("n:read", returns=["outside"])}, "output": None}),
    ],
    "C34": [("on", {}), ("off", {"output": Output(detect=False)}), ("off", {"output": None}), ("off", {"preset": "minimum"})],
    "C35": [("on", {}), ("off", {"output": None})],
    "C36": [("on", {}), ("off", {"output": None})],
    "C37": [("on", {}), ("off", {"limits": None}), ("off", {"limits": Limits(read=None)}), ("on", {"limits": Limits(read=None), "tools": {"see": read("n:read", limit="9/min")}})],
    "C38": [("on", {}), ("off", {"limits": None})],
    "C39": [("on", {}), ("off", {"limits": None}), ("off", {"limits": Limits(credential=None)}), ("on", {"limits": Limits(credential=None, server="9/s")})],
    "C40": [("on", {"downstream": "9/s"}), ("option", {})],
    "C41": [("on", {}), ("off", {"limits": None})],
    "C42": [("on", {}), ("off", {"limits": None})],
    "C43": [("on", {}), ("off", {"limits": None})],
    "C53": [("on", CREDENTIAL), ("off", {})],
    "C54": [("on", CREDENTIAL), ("off", {})],
}  # fmt: skip
BY_ASKING = {"C07", "C13", "C15"}
"""What is known of a guard by asking it in vain, see test_rehearsal.py."""


def said_of(control, told):
    told = {"tools": SEE, **told}
    shown, budget = told.pop("listed", None), told.pop("downstream", None)
    guard = ResourceGuard(**BASE, **told)
    if shown is not None:
        guard.wrap(lambda *_: None, listed=shown)
    if budget is not None:
        guard.downstream("crm", budget)
    return guard.doctor().controls[control]


@pytest.mark.requirement("controls:each-follows-what-is-said")
@pytest.mark.parametrize(
    ("control", "state", "told"),
    [(control, state, told) for control, flips in FLIPS.items() for state, told in flips],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else value,
)
def test_a_control_changes_with_the_word_that_decides_it(control, state, told):
    """C66: from the word of a real guard to its report; what is not on says what to write."""
    found, why = said_of(control, told)

    assert state == found, why
    assert why or found == "on"


@pytest.mark.requirement("controls:each-follows-what-is-said")
def test_every_control_that_depends_on_a_word_is_flipped():
    """C66: each is seen in two states at least, and none that depends on something is forgotten."""
    assert set(ASKED) == set(FLIPS) | BY_ASKING
    assert [] == [control for control, flips in FLIPS.items() if len({state for state, _ in flips}) < 2]


@pytest.mark.requirement("controls:each-follows-what-is-said")
def test_what_the_linter_found_is_named_and_a_tool_that_was_mended_is_not_found_again():
    """C26: the state follows the tools as they are listed, not as they were."""
    guard = ResourceGuard(**BASE, tools=SEE)
    guard.wrap(lambda *_: None, listed=[listed(sql=WORD)])

    assert ("off", "the linter found see (raw-sql)") == guard.doctor().controls["C26"]
    guard.lint.register([GOOD])
    assert ("on", "") == guard.doctor().controls["C26"]


def off(**told):
    settings = {"issuer": "https://auth.example.com", "resource": "https://mcp.example.com/mcp"} | told
    guard = ResourceGuard(tools=TOOLS_TO_READ, **settings)
    return {id_ for id_, (state, _) in guard.doctor().controls.items() if state == "off"}


@pytest.mark.requirement("controls:presets")
def test_with_nothing_said_everything_is_on_and_the_smallest_preset_leaves_answers_as_they_are():
    """C66: the six of the smallest safe set (C03 C22 C27 C29 C37 C45) are in both."""
    whole, least = off(), off(preset="minimum")

    assert whole == off(preset="full") < least
    assert {"C31", "C32", "C34", "C35", "C36"} <= least - whole
    assert not {"C03", "C22", "C27", "C29", "C37"} & least
    assert whole == off(preset="minimum", output=Output())


@pytest.mark.requirement("controls:presets")
def test_what_is_switched_off_by_hand_is_reported_whatever_the_preset_and_an_unknown_preset_stops_the_start():
    assert {"C27", "C37"} <= off(preset="full", arguments="off", limits=None)
    assert f"{len(off())} of 66 controls off" in str(
        ResourceGuard(issuer="https://a.example", resource="https://m.example/mcp", tools=TOOLS_TO_READ).doctor()
    )
    with pytest.raises(SettingsError, match=r"preset: 'most' is unknown.*minimum, full or strict"):
        off(preset="most")
