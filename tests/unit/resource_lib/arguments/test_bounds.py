"""The quick look at the size of arguments says nothing that the close look does not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.arguments import bounds as module
from resource_lib.arguments.bounds import Bounds, measured

SMALL = Bounds(bytes=400, depth=3, characters=8, name=5, members=3, values=9, number=100)
TEXTS = st.text(alphabet="ab\x00é\ud800", max_size=9)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-101, 101) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.requirement("arguments:bounds:quick-look")
@given(VALUES)
def test_what_the_quick_look_lets_through_the_close_look_lets_through_and_counts_alike(value):
    """C22: every bound is at its edge here."""
    quick = measured(value, SMALL)
    before, module._surely_within = module._surely_within, lambda *_: None
    try:
        close = measured(value, SMALL)
    finally:
        module._surely_within = before

    assert close == quick


@pytest.mark.requirement("arguments:bounds:quick-look")
def test_ordinary_arguments_need_no_close_look():
    assert 7 == module._surely_within({"a": "b", "c": [1, 2.5, None], "d": {}}, Bounds())
