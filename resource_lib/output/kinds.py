"""
The words of `x-pii`, the gravest first: a place of which two are said is treated as the first of them.
"""

from typing import Literal

Kind = Literal["secret", "card", "iban", "ssn", "id", "email", "phone", "ip", "name", "address"]
