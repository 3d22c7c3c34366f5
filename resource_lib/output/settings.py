"""
How answers are looked through before they leave: one frozen set of words for the whole guard.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from resource_lib.settings import MEBIBYTE, SCOPE_NAME, SettingsError

Media = Literal["pass", "refuse"]

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

    def __post_init__(self) -> None:
        """Refuse values that could not be kept."""
        if not isinstance(self.pii_scope, str) or not SCOPE_NAME.fullmatch(self.pii_scope):
            raise SettingsError(
                "output.pii_scope", f"{self.pii_scope!r} is no scope name", "leave it out, for pii:read"
            )
        if self.media not in get_args(Media):
            raise SettingsError("output.media", f"{self.media!r} is unknown", "use 'pass' or 'refuse'")
        if not 1024 <= self.most_bytes <= 64 * MEBIBYTE:
            raise SettingsError("output.most_bytes", "outside 1 KiB to 64 MiB", "leave it out, for 16 MiB")
