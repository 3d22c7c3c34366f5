"""
Which member names say that what stands under them is a secret, whatever it looks like: `password`, `apiKey`, `X-Auth-Token`.

A name is read as its words (`clientSecret`, `client_secret` and `CLIENT-SECRET` are one), case and width do not matter. What a
name merely says *about* a secret is none: `token_type`, `max_tokens`, `password_changed_at`, `next_page_token`.

One list for what a tool's answer masks and for what a log never says. C34, C47, LG-05.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")

_LAST_WORDS: Final = frozenset(
    """password passwords passwd passwort kennwort pwd passphrase passcode secret secrets token tokens credential credentials cookie
    cookies authorization cvv cvc cvv2 otp totp jwt apikey apikeys pat psk dsn privatekey secretkey accesskey clientsecret authtoken
    accesstoken refreshtoken idtoken sessionid sessid phpsessid jsessionid csrf xsrf mnemonic bearer contraseña contrasena senha
    motdepasse wachtwoord hasło haslo lösenord пароль 密码 密碼 パスワード 비밀번호""".split()  # noqa: SIM905
)
"""A name that ends with one of these."""
_LAST_PAIRS: Final = frozenset(
    """api_key access_key secret_key private_key signing_key encryption_key account_key master_key shared_key ssh_key deploy_key
    license_key service_key auth_key session_key hmac_key webhook_key storage_key encryption_secret session_id session_cookie
    connection_string recovery_code recovery_codes backup_code backup_codes security_code verification_code seed_phrase
    recovery_phrase pin_code proxy_authorization code_verifier client_assertion auth_header service_account_key api_keys access_keys
    secret_keys private_keys jdbc_url database_url webhook_url redis_url mongodb_uri""".split()  # noqa: SIM905
)
"""And one that ends with two of these words."""
_ALONE: Final = frozenset({"pin", "auth", "kek", "signature_key"})
"""A name that is just this."""
_HARMLESS: Final = frozenset(
    """page_token next_token prev_token previous_token sync_token continuation_token cursor_token pagination_token resume_token
    max_tokens min_tokens total_tokens prompt_tokens completion_tokens input_tokens output_tokens reasoning_tokens cached_tokens
    used_tokens num_tokens stop_tokens special_tokens public_token design_token design_tokens has_password is_secret is_token
    requires_password needs_password has_token no_password forgot_password reset_password change_password""".split()  # noqa: SIM905
)
"""A name that ends with two of these after all says nothing of a secret."""


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    # Short: thousands of marks on one letter would take as long as their square to put in order.
    words = [word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", name))]
    if not words:
        return False
    pair = "_".join(words[-2:])
    if pair in _HARMLESS:
        return False
    return words[-1] in _LAST_WORDS or pair in _LAST_PAIRS or "_".join(words) in _ALONE or "".join(words) in _LAST_WORDS


def names_a_secret(name: str) -> bool:
    """Whether what stands under this name is masked whatever it is."""
    # A longer name is its end: what it is called by stands there.
    return _is_secret(name[-100:])


_NUMBERS: Final = frozenset({"password", "passwd", "pwd", "pin", "passcode", "cvv", "cvc", "otp", "totp", "code"})


def numbers_too(name: str) -> bool:
    """Whether under this name a number is a secret as well: a PIN is, a count of tokens is none."""
    words = _WORD.findall(name[-100:])
    return bool(words) and words[-1].lower() in _NUMBERS
