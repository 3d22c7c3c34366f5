"""
Where a tenant wants to be told: an address that a machine reads, a secret that signs, and whether it still answers.

The secret is shown once and kept as an envelope (`store.SECRET`); while it is being rotated two of them sign. An address that may
not be asked is refused when it is added, and what its name resolves to is checked each time it is (`runtime/outbound.py`).
An address can be as good as a password, so it is kept in that envelope too; a list and the record show its host alone.
"""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import orjson

from authserver.domain.audit import event, following
from authserver.domain.notices import forwarding, signature, store
from authserver.domain.notices.notice import Channel, Event, tell_webhooks, timestamp
from authserver.runtime.identifiers import new_id
from authserver.runtime.outbound import OutboundRefusedError
from authserver.runtime.unit_of_work import Row, UnitOfWork

MOST_OF_A_TENANT: Final = 10
MOST_EVENTS: Final = 30
MOST_OVERLAP_S: Final = 7 * 24 * 3600
SUBSCRIBABLE: Final = (Event.APPROVAL_REQUESTED, Event.APPROVAL_DECIDED, Event.SIGNAL_RAISED, Event.WEBHOOK_DISABLED)


class InvalidWebhookError(ValueError):
    """A webhook cannot be like that. The message names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """What is known of a webhook; its secrets are not. `host` is where it is told, as an origin."""

    id: str
    host: str
    events: tuple[str, ...]
    created_at: int
    failing_since: int | None
    disabled_at: int | None

    @property
    def is_active(self) -> bool:
        """Whether it is told."""
        return self.disabled_at is None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSecret:
    """A webhook with the secret that was just made for it, shown once."""

    webhook: Webhook
    secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A call that is ready to be sent."""

    url: str = field(repr=False)
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What became of one notice for a webhook. `failure`: empty where it went well, or was not tried yet."""

    notice_id: str
    event: str
    about: str
    created_at: int
    next_try_at: int | None
    tries: int
    done_at: int | None
    failure: str


async def add(work: UnitOfWork, *, url: str, events: tuple[str, ...] = ()) -> NewSecret:
    """Add a webhook to the bound tenant; no `events`: all. Raises InvalidWebhookError."""
    try:
        work.machines.outbound.check(url)
    except OutboundRefusedError as error:
        raise InvalidWebhookError(f"url: {error.description}") from None
    known = [wanted.value for wanted in SUBSCRIBABLE]
    for name in events:
        if name not in known and not forwarding.is_of_the_record(name):
            raise InvalidWebhookError(
                f"event: {name!r} is none of {', '.join(known)}, and no kind of the record such as 'call:*' or 'operator:kill:stopped'"
            )
    if len(events) > MOST_EVENTS:
        raise InvalidWebhookError(
            f"event: at most {MOST_EVENTS} for one webhook; 'call:*' stands for all that begin so"
        )
    if len(await work.all(store.WEBHOOKS)) >= MOST_OF_A_TENANT:
        raise InvalidWebhookError(f"url: a tenant has at most {MOST_OF_A_TENANT} webhooks; remove one")
    made = Webhook(
        id=new_id("whk"),
        host=origin_of(url),
        events=tuple(dict.fromkeys(events)) or tuple(known),
        created_at=work.now,
        failing_since=None,
        disabled_at=None,
    )
    secret = secrets.token_bytes(32)
    work.write(
        store.ADD_WEBHOOK,
        webhook_id=made.id,
        host=made.host,
        events=" ".join(made.events),
        secret=_sealed(work, made.id, _Kept(url=url, secrets=((secret, None),))),
        now=work.now,
    )
    await _follow(work, made)
    _record(work, made, "added")
    return NewSecret(webhook=made, secret=signature.secret_text(secret))


async def of_tenant(work: UnitOfWork) -> list[Webhook]:
    """Return the webhooks of the bound tenant, oldest first."""
    return [_webhook(row) for row in await work.all(store.WEBHOOKS)]


async def find(work: UnitOfWork, webhook_id: str) -> Webhook | None:
    """Return a webhook of the bound tenant, or None; never from memory."""
    row = await work.one(store.WEBHOOK, webhook_id=webhook_id)
    return _webhook(row) if row else None


async def rotate(work: UnitOfWork, webhook: Webhook, *, overlap_s: int) -> NewSecret:
    """Give a webhook a new secret; the old one signs besides it for `overlap_s` more seconds.

    A lost commit: it was rotated or removed meanwhile. Raises InvalidWebhookError.
    """
    if not 0 <= overlap_s <= MOST_OVERLAP_S:
        raise InvalidWebhookError("overlap: at most a week")
    row = await work.one(store.WEBHOOK, webhook_id=webhook.id)
    if row is None:
        raise InvalidWebhookError("webhook: it is gone")
    secret = secrets.token_bytes(32)
    # The newest of the old ones alone: whoever rotates twice because a secret leaked must not keep the leaked one signing.
    kept = _opened(work, row)
    old = ((kept.secrets[0][0], work.now + overlap_s),) if overlap_s else ()
    work.claim(
        store.SET_SECRET,
        webhook_id=webhook.id,
        secret=_sealed(work, webhook.id, _Kept(url=kept.url, secrets=((secret, None), *old))),
        until_now=row["secret"],
    )
    _record(work, webhook, "rotated")
    return NewSecret(webhook=webhook, secret=signature.secret_text(secret))


def disable(work: UnitOfWork, webhook: Webhook) -> None:
    """Tell it nothing more; what waits for it is dropped. A lost commit: it was disabled or removed already."""
    work.claim(store.DISABLE_WEBHOOK, webhook_id=webhook.id, now=work.now)
    following.forget(work, forwarding.reader_of(webhook.id))
    drop(work, webhook.id, "disabled")
    _record(work, webhook, "disabled")


async def enable(work: UnitOfWork, webhook: Webhook) -> None:
    """Tell it again, from now on. A lost commit: it was not disabled, or is gone."""
    work.claim(store.ENABLE_WEBHOOK, webhook_id=webhook.id)
    await _follow(work, webhook)
    _record(work, webhook, "enabled")


def remove(work: UnitOfWork, webhook: Webhook) -> None:
    """Forget it and its secret. A lost commit: it is gone already."""
    work.claim(store.REMOVE_WEBHOOK, webhook_id=webhook.id)
    following.forget(work, forwarding.reader_of(webhook.id))
    drop(work, webhook.id, "removed")
    _record(work, webhook, "removed")


def forget_all(work: UnitOfWork) -> None:
    """Forget every webhook of the bound tenant, and what still waits: the tenant goes."""
    work.write(store.FORGET_WEBHOOKS)
    following.forget_all(work, forwarding.reader_of(""))
    work.write(store.FORGET_NOTICES)


async def disable_failing(work: UnitOfWork, webhook: Webhook, *, failure: str) -> None:
    """Disable what has not answered for days, and say so: in the record, and to the tenant's other webhooks."""
    work.claim(store.DISABLE_WEBHOOK, webhook_id=webhook.id, now=work.now)
    following.forget(work, forwarding.reader_of(webhook.id))
    drop(work, webhook.id, failure)
    event.record(work, event.Kind.WEBHOOK_DISABLED, reason=failure, webhook_id=webhook.id)
    data = {
        "tenant_id": work.tenant,
        "webhook_id": webhook.id,
        "failing_since": None if webhook.failing_since is None else timestamp(webhook.failing_since),
        "failure": failure,
    }
    await tell_webhooks(work, Event.WEBHOOK_DISABLED, about=webhook.id, data=data, but=webhook.id)


