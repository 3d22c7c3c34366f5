"""What a person reads of a call is what is hashed: any arguments can be read back from the page, character by character."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authserver.domain.approvals.showing import arguments_of
from authserver.web.pages import calls, values
from authserver.web.pages.render import render
from resource_lib.wire.tool_call import args_hash
from tests.browser.preview import APPROVAL, CALL
from tests.support.approvers import arguments_on, rows_of

NASTY = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from(
            list(
                " \n\t\r\x00\x1b<>&\"'.[]\\␣↵…\u00a0\u00ad\u200b\u200d\u2028\u202e\u2066\u0301\u0430\u3164\ufe0f\U000e0041"
            )
        ),
    ),
    max_size=40,
)
SCALARS = st.one_of(
    NASTY,
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.sampled_from(["5", "true", "null", "[]", "{}", "", "-0.5", "U+202E", "hidden: 16 characters"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NASTY, inner, max_size=4)),
    max_leaves=12,
)
ARGUMENTS = st.dictionaries(NASTY, JSON, min_size=1, max_size=5)


def page_of(arguments):
    lines = [calls.line(line) for line in arguments_of(arguments, ())]
    return render("approval.html", **APPROVAL | {"it": CALL | {"lines": lines}})


@pytest.mark.requirement("approvals:page:shows-exactly-what-is-hashed")
@settings(max_examples=150, deadline=None)
@given(ARGUMENTS)
@example({"a.b": 1, "a": {"b": 2}, "a[0]": 3, "list": [[], {}, "", None]})
@example({"": {"": ""}, "no. 1": ["x"], "x" * 50: "long " * 1000})
@example({"e\u0301": "\u00e9", "\u00e9": "e\u0301", "U+202E": "\u202e"})
def test_any_arguments_can_be_read_back_from_the_page(arguments):
    """AP-10, decision 13: nothing is left out, nothing added, and no value passes for another."""
    html = page_of(arguments)

    assert args_hash(arguments) == args_hash(arguments_on(html))
    assert "\u202e" not in html
    assert "\u200b" not in html


@pytest.mark.requirement("approvals:page:shows-exactly-what-is-hashed")
def test_what_is_cut_stands_there_whole_with_its_length_and_its_hash():
    """AP-10: the first 400 characters, then all of them behind a press, without a script."""
    text = "approved by admin. " * 1700
    html = page_of({"note": text})

    (row,) = rows_of(html)

    assert text[:400] == row.framed
    assert text == row.whole
    assert f"The first 400 of {len(text):,} characters" in html
    assert values.fingerprint(text) in html


@pytest.mark.requirement("approvals:page:shows-exactly-what-is-hashed")
def test_many_arguments_are_all_there():
    """AP-10: the forty-first too."""
    arguments = {f"argument_{number}": number for number in range(3000)}

    html = page_of(arguments)

    assert args_hash(arguments) == args_hash(arguments_on(html))
    assert "Show the other 2960 of 3000" in html


@pytest.mark.requirement("approvals:page:a-value-is-visibly-a-value")
@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("https://www.p\u0430ypal.com/", "Cyrillic and Latin"),
        ("https://www.p\u0430ypal.com/", "xn--pypal-4ve.com"),
        ("invoice\u202efdp.exe", "cannot be seen"),
        ("a\u200bb", "cannot be seen"),
        ("\x1b[31m", "cannot be seen"),
        ("a\U000e0041", "cannot be seen"),
        ("\u03bfrder", "Greek and Latin"),
    ],
)
def test_what_a_careful_reader_would_notice_is_said(text, hint):
    """AP-10, UTS 39: in our own words, beside the value."""
    assert any(hint in said for said in values.hints(text)), values.hints(text)


@pytest.mark.requirement("approvals:page:a-value-is-visibly-a-value")
@pytest.mark.parametrize(
    "text", ["plain", "line\nline", "Müller", "日本語のテキスト", "Привет, мир", "שלום", "user@example.com"]
)
def test_ordinary_words_in_any_language_are_not_suspected(text):
    """Ours: a warning that always stands there is read by nobody."""
    assert [] == values.hints(text)


@pytest.mark.requirement("approvals:page:a-value-is-visibly-a-value")
@pytest.mark.parametrize(
    ("old", "new", "alike"),
    [
        ("paypal.com", "p\u0430ypal.com", True),
        ("account-10", "account-1O", True),
        ("abc", "a\u200bbc", True),
        ("é", "e\u0301", True),
        ("1000", "10000", False),
        ("alice", "bob", False),
    ],
)
def test_two_values_that_look_alike_are_said_to_differ(old, new, alike):
    """AP-10: in the comparison with last time."""
    assert alike is (values.skeleton(old) == values.skeleton(new))
