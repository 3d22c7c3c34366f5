"""
What stands in the place of personal data: its shape, never a part of it that tells two people apart. C34.

No last four digits, no first letter. Of an address the city and the country, of an IBAN its country, of an e-mail address a
common ending stay. A mask of a mask is the same mask, and no detector takes a mask for the thing.
"""

import re
from collections.abc import Callable
from typing import Final, get_args

from resource_lib.output.kinds import Kind

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""All that `masked` knows; `address`, `name` and `id` have no shape and are known by a schema's `x-pii` alone."""

HIDDEN: Final = "***"
SECRET_MASK: Final = "[secret]"  # noqa: S105

_ENDINGS: Final = frozenset(
    {"com", "org", "net", "edu", "gov", "int", "mil", "info", "biz", "example", "test", "invalid"}
)


def masked(kind: str, value: str) -> str:
    """Return what may be shown of `value`. A kind that is not one of `KINDS` shows nothing."""
    mask = _MASKS.get(kind)
    return HIDDEN if mask is None else mask(value)


def _email(value: str) -> str:
    ending = value.rpartition("@")[2].rpartition(".")[2].lower()
    known = ending in _ENDINGS or (len(ending) == 2 and ending.isascii() and ending.isalpha())
    return f"user***@***.{ending}" if known else "user***@***.***"


def _iban(value: str) -> str:
    country = value.strip()[:2].upper()
    return f"{country if country.isascii() and country.isalpha() else '**'}** **** **** ****"


def _ip(value: str) -> str:
    return "*:*:*:*" if ":" in value else "*.*.*.*"


_PLACE = re.compile(r"[^\W\d_][^\W\d_.' -]*(?:[.' -]{1,2}[^\W\d_]+){0,3}\.?")
_STREET = re.compile(
    r"(?i)\b(?:street|st|str|road|rd|avenue|ave|av|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|square|sq|way|terrace|"
    r"close|crescent|apt|apartment|flat|floor|suite|unit|box|rue|allée|allee|chemin|quai|via|viale|piazza|corso|calle|"
    r"avenida|plaza|paseo|rua|travessa|weg|allee|platz|gasse|ufer|straat|laan|plein|ul|ulica|улица)\b"
    r"|(?:straße|strasse|str\.|gasse|platz|weg|allee|ufer|damm|straat|gatan|vej|gade)\b"
)
_COUNTRIES: Final = frozenset(
    """argentina australia austria österreich belgium belgique belgië brazil brasil bulgaria canada chile china colombia croatia
    cyprus czechia czech_republic denmark danmark egypt estonia finland suomi france germany deutschland greece hong_kong
    hungary iceland india indonesia ireland israel italy italia japan kenya latvia lithuania luxembourg malaysia malta mexico
    méxico morocco netherlands the_netherlands nederland new_zealand nigeria norway norge pakistan peru philippines poland
    polska portugal romania russia saudi_arabia serbia singapore slovakia slovenia south_africa south_korea korea spain españa
    sweden sverige switzerland schweiz suisse taiwan thailand tunisia turkey türkiye ukraine united_arab_emirates uae
    united_kingdom uk gb great_britain england scotland wales northern_ireland united_states united_states_of_america usa us
    u.s.a. u.s. vietnam at be br ca ch cn cz de dk es fi fr gr ie in it jp nl no nz pl pt ro se""".split()  # noqa: SIM905
)
_TOWN_AND_CODE = re.compile(r"\b(?=\w*\d)[\w-]+\b|\b[A-Z]{2}\b(?=\s*$)")


def _address(value: str) -> str:
    """Return the city and the country of an address that ends with a country; of any other nothing, for nobody knows which part is which."""
    parts = [part.strip() for part in re.split(r"[,\n;]", value[:1000]) if part.strip()]
    if len(parts) < 2 or parts[-1].casefold().replace(" ", "_") not in _COUNTRIES:
        return HIDDEN
    if parts[-2] == HIDDEN:
        return f"{HIDDEN}, {parts[-1]}"
    # A part without any number, or one whose number is a postal code beside a street's own part before it.
    code_may_stand = len(parts) > 2
    town = _TOWN_AND_CODE.sub("", parts[-2]).strip() if code_may_stand else parts[-2]
    shown = len(town) <= 40 and _PLACE.fullmatch(town) is not None and _STREET.search(parts[-2]) is None
    return f"{town if shown else HIDDEN}, {parts[-1]}"


def _always(mask: str) -> Callable[[str], str]:
    return lambda _value: mask


_MASKS: Final[dict[str, Callable[[str], str]]] = {
    "email": _email,
    "card": _always("**** **** **** ****"),
    "iban": _iban,
    "ssn": _always("***-**-****"),
    "phone": _always("+** *** *** ****"),
    "ip": _ip,
    "address": _address,
    "name": _always(HIDDEN),
    "id": _always(HIDDEN),
    "secret": _always(SECRET_MASK),
}
