"""
What a stranger wrote, as one bounded line of visible characters: for a page, a mail, a terminal.

It deliberately does not escape: each place does that its own way.
"""

import re
import unicodedata

# Long enough for an honest name, short enough that it cannot push what matters off the first screen.
NAME_LENGTH = 64

# Zalgo text climbs over its neighbours with piles of combining marks; no living language needs more than a few.
MARKS_PER_LETTER = 3

# Categories that draw nothing of their own: controls, format (bidi overrides, zero width), surrogates, private use,
# unassigned, line and paragraph separators.
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Letters that Unicode calls letters and that every font draws as nothing: a name of these alone would look empty.
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")


# A dot before a letter makes a host of what stands before it; so do its wide and ideographic kin.
_DOT_INSIDE = re.compile(r"[.\u3002\uff0e\uff61](?=\S)")
_LINKING = str.maketrans(dict.fromkeys(":/\\@<>\uff1a\uff0f\uff20\u2044\u2215", " "))


def plain(text: object, limit: int = NAME_LENGTH) -> str:
    """
    `text` as one bounded line of visible characters; ends in `…` when it was cut.

    Takes anything printable; gives `(no name)` when nothing visible is left, so that a page never shows a hole.
    """
    # Four times the limit is read at most: a megabyte of name costs no more than a line of it.
    source = str(text)[: limit * 4 + 1]
    simple = source.isascii() and source.isprintable() and "  " not in source
    line = (source if simple else _visible(source)).strip()
    if len(line) > limit or len(str(text)) > len(source):
        line = line[: limit - 1].rstrip() + "…"
    return line or "(no name)"


def _visible(source: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in source:
        category = unicodedata.category(character)
        if category.startswith("M"):
            marks += 1
            if marks > MARKS_PER_LETTER or not kept or character in BLANK_LETTERS:
                continue
        else:
            marks = 0
        if character.isspace() or category.startswith("Z"):
            if kept and kept[-1] != " ":
                kept.append(" ")
        elif category not in INVISIBLE and character not in BLANK_LETTERS:
            kept.append(character)
    return "".join(kept)


def without_links(text: object, limit: int = NAME_LENGTH) -> str:
    """`plain`, with nothing left that a mail program would make a link or an address of."""
    return _DOT_INSIDE.sub("\u00b7", plain(text, limit).translate(_LINKING))
