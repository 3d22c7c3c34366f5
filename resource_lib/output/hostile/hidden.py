# ruff: noqa: RUF001
r"""
Removes what a person does not see and a model reads: invisible characters, escape sequences, chat delimiters, comments, image beacons.

| kind | what goes | what stays |
|---|---|---|
| `invisible` | zero-width characters, soft hyphens, fillers, marks of direction, controls, non-characters | a joiner between two letters of a script that needs it, or inside an emoji |
| `bidi` | embeddings, overrides and isolates | |
| `tags` | Unicode tag characters | the flags of England, Scotland and Wales |
| `variation` | variation selectors | one after an emoji, a symbol or a CJK ideograph |
| `escape` | terminal escape sequences, whole; lone surrogates become U+FFFD | |
| `delimiter` | `<|im_start|>` and its kin, `[INST]`, `<<SYS>>`, turns and calls in angle brackets | `|>` and `<|` of programs |
| `comment` | HTML comments; of one that never ends, the opening is broken | |
| `image` | the address of an image with data in it, which whoever shows the text would send there | its alternative text, and images at plain addresses |

The text is not normalised: NFKC would turn `x²` into `x2`, change CJK punctuation, and so damage code and prose. What hides in
compatibility forms is found by whoever looks (`signs`, `detectors`), in a copy.

A text in which nothing of this stands is returned as it is, after a few searches. What is removed cannot put together another one of its kind:
where a second look still finds one, its opening is broken. Linear. C32, LG-01.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from resource_lib.output.sieve import Sieve

_PICTURES = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINED_SCRIPTS = (
    "\u0600-\u06ff\u0700-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc"
)

_GOES = "\u061c\u17b4\u17b5\u180b-\u180f"
"""Of these scripts, what is invisible itself."""

_MOST_ROUNDS: Final = 3
_SHORT: Final = 500
"""Characters of a text that Python itself looks through sooner than the engine does."""

_ANY = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_ESCAPE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d\x9e\x9f])(?:[^\x07\x1b\r\n\x90\x98\x9c-\x9f]*+(?:\x07|\x1b\\\\|\x9c))?"
    "|\x1b[ -/]{0,4}[0-~]?"
)
_FLAG: Final = "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f"
_TAGS = re.compile(f"({_FLAG})|[\U000e0000-\U000e007f]+")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
_SELECTORS: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_VARIATION = re.compile(
    f"[{_SELECTORS}]"
    f"(?!(?<=[{_PICTURES}0-9#*][\ufe0e\ufe0f])(?![{_SELECTORS}]))"
    f"(?!(?<=[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f][\ufe00-\ufe02\U000e0100-\U000e01ef])(?![{_SELECTORS}]))"
    f"[{_SELECTORS}]*+"
)
_JOINERS: Final = "\u200c\u200d"
_UNSEEN: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\u3164"
    "\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
)
# A class first, for which the engine searches fast; then what stands around its first character.
_INVISIBLE = re.compile(
    f"[{_UNSEEN}{_JOINERS}]"
    f"(?!(?<=[{_JOINED_SCRIPTS}][{_JOINERS}])(?<![{_GOES}].)(?![{_GOES}])(?=[{_JOINED_SCRIPTS}]))"
    f"(?!(?<=[{_PICTURES}\ufe0f]\u200d)(?=[{_PICTURES}]))"
    f"[{_UNSEEN}{_JOINERS}]*+"
)
_HAS_INVISIBLE: Final = Sieve(
    [
        (re.compile(f"[{_UNSEEN}]"),),
        (re.compile(f"(?:^|[^{_PICTURES}\ufe0f{_JOINED_SCRIPTS}])[{_JOINERS}]"),),
        (re.compile(f"[{_JOINERS}](?:$|[^{_PICTURES}{_JOINED_SCRIPTS}])"),),
        (re.compile(f"[{_PICTURES}\ufe0f](?:[{_JOINERS}][{_JOINED_SCRIPTS}]|\u200c)"),),
        (re.compile(f"[{_JOINED_SCRIPTS}][{_JOINERS}][{_PICTURES}]"),),
    ]
)
"""One of them, or a joiner that does not stand between two letters, or two pictures, that need it."""
_LINES = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_DELIMITER = re.compile(
    r"<[|｜][^|｜<>\n]{0,64}[|｜]>"
    r"|\[/?INST\]|<</?SYS>>"
    r"|</?(?:start_of_turn|end_of_turn|begin_of_text|end_of_text|endoftext|im_start|im_end|eot_id|bos|eos)>"
    r"|</?(?:antml:[a-z_]{1,32}|function_calls?|tool_calls?|tool_response|tool_results?|function_results?|system-reminder|system_prompt)(?:\s[^<>\n]{0,200})?>",
    re.IGNORECASE,
)
_OPENING = re.compile(r"<(?=[!|｜/<A-Za-z])|(?:!\[|\[)(?=.)", re.DOTALL)
_IMAGE = re.compile(
    r"!\[(?P<alt>[^\[\]\n]{0,300}+)\]\(\s{0,4}<?(?P<url>[^\s()<>]{1,4096}+)>?(?:\s{1,4}(?:\"[^\"\n]{0,300}\"|'[^'\n]{0,300}'))?\s{0,4}\)"
)
_IMAGE_TAG = re.compile(r"<img\b(?P<rest>[^<>]{1,4096}+)>", re.IGNORECASE)
_SOURCE = re.compile(r"(?:src|srcset)\s{0,4}=\s{0,4}[\"']?(?P<url>[^\s\"'<>]{1,4096}+)", re.IGNORECASE)
_ALT = re.compile(r"alt\s{0,4}=\s{0,4}(?:\"(?P<a>[^\"]{0,300})\"|'(?P<b>[^']{0,300})')", re.IGNORECASE)
_DEFINITION = re.compile(r"(?m)^ {0,3}\[(?P<alt>[^\[\]\n]{1,100})\]:[ \t]{0,4}<?(?P<url>[^\s<>]{1,4096}+)[^\n]{0,300}")
_CARRIES = re.compile(
    r"(?i)(?:https?:)?//(?:[^/?#]*@|[^/?#]{0,200}[a-z0-9-]{32,}|[^?#]*/[^/?#]{48,}|[^?#]*[?#][^?#]{8,}|[^?#]*[{}$])|[^?#]*%7b|https?:[^/]"
)

_HAS_HIDDEN: Final = Sieve([(_ANY,)])
_HAS_DELIMITER: Final = Sieve([(re.compile(f"(?i){_DELIMITER.pattern}"),), (("\u0130", "\u0131", "\u017f", "\u212a"),)])
"""A delimiter, or a letter whose other case no two engines agree about."""
_SUSPICIOUS: Final = Sieve([(_ANY,), (("<", "!["),), (re.compile("[Ii\u0130\u0131][Nn][Ss\u017f][Tt]\\]"),)])
"""What everything begins with that is removed, or is itself."""


def plain(text: str) -> str:
    """Return `text` without what the table above removes; the same object where there is nothing to remove."""
    return stripped(text)[0] if _SUSPICIOUS.lets_any_through(text) else text


def stripped(text: str) -> tuple[str, Counter[str]]:
    """Return `plain(text)`, and how many of each kind were removed."""
    counts: Counter[str] = Counter()
    if not _SUSPICIOUS.lets_any_through(text):
        return text, counts
    if _ANY.search(text):
        text = _characters(text, counts)
    for _ in range(_MOST_ROUNDS):
        before = text
        if "<!--" in text:
            text = _without_comments(text, counts)
        if _HAS_DELIMITER.lets_any_through(text):
            text, removed = _DELIMITER.subn("", text)
            if removed:
                counts["delimiter"] += removed
        if "![" in text or "<" in text:
            text = _without_images(text, counts)
        if text == before:
            return text, counts
    # Pieces around what was removed made new ones, again and again: nested on purpose. No opening is left whole.
    return _OPENING.sub(lambda match: " ".join(match[0]) + " ", text), counts


def without_hidden_characters(text: str) -> tuple[str, Counter[str]]:
    """Return `text` without the characters of the table alone: delimiters, comments and images stay."""
    counts: Counter[str] = Counter()
    if len(text) < _SHORT and text.isascii() and text.isprintable():
        return text, counts
    return (_characters(text, counts) if _HAS_HIDDEN.lets_any_through(text) else text), counts


def _characters(text: str, counts: Counter[str]) -> str:
    def remove(pattern: re.Pattern[str], kind: str, by: str | Callable[[re.Match[str]], str] = "") -> None:
        nonlocal text
        before = len(text)
        text = pattern.sub(by, text)
        if len(text) < before:
            counts[kind] += before - len(text)

    text, halves = _SURROGATE.subn("\ufffd", text)
    if halves:
        counts["escape"] += halves
    if "\x1b" in text or not text.isascii():
        remove(_ESCAPE, "escape")
    text = _LINES.sub("\n", text)
    if not text.isascii():
        remove(_TAGS, "tags", lambda match: match[1] or "")
        remove(_BIDI, "bidi")
        remove(_VARIATION, "variation")
    if _HAS_INVISIBLE.lets_any_through(text):
        remove(_INVISIBLE, "invisible")
    return text


def _without_comments(text: str, counts: Counter[str]) -> str:
    parts: list[str] = []
    at = 0
    while (begin := text.find("<!--", at)) >= 0:
        end = text.find("-->", begin + 4)
        if end < 0:
            break
        parts.append(text[at:begin])
        counts["comment"] += 1
        at = end + 3
    parts.append(text[at:])
    text = "".join(parts)
    if "<!--" in text:
        counts["comment"] += 1
        text = text.replace("<!--", "<! --")
    return text


def _without_images(text: str, counts: Counter[str]) -> str:
    def alternative(match: re.Match[str]) -> str:
        if _CARRIES.match(match["url"]) is None:
            return match[0]
        counts["image"] += 1
        return f"[image: {match['alt']}]" if match["alt"] else "[image]"

    def tag(match: re.Match[str]) -> str:
        source = _SOURCE.search(match["rest"])
        if source is None or _CARRIES.match(source["url"]) is None:
            return match[0]
        counts["image"] += 1
        said = _ALT.search(match["rest"])
        alt = (said["a"] or said["b"]) if said else None
        return f"[image: {alt}]" if alt else "[image]"

    def definition(match: re.Match[str]) -> str:
        if _CARRIES.match(match["url"]) is None:
            return match[0]
        counts["image"] += 1
        return ""

    if "![" in text:
        if "]:" in text:
            text = _DEFINITION.sub(definition, text)
        text = _IMAGE.sub(alternative, text)
    if "<img" in text.lower():
        text = _IMAGE_TAG.sub(tag, text)
    return text
