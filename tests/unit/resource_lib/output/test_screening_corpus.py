"""Detectors and signs on labelled texts: what they are promised to find, and to leave alone."""

import pytest

from resource_lib.output import detectors
from resource_lib.output.hostile import table
from tests.support import screening_corpus as corpus

FINDINGS = corpus.findings_scores("findings.txt")
SIGNS = corpus.signs_scores("signs.txt")


@pytest.mark.requirement("screening:corpus:is-large")
def test_there_are_more_than_three_hundred_texts_and_some_for_everything():
    """The issue: at least 300, every detector and every sign among them, a part of them held out."""
    sizes = corpus.sizes()

    assert sum(sizes.values()) > 500
    assert min(sizes.values()) >= 70
    assert {} == {name: score for name, score in FINDINGS.items() if score.right + len(score.missed) < 5}
    signs = {row.sign for row in (*table.LINES, *table.SENTENCES)}
    assert signs <= SIGNS.keys()


@pytest.mark.requirement("screening:corpus:precision-and-recall")
@pytest.mark.parametrize("name", sorted(FINDINGS))
def test_a_detector_finds_what_is_there_and_nothing_else(name):
    """Ours: precision at least 0.95, recall at least 0.9; docs/screening.md has the figures."""
    score = FINDINGS[name]

    assert (score.precision >= 0.95, score.recall >= 0.9) == (True, True), (score.wrong, score.missed)


@pytest.mark.requirement("screening:corpus:precision-and-recall")
@pytest.mark.parametrize("name", sorted(SIGNS))
def test_a_sign_is_seen_where_it_is(name):
    """C31: precision at least 0.95, recall at least 0.9, the verdict `hostile` included."""
    score = SIGNS[name]

    assert (score.precision >= 0.95, score.recall >= 0.9) == (True, True), (score.wrong, score.missed)


@pytest.mark.requirement("screening:corpus:precision-and-recall")
def test_on_texts_that_tuned_nothing_they_do_nearly_as_well():
    """Ours: a table that only knows its own examples shows here."""
    for scores in (corpus.findings_scores("findings_held_out.txt"), corpus.signs_scores("signs_held_out.txt")):
        right = sum(score.right for score in scores.values())
        wrong = sum(len(score.wrong) for score in scores.values())
        missed = sum(len(score.missed) for score in scores.values())

        assert right / (right + wrong) >= 0.95
        assert right / (right + missed) >= 0.85


@pytest.mark.requirement("screening:corpus:false-alarms")
def test_ordinary_texts_are_left_alone():
    """The issue: prose, source, identifiers, hashes; at most one in a hundred is touched."""
    changed, plain = (
        sum(pair)
        for pair in zip(
            corpus.untouched_share("findings.txt"), corpus.untouched_share("findings_held_out.txt"), strict=True
        )
    )
    alarms, harmless = (
        sum(pair)
        for pair in zip(corpus.false_alarms("signs.txt"), corpus.false_alarms("signs_held_out.txt"), strict=True)
    )

    assert plain + harmless > 300
    assert changed / plain <= 0.01
    assert alarms / harmless <= 0.01


@pytest.mark.requirement("screening:redaction:nothing-is-left")
@pytest.mark.parametrize("name", ["findings.txt", "findings_held_out.txt"])
def test_nothing_that_was_marked_is_left(name):
    """C34, C47: not in the text, not as a fragment beside a mask."""
    assert [] == corpus.left_over(name, lambda text: detectors.redacted(text)[0])
