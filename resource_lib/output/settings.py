"""
How answers are looked through before they leave: one frozen set of words for the whole guard.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from resource_lib.output.hostile.screen import TIMEOUT_S, Screen
from resource_lib.output.taint import Taint
from resource_lib.settings import MEBIBYTE, SCOPE_NAME, SettingsError
from resource_lib.wire.tool_policy import SCREENINGS, Screening

Media = Literal["pass", "refuse"]

_TAINT: Final = Taint()
PII_SCOPE: Final = "pii:read"


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """What leaves a guarded server, and in which form. Raises SettingsError."""

    pii_scope: str = PII_SCOPE
    """The scope with which a caller may ask for personal data, by `include_pii: true`."""
    detect: bool = True
    """Whether free text is searched for personal data and secrets, beside what the output schema annotates."""
    media: Media = "pass"
    """What becomes of images, audio and binary files, which nobody looks into: they pass, or they are refused."""
    most_bytes: int = 16 * MEBIBYTE
    """The largest answer that is read, in bytes; a larger one is withheld."""
    most_characters: int = 10_000
    """How many characters of text leave in one answer; a longer one is shortened, and says so."""
    screening: Screening = "annotate"
    """What becomes of an answer that reads like orders to a model: `observe` (it is logged), `annotate` (it says so of itself),
    `quarantine` (a person must release it) or `block`. A tool's own word `screening` can only be graver."""
    screen: Screen | None = None
    """A judge beside the patterns, a model for example (docs/screening.md); None: patterns alone."""
    screen_seconds: float = TIMEOUT_S
    """How long it may take for one answer."""
    screen_required: bool = False
    """Whether an answer that it did not judge in time counts as orders where such answers are quarantined or blocked."""
    taint: Taint | None = _TAINT
    """Writes wait for a yes for a while after text from outside was handed over (docs/hostile-text.md); None: they do not."""

    def __post_init__(self) -> None:
        """Refuse values that could not be kept."""
        if not isinstance(self.pii_scope, str) or not SCOPE_NAME.fullmatch(self.pii_scope):
            raise SettingsError(
                "output.pii_scope", f"{self.pii_scope!r} is no scope name", "leave it out, for pii:read"
            )
        if self.media not in get_args(Media):
            raise SettingsError("output.media", f"{self.media!r} is unknown", "use 'pass' or 'refuse'")
        if self.screening not in SCREENINGS:
            raise SettingsError(
                "output.screening", f"{self.screening!r} is unknown", f"write one of {', '.join(SCREENINGS)}"
            )
        if self.screen is not None and not callable(getattr(self.screen, "looks_at", None)):
            raise SettingsError("output.screen", "is no screen", "give it a method looks_at(texts, *, tool)")
        if self.screen_required and self.screen is None:
            raise SettingsError("output.screen_required", "there is no screen", "write screen=…, or leave it out")
        seconds = self.screen_seconds
        if type(seconds) not in (int, float) or not 0.01 <= seconds <= 30:
            raise SettingsError("output.screen_seconds", "outside 0.01 to 30", f"leave it out, for {TIMEOUT_S}")
        if self.taint is not None and not isinstance(self.taint, Taint):
            raise SettingsError("output.taint", "is no Taint", "write Taint(seconds=600), or None")
        if not 1000 <= self.most_characters <= 10_000_000:
            raise SettingsError("output.most_characters", "outside 1000 to 10,000,000", "leave it out, for 10,000")
        if not 1024 <= self.most_bytes <= 64 * MEBIBYTE:
            raise SettingsError("output.most_bytes", "outside 1 KiB to 64 MiB", "leave it out, for 16 MiB")