def drop(work: UnitOfWork, webhook_id: str, failure: str) -> None:
    """Give up what waits for it."""
    work.write(store.DROP_OF_TARGET, channel=Channel.WEBHOOK.value, target=webhook_id, now=work.now, failure=failure)


async def prepared(work: UnitOfWork, webhook_id: str, *, message_id: str, body: bytes) -> Prepared | None:
    """Return where `body` goes and the headers that sign it now; None when the webhook is gone or disabled. Raises VaultError."""
    row = await work.one(store.WEBHOOK, webhook_id=webhook_id)
    if row is None or row["disabled_at"] is not None:
        return None
    kept = _opened(work, row)
    usable = [secret for secret, until in kept.secrets if until is None or work.now < until]
    return Prepared(url=kept.url, headers=signature.headers(usable, message_id=message_id, at=work.now, body=body))


async def address(work: UnitOfWork, webhook: Webhook) -> str:
    """Return the address of a webhook for its operator, without a query. Raises VaultError."""
    row = await work.one(store.WEBHOOK, webhook_id=webhook.id)
    url, question, _ = (_opened(work, row).url if row else webhook.host).partition("?")
    return url + (question and "?…")


async def attempts(work: UnitOfWork, webhook: Webhook, *, most: int = 20) -> list[Attempt]:
    """Return what was told it lately, or is still to be told, newest first."""
    rows = await work.all(store.OF_TARGET, channel=Channel.WEBHOOK.value, target=webhook.id, most=most)
    return [
        Attempt(
            notice_id=row["notice_id"],
            event=row["event"],
            about=row["about"],
            created_at=row["created_at"],
            next_try_at=row["next_try_at"] if row["done_at"] is None else None,
            tries=row["tries"],
            done_at=row["done_at"],
            failure=row["failure"],
        )
        for row in rows
    ]


async def _follow(work: UnitOfWork, webhook: Webhook) -> None:
    if any(map(forwarding.is_of_the_record, webhook.events)):
        await following.begin_at_end(work, forwarding.reader_of(webhook.id))


def _record(work: UnitOfWork, webhook: Webhook, action: str) -> None:
    event.record(
        work,
        event.Kind.WEBHOOK_CHANGED,
        action=action,
        webhook_id=webhook.id,
        events=list(webhook.events),
        payload={"host": webhook.host},
    )


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL: what of it is nobody's secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """What the envelope holds: the address, and each secret with the moment until which it signs (None: it is the newest)."""

    url: str
    secrets: tuple[tuple[bytes, int | None], ...]


def _sealed(work: UnitOfWork, webhook_id: str, kept: _Kept) -> str:
    assert work.tenant is not None
    said = {"url": kept.url, "secrets": [[base64.b64encode(secret).decode(), until] for secret, until in kept.secrets]}
    return store.SECRET.seal(
        work.machines.key_encryption, orjson.dumps(said), tenant_id=work.tenant, webhook_id=webhook_id
    )


def _opened(work: UnitOfWork, row: Row) -> _Kept:
    clear = store.SECRET.open(
        work.machines.key_encryption, row["secret"], tenant_id=row["tenant_id"], webhook_id=row["webhook_id"]
    )
    said = orjson.loads(clear)
    return _Kept(url=said["url"], secrets=tuple((base64.b64decode(secret), until) for secret, until in said["secrets"]))


def _webhook(row: Row) -> Webhook:
    return Webhook(
        id=row["webhook_id"],
        host=row["host"],
        events=tuple(row["events"].split()),
        created_at=row["created_at"],
        failing_since=row["failing_since"],
        disabled_at=row["disabled_at"],
    )
