"""Stores: add, edit, close down, reopen."""

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django_scopes import scope

from core.errors import DomainError
from identity.domain.audit import record_event
from identity.models import User
from merchants.enums import CoordinateSystem, StoreState
from merchants.models import Merchant, Store


class StoreNumberTaken(DomainError):
    """Another store of the merchant has this number."""

    code = "store_number_taken"


class StoreStateChanged(DomainError):
    """The store is not in the state the request started from."""

    code = "store_state_changed"


@dataclass(frozen=True)
class StoreDetails:
    """What people write about a store; see models.Store for units and shapes."""

    name: str
    number: str = ""
    country: str = "CN"
    province: str = ""
    city: str = ""
    district: str = ""
    address: str = ""
    postcode: str = ""
    phone: str = ""
    longitude: Decimal | None = None
    latitude: Decimal | None = None
    coordinate_system: str = CoordinateSystem.GCJ02
    hours: dict[str, list[list[str]]] = field(default_factory=dict)


@transaction.atomic
def add_store(*, merchant: Merchant, details: StoreDetails, by: User | None) -> Store:
    """Open a store. Raises StoreNumberTaken."""
    with scope(merchant=merchant.pk):
        store = Store(merchant=merchant, **asdict(details))
        _save(store)
    _record("store.add", store, by, name=store.name)
    return store


@transaction.atomic
def edit_store(*, store: Store, details: StoreDetails, by: User) -> Store:
    """Replace what is written about the store; its doubts from an import are settled by that. Raises StoreNumberTaken."""
    with scope(merchant=store.merchant_id):
        locked = Store.objects.select_for_update(of=("self",), no_key=True).get(pk=store.pk)
        changes = {
            name: [_plain(getattr(locked, name)), _plain(value)]
            for name, value in asdict(details).items()
            if getattr(locked, name) != value
        }
        for name, value in asdict(details).items():
            setattr(locked, name, value)
        locked.import_warnings = []
        _save(locked)
    if changes:
        _record("store.edit", locked, by, changes=changes)
    return locked


@transaction.atomic
def close_store(*, store: Store, by: User) -> None:
    """Close an open store: from now on nothing is redeemed there. Raises StoreStateChanged where it is not open.

    Its coupons stay as they are: those valid elsewhere are used elsewhere, the others are refunded or expire.
    """
    _change_state(store, StoreState.OPEN, StoreState.CLOSED)
    _record("store.close", store, by, name=store.name)


@transaction.atomic
def reopen_store(*, store: Store, by: User) -> None:
    """Open a closed store again. Raises StoreStateChanged where it is not closed."""
    _change_state(store, StoreState.CLOSED, StoreState.OPEN)
    _record("store.reopen", store, by, name=store.name)


def _change_state(store: Store, before: StoreState, after: StoreState) -> None:
    with scope(merchant=store.merchant_id):
        changed = Store.objects.filter(pk=store.pk, state=before).update(state=after)
    if changed != 1:
        raise StoreStateChanged(store=store.name)
    store.state = after


def _save(store: Store) -> None:
    try:
        with transaction.atomic():
            store.save()
    except IntegrityError as error:
        if "store_number_once" in str(error):
            raise StoreNumberTaken(number=store.number) from error
        raise


def _record(verb: str, store: Store, by: User | None, **facts: Any) -> None:
    record_event(verb=verb, noun="store", noun_id=store.pk, by=by, merchant_id=store.merchant_id, **facts)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
