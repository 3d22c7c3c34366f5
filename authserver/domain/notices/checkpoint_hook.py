"""How a webhook of the deployment is told of checkpoints: signed like every notice of ours, by the one way out."""

import hashlib

from authserver.domain.audit.copies import Copy, NotCopiedError
from authserver.domain.notices import signature
from authserver.runtime.machines import Machines
from authserver.runtime.outbound import OutboundError


async def post(machines: Machines, copy: Copy) -> None:
    """Post a checkpoint to the webhook of the settings. Raises NotCopiedError, OSError where the secret cannot be read."""
    settings = machines.settings
    assert settings.audit_checkpoint_webhook_secret_file is not None
    secret = settings.audit_checkpoint_webhook_secret_file.read_text(encoding="utf-8").strip()
    body = copy.line.rstrip(b"\n")
    message_id = f"chk_{hashlib.sha256(body).hexdigest()[:32]}"
    try:
        key = signature.secret_bytes(secret)
    except ValueError:
        raise NotCopiedError("secret_unreadable") from None
    headers = signature.headers([key], message_id=message_id, at=copy.at_us // 1_000_000, body=body)
    try:
        status = await machines.outbound.post(settings.audit_checkpoint_webhook, body, headers=headers)
    except OutboundError as error:
        raise NotCopiedError(error.reason) from None
    if not 200 <= status < 300:
        raise NotCopiedError(f"status_{status}")
