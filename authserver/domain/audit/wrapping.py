"""
The keys that erasing destroys: one for each payload, 64 of them in one small row.

Each payload's own key is wrapped by one key of a page, and by that of no other payload. The pages stand in a table of their own, a few
bytes for each payload: to write this table anew, and nothing else, is to be rid of every trace of what was destroyed (ADR 51).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import orjson

from authserver.domain.audit import store
from authserver.runtime import key_pages
from authserver.runtime.key_pages import SLOTS, NewPage, Slot
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal


async def slot(work: UnitOfWork, key_id: str, key: bytes) -> Slot:
    """Return a key for one payload of the bound tenant; its page is durable. `key`: the tenant's, by its id."""
    assert work.tenant is not None
    pages = work.machines.key_pages
    while (taken := pages.take(work.tenant, work.at_us)) is None:
        # Before anybody uses it: whose unit is lost takes nothing away from the others.
        inside = work.beside(work.tenant)
        page = _begin(inside, key_id, key)
        await inside.commit()
        pages.open(work.tenant, page)
    return taken


def slots(work: UnitOfWork, count: int, key_id: str, key: bytes) -> list[Slot]:
    """Return keys for many payloads of one unit; their pages are written with the unit's commit."""
    made: list[Slot] = []
    while len(made) < count:
        page = _begin(work, key_id, key)
        made += [page.take() for _ in range(min(SLOTS, count - len(made)))]
    return made


def _begin(work: UnitOfWork, key_id: str, key: bytes) -> NewPage:
    page = NewPage(work.at_us)
    sealed = seal(key, page.content, context=_page_of(work.tenant, page.id))
    work.write(store.ADD_PAGE, page_id=page.id, key_id=key_id, keys=sealed)
    return page


def opened(tenant: str, page_id: str, sealed: bytes, number: int, *, key: bytes) -> bytes:
    """Return one key of a page. Raises VaultError where it was destroyed, or the row changed."""
    found = key_pages.key_at(unseal(key, sealed, context=_page_of(tenant, page_id)), number)
    if found is None:
        raise VaultError("the payload was erased")
    return found


async def destroy(work: UnitOfWork, event_ids: Sequence[str], key: bytes) -> None:
    """Destroy the keys of these events' payloads with the unit's commit, and no others."""
    gone: dict[str, set[int]] = defaultdict(set)
    for row in await work.all(store.SLOTS_OF, event_ids=_array(event_ids)):
        gone[row["key_id"]].add(row["slot"])
    for row in await work.all(store.PAGES, page_ids=_array(gone)):
        page_id = row["page_id"]
        context = _page_of(work.tenant, page_id)
        left = key_pages.without(unseal(key, row["keys"], context=context), gone[page_id])
        if left:
            work.write(store.CHANGE_PAGE, page_id=page_id, keys=seal(key, left, context=context))
        else:
            work.write(store.END_PAGE, page_id=page_id)


def _page_of(tenant: str | None, page_id: str) -> str:
    return f"audit_key_pages/keys/{tenant}/{page_id}"


def _array(values: Iterable[str]) -> str:
    return orjson.dumps(list(values)).decode()
