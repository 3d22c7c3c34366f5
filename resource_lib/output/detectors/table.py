"""
All detectors, one row each: what it is called, what stands in its place, which literals it needs, what it looks like, what proves it.

Every pattern is linear: it begins at a literal or at the border of a run (a lookbehind), takes runs possessively, and what may
be tried again is bounded by a number. `benchmarks/screening.py` and tests/unit/resource_lib/output hold each against texts that are
made of its own near misses. Shapes of secrets are those their issuers publish for scanners.
"""

import re
from typing import Final

from resource_lib.output.detectors import proofs
from resource_lib.output.detectors.finding import SECRET, Detector, Span

_NAMES: Final = (
    "password", "passwd", "passwort", "kennwort", "contraseña", "contrasena", "senha", "pwd", "passphrase", "secret", "token", "apikey", "api_key",
    "api-key", "access_key", "accesskey", "access-key", "private_key", "privatekey", "private-key", "account_key", "accountkey", "signing_key",
    "encryption_key", "sharedaccesskey", "secret_key", "secretkey", "credential", "credentials", "session_id", "sessionid", "session-id", "jsessionid",
    "phpsessid", "cookie", "api key", "access key", "mot de passe",
)  # fmt: skip
"""Ends of names under which `name = value` is a secret, in lower case."""
_PAGES = re.compile(r"(?:page|next|prev|previous|sync|continuation|cursor|resume|public|design)[_-]?token$")
_VALUE = re.compile(
    r"\s{0,4}(?:(?P<quote>\\?[\"'`])(?P<quoted>[^\"'`\\\n]{4,1024}+)|(?P<plain>[^\s\"'`,;&<>(){}\[\]$\\]{5,256}+))"
)
_DIGIT, _SIGN, _LETTER = re.compile(r"[0-9]"), re.compile(r"[!#@%^~+/=?|]"), re.compile(r"[^\W\d_]")
_MASKS_AND_HOLES: Final = ("[secret", "***", "<", "${", "{{", "$(", "%(", "...")


def _assigned(match: re.Match[str]) -> Span | None:
    """Return the value of `name = value` where it is one: no call, no variable, no placeholder, no word of a sentence."""
    text = match.string
    before = text[max(0, match.start() - 40) : match.start()].rstrip("\"'\\ ]")
    if not before.endswith(_NAMES) or (before.endswith("token") and _PAGES.search(before)):
        return None
    given = _VALUE.match(text, match.end())
    if given is None:
        return None
    span = given.span("quoted" if given["quote"] else "plain")
    value = text[span[0] : span[1]]
    if value.startswith(_MASKS_AND_HOLES) or not value.strip("*.-_ x•"):
        return None
    if given["quote"]:
        return span
    if text[span[1] : span[1] + 1] in {"(", "["}:
        return None
    has_digit, has_sign, has_letter = (bool(kind.search(value)) for kind in (_DIGIT, _SIGN, _LETTER))
    return span if (has_letter and (has_digit or has_sign)) or (has_digit and len(value) >= 6) else None


def _generic_key(match: re.Match[str]) -> Span | None:
    """Return a key after a prefix as short as `sk-`: one that nobody typed, so no name of a style class or a package."""
    body = match["body"]
    digits = sum("0" <= letter <= "9" for letter in body)
    return match.span() if digits >= 2 and (any("A" <= letter <= "Z" for letter in body) or digits >= 6) else None


def _bearer(match: re.Match[str]) -> Span | None:
    value = match["it"]
    return match.span("it") if any("0" <= letter <= "9" for letter in value) else None


_NOT_LOCAL = re.compile(r"[^\w.+%-]")
_LONGEST_LOCAL: Final = 320
_FILES: Final = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".css", ".js", ".pdf")


def _person(match: re.Match[str]) -> Span | None:
    """Return an address with all that stands before its @, unless it is that of a repository (`git@host:path`) or a file (`icon@2x.png`)."""
    text, at = match.string, match.start()
    # Backwards to the first character that no local part has: a few steps for an address, bounded for a flood.
    before = text[max(0, at - _LONGEST_LOCAL) : at][::-1]
    end = _NOT_LOCAL.search(before)
    local = before[: end.start()] if end else before
    if (
        not local
        or match.group().endswith(_FILES)
        or (local[::-1] in {"git", "hg", "svn"} and text[match.end() : match.end() + 1] in {":", "/"})
    ):
        return None
    return at - len(local), match.end()


