"""How live sessions enter a view: for staff from their grants, for viewers by the card's token."""

from django.db.models import QuerySet
from django_scopes import scope

from core.errors import NotFound
from coupons.live.models import LiveNote, LiveSession, Rehearsal
from merchants.access import MerchantAccess
from merchants.models import Merchant


def access_sessions(*, access: MerchantAccess) -> "QuerySet[LiveSession]":
    """The merchant's sessions, the latest planned first."""
    with scope(merchant=access.merchant.pk):
        return LiveSession.objects.order_by("-planned_from", "-id")


def access_session(*, access: MerchantAccess, session_id: int) -> LiveSession:
    """One session. Raises NotFound."""
    session = access_sessions(access=access).filter(pk=session_id).first()
    if session is None:
        raise NotFound
    return session


def access_note(*, access: MerchantAccess, session: LiveSession, note_id: int) -> LiveNote:
    """One note of a session. Raises NotFound."""
    with scope(merchant=access.merchant.pk):
        note = LiveNote.objects.filter(session=session, pk=note_id).first()
    if note is None:
        raise NotFound
    return note


def access_card(*, merchant: Merchant, token: str) -> LiveSession:
    """The session whose card anybody holds. Raises NotFound."""
    with scope(merchant=merchant.pk):
        session = LiveSession.objects.filter(token=token).first()
    if session is None:
        raise NotFound
    return session


def access_rehearsals(*, access: MerchantAccess, session: LiveSession) -> "QuerySet[Rehearsal]":
    """A session's rehearsals, newest first."""
    with scope(merchant=access.merchant.pk):
        return Rehearsal.objects.filter(session=session).select_related("session").order_by("-id")


def access_rehearsal(*, access: MerchantAccess, session: LiveSession, rehearsal_id: int) -> Rehearsal:
    """One rehearsal of a session. Raises NotFound."""
    rehearsal = access_rehearsals(access=access, session=session).filter(pk=rehearsal_id).first()
    if rehearsal is None:
        raise NotFound
    return rehearsal
