"""Customers come to exist by signing in."""

from django.db import connection, transaction

from identity.models import Customer, User


@transaction.atomic
def sign_in_customer(*, provider: str, open_id: str, nickname: str = "", phone_tail: str = "") -> Customer:
    """The customer of this outside person, made at the first sign-in; two first sign-ins at once make one.

    A nickname or phone tail given later replaces what is known; an empty one does not.
    """
    customer = _find(provider, open_id)
    if customer is None:
        with connection.cursor() as cursor:
            # Until commit nobody else makes this person; the unique key is the last line.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{provider}:{open_id}"])
        customer = _find(provider, open_id)
    if customer is None:
        user = User.objects.create_user(name=nickname or open_id[:40])
        return Customer.objects.create(
            user=user, sign_in_provider=provider, open_id=open_id, nickname=nickname, phone_tail=phone_tail
        )
    changed = {
        name: value
        for name, value in (("nickname", nickname), ("phone_tail", phone_tail))
        if value and value != getattr(customer, name)
    }
    if changed:
        Customer.objects.filter(pk=customer.pk).update(**changed)
        for name, value in changed.items():
            setattr(customer, name, value)
    return customer


def _find(provider: str, open_id: str) -> Customer | None:
    return Customer.objects.select_related("user").filter(sign_in_provider=provider, open_id=open_id).first()