DETECTORS: Final[tuple[Detector, ...]] = (
    Detector(
        name="email",
        kind="email",
        needs="nothing",
        hints=("@",),
        proof=_person,
        pattern=re.compile(
            r"@(?:[^\W_](?:[\w-]{0,62}[^\W_])?\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?![^\W_]|-)"
        ),
    ),
    Detector(
        name="card",
        kind="card",
        needs="digits",
        proof=proofs.card,
        form=re.compile(
            r"(?:^|[^A-Za-z0-9.])[0-9](?:[0-9]{13,18}|[0-9]{3}[ -][0-9]{4,6}[ -][0-9]{4,5})(?:[^A-Za-z0-9]|$)"
        ),
        # Looked at from each group of digits on, in the groups that cards have: so lists of other numbers are none, and hide none.
        pattern=re.compile(
            r"[0-9](?<![A-Za-z0-9.][0-9])(?<![A-Za-z0-9]_[0-9])(?=(?P<rest>[0-9]{13,18}|[0-9]{3}(?P<by>[ -])(?:[0-9]{4}(?P=by)[0-9]{4}(?P=by)[0-9]{4}(?:(?P=by)[0-9]{3})?"
            r"|[0-9]{6}(?P=by)[0-9]{4,5}|[0-9]{4}(?P=by)[0-9]{5}))(?![A-Za-z0-9]|[_.][A-Za-z0-9]))"
        ),
    ),
    Detector(
        name="iban",
        kind="iban",
        needs="digits",
        proof=proofs.iban,
        form=re.compile(r"[A-Za-z]{2}[0-9]{2}"),
        pattern=re.compile(
            r"[A-Za-z](?<![A-Za-z0-9][A-Za-z])(?=(?P<rest>[A-Za-z][0-9]{2}(?:[ -]?[A-Za-z0-9]){11,31}+))"
        ),
    ),
    Detector(
        name="ssn",
        kind="ssn",
        needs="digits",
        hints=("-",),
        pattern=re.compile(
            r"[0-8](?<![A-Za-z0-9-][0-8])(?<![A-Za-z0-9]_[0-8])(?<!000)(?<!666)[0-9]{2}(?<!000)(?<!666)-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![A-Za-z0-9-]|_[A-Za-z0-9])"
        ),
    ),
    Detector(
        name="ssn",
        kind="ssn",
        needs="digits",
        hints=("ssn", "social security"),
        folded=True,
        proof=proofs.ssn_by_name,
        pattern=re.compile(
            r"[0-8](?<![A-Za-z0-9-][0-8])(?<![A-Za-z0-9]_[0-8])[0-9]{2}(?<!000)(?<!666)[ .]?(?!00)[0-9]{2}[ .]?(?!0000)[0-9]{4}(?![A-Za-z0-9-]|_[A-Za-z0-9])"
        ),
    ),
    Detector(
        name="phone",
        kind="phone",
        needs="digits",
        hints=("+",),
        proof=proofs.phone_with_country,
        pattern=re.compile(
            r"\+(?<![A-Za-z0-9_+.]\+)(?:1(?:[ ./()\u00a0-]{0,3}[0-9]){10}|[2-9](?:[ ./()\u00a0-]{0,3}[0-9]){7,14})(?![0-9])"
        ),
    ),
    Detector(
        name="phone",
        kind="phone",
        needs="digits",
        hints=("00",),
        proof=proofs.phone_with_country,
        pattern=re.compile(
            r"00(?<![A-Za-z0-9_+.-]00)(?<![0-9] 00)[1-9][0-9]{0,2}[ /-](?:[ /()-]{0,3}[0-9]){6,12}(?![A-Za-z0-9_-])"
        ),
    ),
    Detector(
        name="phone",
        kind="phone",
        needs="digits",
        proof=proofs.phone_of_north_america,
        form=re.compile(r"[0-9]{3}(?:\)|[.-][2-9][0-9]{2}[.-])"),
        pattern=re.compile(
            r"[12-9(](?<![A-Za-z0-9_.+-].)(?:(?<=1)[ .-]\(?[2-9])?(?:(?<=\()[2-9])?[0-9]{2}(?:\)[ -]?[2-9][0-9]{2}[ .-][0-9]{4}|(?P<by>[.-])[2-9][0-9]{2}(?P=by)[0-9]{4})(?![A-Za-z0-9_-]|\.[0-9])"
        ),
    ),
    Detector(
        name="phone",
        kind="phone",
        needs="digits",
        hints=("0",),
        proof=proofs.phone_with_trunk,
        pattern=re.compile(
            r"[(0](?<![A-Za-z0-9_+.-].)(?<![0-9][ ,].)(?:(?<=0)[1-9](?:(?P<by>[ .-])[0-9]{2})(?:(?P=by)[0-9]{2}){3}"
            r"|(?:(?<=\()0)?[1-9][0-9]{1,4}\)?(?:[ ][0-9]{3,4}[ ][0-9]{3,5}|[ ]?/[ ]?[0-9]{5,8}))(?![A-Za-z0-9_-]|[ .,][0-9])"
        ),
    ),
    Detector(
        name="phone",
        kind="phone",
        needs="digits",
        folded=True,
        proof=proofs.phone_by_name,
        hints=("tel", "phone", "mobil", "cell", "fax", "handy", "whatsapp", "móvil", "portable", "call "),
        pattern=re.compile(r"[(0-9](?<![A-Za-z0-9_.+/-].)[0-9 ()/.-]{4,22}[0-9](?![A-Za-z0-9_])"),
    ),
    Detector(
        name="ip",
        kind="ip",
        needs="dotted",
        hints=(".",),
        proof=proofs.ipv4,
        pattern=re.compile(
            r"[0-9](?<![A-Za-z0-9_.-][0-9])[0-9]{0,2}\.(?:[0-9]{1,3}\.){2}[0-9]{1,3}(?![A-Za-z0-9_-]|\.[0-9])"
        ),
    ),
    Detector(
        name="ip",
        kind="ip",
        needs="nothing",
        hints=("::",),
        proof=proofs.ipv6,
        pattern=re.compile(
            r"[0-9A-Fa-f:](?<![A-Za-z0-9_:.].)[0-9A-Fa-f:]{2,39}+(?:\.[0-9]{1,3}){0,3}(?![A-Za-z0-9_:])"
        ),
    ),
    Detector(
        name="ip",
        kind="ip",
        needs="word",
        hints=(":",),
        proof=proofs.ipv6,
        pattern=re.compile(r"[0-9A-Fa-f](?<![A-Za-z0-9_:.].)[0-9A-Fa-f]{0,3}(?::[0-9A-Fa-f]{1,4}){7}(?![A-Za-z0-9_:])"),
    ),
    # From here on secrets: never shown to anybody.
    Detector(
        name="private_key",
        kind=SECRET,
        needs="word",
        hints=("PRIVATE KEY",),
        pattern=re.compile(
            r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----(?:[^-]++|-(?!----END))*+(?:-----END [^-\n]{0,60}+-----)?"
        ),
    ),
    Detector(
        name="private_key",
        kind=SECRET,
        needs="word",
        hints=("AGE-SECRET-KEY-", "PuTTY-User-Key-File"),
        pattern=re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{20,}+|PuTTY-User-Key-File-[0-9](?s:.)*+"),
    ),
    Detector(
        name="jwt",
        kind=SECRET,
        needs="word",
        hints=("eyJ",),
        pattern=re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]{8,512}+\.[\w-]{4,}+\.[\w-]*+(?:\.[\w-]++){0,2}"),
    ),
    Detector(
        name="aws_key",
        kind=SECRET,
        needs="word",
        hints=("AKIA", "ASIA", "ABIA", "ACCA"),
        pattern=re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ),
    Detector(
        name="github_token",
        kind=SECRET,
        needs="word",
        hints=("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        pattern=re.compile(r"(?:gh[pousr]_[A-Za-z0-9]{20,255}+|github_pat_[A-Za-z0-9_]{22,255}+)"),
    ),
    Detector(
        name="gitlab_token",
        kind=SECRET,
        needs="word",
        hints=("glpat-", "glptt-", "gldt-", "glrt-", "glsoat-", "glcbt-"),
        pattern=re.compile(r"gl(?:pat|ptt|dt|rt|soat|cbt)-[\w-]{20,255}+"),
    ),
    Detector(
        name="slack_token",
        kind=SECRET,
        needs="word",
        hints=("xox", "xapp-", "hooks.slack.com/"),
        pattern=re.compile(
            r"(?:xox[abeoprs]-[A-Za-z0-9-]{10,255}+|xapp-[0-9]-[A-Za-z0-9-]{10,255}+)|hooks\.slack\.com/(?:services|workflows)/(?P<path>[A-Za-z0-9/_]{10,255}+)"
        ),
    ),
    Detector(
        name="stripe_key",
        kind=SECRET,
        needs="word",
        hints=("_live_", "_test_", "whsec_"),
        pattern=re.compile(r"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}+|whsec_[A-Za-z0-9+/=]{16,255}+)"),
    ),
    Detector(
        name="google_key",
        kind=SECRET,
        needs="word",
        hints=("AIza", "ya29.", "GOCSPX-", "1//0"),
        pattern=re.compile(
            r"(?<![A-Za-z0-9])(?:AIza[\w-]{35}(?![\w-])|ya29\.[\w.-]{20,2048}+|GOCSPX-[\w-]{20,64}+|1//0[\w-]{30,255}+)"
        ),
    ),
    Detector(
        name="model_key",
        kind=SECRET,
        needs="word",
        hints=("sk-", "hf_", "gsk_", "xai-", "r8_"),
        proof=_generic_key,
        pattern=re.compile(
            r"(?<![A-Za-z0-9-])(?:sk-(?:proj-|svcacct-|admin-|ant-(?:api|admin)[0-9]{2}-|or-v1-)?|hf_|gsk_|xai-|r8_)(?P<body>[A-Za-z0-9_-]{20,255}+)"
        ),
    ),
    Detector(
        name="service_token",
        kind=SECRET,
        needs="word",
        hints=(
            "npm_",
            "pypi-AgE",
            "SG.",
            "dop_v1_",
            "doo_v1_",
            "dckr_pat_",
            "shpat_",
            "shpss_",
            "sq0",
            "hvs.",
            "hvb.",
            "glsa_",
            "NRAK-",
            "PMAK-",
            "ATATT3",
            "lin_api_",
            "ntn_",
            "figd_",
            "xkeysib-",
            "dapi",
            "sntrys_",
            "rubygems_",
            "pul-",
            "atlasv1.",
            "key-",
            "SK",
            ":AA",
            "discord",
        ),
        pattern=re.compile(
            r"(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{36}|pypi-AgE[\w-]{50,255}+|SG\.[\w-]{16,32}+\.[\w-]{32,64}+|do[op]_v1_[a-f0-9]{64}"
            r"|dckr_pat_[\w-]{20,64}+|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}|sq0(?:atp|csp|idp)-[\w-]{22,64}+|hv[sb]\.[\w-]{24,255}+|glsa_[\w]{32,64}+"
            r"|NRAK-[A-Z0-9]{27}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|ATATT3[\w=-]{30,255}+|lin_api_[A-Za-z0-9]{32,64}+|ntn_[A-Za-z0-9]{40,64}+"
            r"|figd_[\w-]{30,64}+|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|dapi[a-f0-9]{32}|sntrys_[\w=+/-]{30,255}+|rubygems_[a-f0-9]{48}"
            r"|pul-[a-f0-9]{40}|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,80}+|key-[0-9a-f]{32}|SK[0-9a-f]{32}|[0-9]{8,10}:AA[\w-]{33})(?![A-Za-z0-9])"
            r"|discord(?:app)?\.com/api/webhooks/[0-9]{5,25}/[\w-]{20,100}+"
        ),
    ),
    Detector(
        # What this project's own servers and keys look like (`wire/api_key.py`, the authorization server's identifiers).
        name="authserver_token",
        kind=SECRET,
        needs="word",
        hints=("ac_", "rt_", "cs_", "se_", "ask_"),
        pattern=re.compile(r"(?<![A-Za-z0-9])(?:(?:ac|rt|ask)_[a-z2-7]{16}_[\w-]{20,}+|(?:cs|se)_[\w-]{40,}+)"),
    ),
    Detector(
        name="authorization",
        kind=SECRET,
        needs="nothing",
        hints=("authorization", "x-api-key", "x-auth-token"),
        folded=True,
        pattern=re.compile(
            r"(?:authorization|x-api-key|x-auth-token)[\"']?\s{0,4}[:=]\s{0,4}[\"']?"
            r"(?:(?:basic|bearer|token|dpop|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?(?!\[secret|(?:basic|bearer|token|dpop)\b)(?P<it>[^\s\"',;<>{}\[\]]{6,}+)"
        ),
    ),
    Detector(
        name="authorization",
        kind=SECRET,
        needs="word",
        hints=("bearer ", "basic ", "dpop "),
        folded=True,
        proof=_bearer,
        pattern=re.compile(r"(?:bearer|basic|dpop) {1,4}(?P<it>[a-z0-9._~+/-]{16,}+={0,2})"),
    ),
    Detector(
        name="cookie",
        kind=SECRET,
        needs="nothing",
        hints=("cookie:",),
        folded=True,
        pattern=re.compile(r"cookie:[ \t]{0,4}(?!\[secret)(?P<it>[\w.%-]{1,200}+=[^\r\n\"']{1,8192}+)"),
    ),
    Detector(
        name="connection",
        kind=SECRET,
        needs="nothing",
        hints=("://",),
        pattern=re.compile(
            r"://(?P<it>[^\s/:@\"'<>\[\]*]{0,200}+:(?!\*|\[secret)[^\s/@\"'<>]++(?:@[^\s/@\"'<>]++(?=@))*+)@"
        ),
    ),
    Detector(
        name="assigned",
        kind=SECRET,
        needs="nothing",
        folded=True,
        proof=_assigned,
        hints=(
            "passw",
            "pwd",
            "passphrase",
            "secret",
            "token",
            "key",
            "credential",
            "kennwort",
            "contrase",
            "senha",
            "sess",
            "cookie",
            "mot de passe",
        ),
        pattern=re.compile(r"=>|:=|[:=]"),
    ),
)
"""In the order of the page; where two findings overlap, the order of `redaction.py` decides."""
