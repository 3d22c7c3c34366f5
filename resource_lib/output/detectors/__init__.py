"""
Personal data and secrets in free text: found by shape, proven where the shape has a proof, and masked so that nothing of them is left.

    redacted("write to jane@example.com")       -> "write to user***@***.com", {"email": 1}
    redacted(text, personal=False)              -> secrets alone, for whoever may see personal data
    redacted_value({"password": "hunter2"})     -> {"password": "[secret]"}, {"named": 1}
    masked("card", "4111 1111 1111 1111")       -> "**** **** **** ****"

What is found is a table (`table.py`); which rows of it run at all is decided by the literals that each needs, so that ordinary
text costs a few searches. All of it is linear in the text. `disguises.py` says which encodings are looked through, and which not.
C34, C47; docs/screening.md has the precision and recall of each.
"""

from resource_lib.output.detectors.finding import Finding as Finding
from resource_lib.output.detectors.masks import KINDS as KINDS
from resource_lib.output.detectors.masks import masked as masked
from resource_lib.output.detectors.redaction import found as found
from resource_lib.output.detectors.redaction import redacted as redacted
from resource_lib.output.detectors.redaction import redacted_value as redacted_value
from resource_lib.output.detectors.table import DETECTORS as DETECTORS
from resource_lib.wire.secret_names import names_a_secret as names_a_secret
