"""
What proves that digits of the right shape are the thing: check digits, issuers' ranges, countries' lengths.

Sources: ISO/IEC 7812-1 (Luhn, issuer ranges), ISO 13616 (IBAN: lengths by country, mod 97), the SSA's rules for numbers never given,
NANP for North American numbers, RFC 4291 and RFC 5952 for IPv6.
"""

import ipaddress
import re
from typing import Final

from resource_lib.output.detectors.finding import Span

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """Whether the check digit is right. ISO/IEC 7812-1, annex B."""
    single = sum(map(int, digits[-1::-2]))
    return (single + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0


_ISSUERS = re.compile(
    r"4\d{15}(?:\d{3})?"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|220[0-4]\d{12}"  # Mir
)
_DIGITS = re.compile(r"[0-9]+")


def card(match: re.Match[str]) -> Span | None:
    """Return a number that an issuer gives out and whose check digit is right."""
    span = match.start(), match.end("rest")
    digits = match.string[span[0] : span[1]].replace(" ", "").replace("-", "")
    return span if _ISSUERS.fullmatch(digits) and luhn(digits) else None


_IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in (
        line.split(":")
        for line in """15:NO 16:BE 18:DK,FI,FO,GL,NL,SD 19:MK,SI 20:AT,BA,EE,KZ,LT,LU,MN,XK 21:CH,HR,LI,LV
        22:BG,BH,CR,DE,GB,GE,IE,ME,RS,VA 23:AE,GI,IL,IQ,OM,SO,TL 24:AD,CZ,ES,MD,PK,RO,SA,SE,SK,TN,VG 25:LY,PT,ST 26:IS,TR
        27:BI,DJ,FR,GR,IT,MC,MR,SM 28:AL,AZ,BY,CY,DO,GT,HU,LB,NI,PL,SV 29:BR,EG,PS,QA,UA 30:JO,KW,MU,YE 31:MT,SC 32:LC
        33:RU""".split()  # noqa: SIM905
    )
    for country in countries.split(",")
}


def iban(match: re.Match[str]) -> Span | None:
    """Return the account number that a run begins with. ISO 13616-1: the length is the country's, the rest of 97 is 1."""
    run = match.string[match.start() : match.end("rest")]
    length = _IBAN_LENGTHS.get(run[:2].upper())
    if length is None:
        return None
    letters: list[str] = []
    end = 0
    while len(letters) < length and end < len(run):
        if run[end] not in " -":
            letters.append(run[end])
        end += 1
    if len(letters) < length:
        return None
    if end < len(run) and run[end].isalnum():
        return None
    number = "".join(letters).upper()
    value = int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4]))
    return (match.start(), match.start() + end) if value % 97 == 1 else None


_NANP = re.compile(r"[2-9](?!11)\d\d[2-9](?!11)\d{6}")
_CALLING_CODES = re.compile(
    r"1|7|2(?:0|7|[1-69]\d)|3(?:[0-469]|[578]\d)|4(?:[013-9]|2\d)|5(?:[1-8]|[09]\d)|6(?:[0-6]|[7-9]\d)|8(?:[1246]|[03578]\d)|9(?:[0-58]|[679]\d)"
)


def phone_with_country(match: re.Match[str]) -> Span | None:
    """Return an international number: a calling code that is given out, and as many digits as E.164 lets a number have."""
    digits = "".join(_DIGITS.findall(match.group()))
    digits = digits.removeprefix("00")
    if not 8 <= len(digits) <= 15 or _CALLING_CODES.match(digits) is None:
        return None
    if digits[0] == "1" and (len(digits) != 11 or _NANP.fullmatch(digits[1:]) is None):
        return None
    return match.span()


def phone_of_north_america(match: re.Match[str]) -> Span | None:
    """Return a grouped number whose area and exchange are possible."""
    digits = "".join(_DIGITS.findall(match.group()))[-10:]
    return match.span() if _NANP.fullmatch(digits) else None


def phone_with_trunk(match: re.Match[str]) -> Span | None:
    """Return a national number that begins with the trunk zero and has the length of one."""
    digits = "".join(_DIGITS.findall(match.group()))
    return match.span() if 9 <= len(digits) <= 12 and len(set(digits)) > 2 else None


_CALLED_A_PHONE = re.compile(
    r"(?i)(?:\btel(?:efon|efono|éfono|éphone|ephone|efoon)?|phone|\bmobil|\bmobile|mobilnummer|\bcell|\bfax|\bhandy|whatsapp|móvil|portable|"
    r"\bcall (?:me|us|him|her|them))(?: ?(?:number|no\.?|nr\.?|nummer))?(?: (?:at|on|under))?\.?(?: is)?[ \t]{0,2}[:=#]?[ \t]{0,2}$"
)


def phone_by_name(match: re.Match[str]) -> Span | None:
    """Return a number that its text calls a telephone number."""
    if not 6 <= len("".join(_DIGITS.findall(match.group()))) <= 15:
        return None
    before = match.string[max(0, match.start() - 32) : match.start()]
    return match.span() if _CALLED_A_PHONE.search(before) else None


_CALLED_A_NUMBER = re.compile(r"(?i)(?:\bssn|social security(?: (?:number|no\.?|#))?)(?: is)?[\s:#=]{0,4}$")


def ssn_by_name(match: re.Match[str]) -> Span | None:
    """Return a number that its text calls a social security number."""
    before = match.string[max(0, match.start() - 40) : match.start()]
    return match.span() if _CALLED_A_NUMBER.search(before) else None


_NO_ADDRESS_AFTER = re.compile(
    r"(?i)(?:\bv|\bver\.?|version|release|build|chapter|section|§|assembly|firmware|driver)[\s:=\"'v]{0,4}$"
)


def ipv4(match: re.Match[str]) -> Span | None:
    """Return an address of a machine that could be a person's: no mask, no loopback, no version number."""
    parts = [int(part) for part in match.group().split(".")]
    if max(parts) > 255 or parts[0] in {0, 127, 255}:
        return None
    if any(len(part) > 1 and part[0] == "0" for part in match.group().split(".")):
        return None
    before = match.string[max(0, match.start() - 16) : match.start()]
    return None if _NO_ADDRESS_AFTER.search(before) else match.span()


def ipv6(match: re.Match[str]) -> Span | None:
    """Return an address with enough in it to be somebody's: a time, a MAC address and `std::dec` are none."""
    text = match.group().rstrip(":.") if not match.group().endswith("::") else match.group()
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    groups = [group for group in text.split(":") if group]
    if address.is_loopback or address.is_unspecified or len(groups) < 2 or not any(letter.isdigit() for letter in text):
        return None
    if "::" not in text and not any(len(group) > 2 for group in groups):
        return None
    return match.start(), match.start() + len(text)
