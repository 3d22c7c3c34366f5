"""The nouns `issuers` and `keys`: under which names tokens are signed, and with what. A private half is never shown."""

from typing import Literal

from pydantic import Field

from authserver.domain.issuers import issuer as issuers
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.keys import rotation
from authserver.domain.keys.signing_key import KeyRing, SigningKey, key_ring
from authserver.domain.tenants import tenant as tenants
from authserver.runtime.identifiers import derived_id
from authserver.runtime.schema import SHARED
from authserver.web.admin.ask import Ask, Said
from authserver.web.admin.problems import ProblemError, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route


class IssuerShown(Thing):
    """One name under which tokens are signed."""

    id: str = Field(examples=["iss_abcdefghijklmnopqrstuvwxyz"])
    issuer: str = Field(description="The `iss` of everything it signs.", examples=["https://auth.example.com"])
    tenant: str | None = Field(description="Whose it is; null: it speaks for every tenant without one of its own.")
    jwks_uri: str


class IssuerPage(Shown):
    """Some issuers, by name."""

    items: list[IssuerShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class NewIssuer(Strict):
    """A name of its own for a tenant."""

    owner: str = Field(min_length=1, max_length=60, description="Id or slug of the tenant.", examples=["acme"])


class KeyShown(Thing):
    """One signing key; its private half is never shown."""

    kid: str = Field(description="Its id, as in the header of a token.")
    issuer_id: str
    algorithm: str = Field(examples=["ES256"])
    state: Literal["published", "signing", "retiring", "removed"]
    publish_at: int = Field(description="Seconds since the epoch, as are the others.")
    sign_from: int
    remove_at: int | None = Field(description="null: nothing follows it yet.")


class KeyPage(Shown):
    """Some signing keys, issuer by issuer, the oldest first."""

    items: list[KeyShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class Rotation(Strict):
    """Which issuer gets a new key, and from when it signs."""

    issuer_id: str | None = Field(default=None, max_length=60, description="Left out: the one that speaks for you.")
    at_once: bool = Field(
        default=False, description="Let it sign now, before every cache knows it: for a key that leaked."
    )


@route("GET", "/issuers", gives=IssuerPage, says="List issuers")
async def list_issuers(ask: Ask, limit: Limit = 50, cursor: Cursor = None) -> IssuerPage:
    """All of them for the platform's operators; the one that speaks for you for everybody else."""
    after = ask.after(cursor)
    found = [one for one in await _seen(ask) if after is None or one.path > str(after[0])][: limit + 1]
    return IssuerPage(
        items=[_issuer(one) for one in found[:limit]], next=ask.next_cursor(found, limit, lambda one: [one.path])
    )


@route("POST", "/issuers", gives=IssuerShown, status=201, says="Give a tenant an issuer of its own")
async def add(ask: Ask, body: NewIssuer) -> Said:
    """With a key of its own, which signs at once. What the tenant's people had from the shared one is good no more."""
    owner = await tenants.by_id(ask.work, body.owner) or await tenants.by_slug(ask.work, body.owner)
    if owner is None:
        raise not_found()
    if owner.is_platform:
        raise ProblemError(409, "This tenant runs the deployment; it has no name of its own.")
    made = issuers.add(ask.work, slug=owner.slug, tenant=owner.id)
    await rotation.rotate(ask.work, made, publish_ahead_s=0)
    ask.otherwise("owner: has an issuer of its own already.")
    shown = _issuer(made)
    return Said(body=shown, status=201, location=f"{ask.base}/issuers/{shown.id}")


@route("GET", "/issuers/{issuer_id}", gives=IssuerShown, says="Show an issuer")
async def show(ask: Ask, issuer_id: Id) -> IssuerShown:
    """By its id."""
    return _issuer(await _found(ask, issuer_id))


@route("DELETE", "/issuers/{issuer_id}", gives=None, says="Take a tenant's own issuer away")
async def remove(ask: Ask, issuer_id: Id) -> None:
    """With its keys: every token under that name ends, and the tenant is served by the shared issuer again."""
    found = await _found(ask, issuer_id)
    ask.unchanged(_issuer(found))
    if found.is_shared:
        raise ProblemError(409, "This is the deployment's own name; it is set on its machine.")
    await rotation.remove_all(ask.work, found.path)
    issuers.remove(ask.work, path=found.path)
    ask.otherwise("It is gone already.")


@route("GET", "/keys", gives=KeyPage, says="List signing keys")
async def list_keys(ask: Ask, limit: Limit = 50, cursor: Cursor = None) -> KeyPage:
    """Those that sign for you; all of them for the platform's operators."""
    after, found = ask.after(cursor), []
    for issuer in await _seen(ask):
        if after is not None and issuer.path < str(after[0]):
            continue
        ring = await key_ring(ask.work, issuer.path)
        found += [
            (issuer, ring, key)
            for key in ring.keys
            if after is None or [issuer.path, key.generation] > [str(after[0]), int(after[1])]
        ]
        if len(found) > limit:
            break
    return KeyPage(
        items=[_key(ask, *one) for one in found[:limit]],
        next=ask.next_cursor(found, limit, lambda one: [one[0].path, one[2].generation]),
    )


@route("POST", "/keys", gives=KeyShown, status=201, says="Rotate: publish the next signing key")
async def rotate(ask: Ask, body: Rotation) -> Said:
    """The one before stays until its last token has expired. A tenant's people rotate the keys of their own issuer alone."""
    issuer = (
        await _found(ask, body.issuer_id)
        if body.issuer_id
        else (await issuers.all_issuers(ask.work)).of_tenant(ask.operator.home)
    )
    await _demand_own(ask, issuer)
    settings = ask.work.machines.settings
    ahead = 0 if body.at_once else settings.key_publish_ahead_seconds
    kid = await rotation.rotate(ask.work, issuer, publish_ahead_s=ahead)
    ask.otherwise("Somebody else rotated it at this moment; look again.")
    shown = KeyShown(
        kid=kid,
        issuer_id=_id(issuer),
        algorithm=settings.signing_algorithm,
        state="published" if ahead else "signing",
        publish_at=ask.work.now,
        sign_from=ask.work.now + ahead,
        remove_at=None,
    )
    return Said(body=shown, status=201, location=f"{ask.base}/keys/{kid}")


@route("GET", "/keys/{kid}", gives=KeyShown, says="Show a signing key")
async def show_key(ask: Ask, kid: Id) -> KeyShown:
    """Its dates; its private half is never shown."""
    return _key(ask, *await _found_key(ask, kid))


@route("DELETE", "/keys/{kid}", gives=None, says="Take a signing key out at once")
async def remove_key(ask: Ask, kid: Id) -> None:
    """For a key that leaked: every token it has signed ends, yours perhaps too. Where it was the one
    that signs, the next one does from now.
    """
    issuer, ring, key = await _found_key(ask, kid)
    await _demand_own(ask, issuer)
    ask.unchanged(_key(ask, issuer, ring, key))
    if key.remove_at is not None and key.remove_at <= ask.work.now:
        raise ProblemError(409, "It is out already.")
    await rotation.remove(ask.work, kid, issuer_path=issuer.path)
    ask.otherwise("It is out already.")


async def _seen(ask: Ask) -> list[Issuer]:
    """Return the issuers that whoever asks may know of."""
    known = await issuers.all_issuers(ask.work)
    if ask.operator.is_platform:
        return sorted(known.by_path.values(), key=lambda one: one.path)
    return [known.of_tenant(ask.operator.home)]


async def _found(ask: Ask, issuer_id: str) -> Issuer:
    found = next((one for one in await _seen(ask) if _id(one) == issuer_id), None)
    if found is None:
        raise not_found()
    return found


async def _found_key(ask: Ask, kid: str) -> tuple[Issuer, KeyRing, SigningKey]:
    for issuer in await _seen(ask):
        ring = await key_ring(ask.work, issuer.path)
        for key in ring.keys:
            if key.kid == kid:
                return issuer, ring, key
    raise not_found()


async def _demand_own(ask: Ask, issuer: Issuer) -> None:
    """Raise ProblemError unless the keys are whoever asks' to change: those that sign for others too are the platform's."""
    if issuer.tenant == SHARED or issuer.tenant != ask.operator.home:
        await ask.platform("issuer_id")


def _id(issuer: Issuer) -> str:
    return derived_id("iss", issuer.path)


def _issuer(issuer: Issuer) -> IssuerShown:
    return IssuerShown(
        id=_id(issuer),
        issuer=issuer.identifier,
        tenant=None if issuer.is_shared else issuer.tenant,
        jwks_uri=issuer.url("/jwks.json"),
    )


def _key(ask: Ask, issuer: Issuer, ring: KeyRing, key: SigningKey) -> KeyShown:
    return KeyShown(
        kid=key.kid,
        issuer_id=_id(issuer),
        algorithm=key.algorithm,
        state=_state(ring.signing(ask.work.now), key, ask.work.now),
        publish_at=key.publish_at,
        sign_from=key.sign_from,
        remove_at=key.remove_at,
    )


def _state(
    signing: SigningKey | None, key: SigningKey, now: int
) -> Literal["published", "signing", "retiring", "removed"]:
    if key.remove_at is not None and key.remove_at <= now:
        return "removed"
    if key is signing:
        return "signing"
    return "published" if now < key.sign_from else "retiring"
