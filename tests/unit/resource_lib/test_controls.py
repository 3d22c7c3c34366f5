"""Which of the 66 controls a guard keeps follows from what it was told."""

from dataclasses import replace

import pytest

from resource_lib import Output, ResourceGuard, SettingsError, destructive, read, write
from resource_lib.controls.kept import Facts, kept
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
        ({"has_taint": False}, {"C25"}),
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
    assert ("not applicable", "not applicable") == (states(alone)["C14"], states(alone)["C21"])


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
