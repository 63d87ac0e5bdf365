"""Write down what was learned, and what is to be done before the next session."""

from django.db.models.functions import Now
from django_scopes import scope

from core.errors import Invalid
from coupons.live.models import LiveNote, LiveSession
from identity.models import User


def add_note(*, session: LiveSession, text: str, is_todo: bool, by: User | None) -> LiveNote:
    """A remark or a thing to do. Raises Invalid(field="text") without words."""
    text = text.strip()
    if not text or len(text) > 400:
        raise Invalid(field="text", why="length")
    with scope(merchant=session.merchant_id):
        return LiveNote.objects.create(
            merchant_id=session.merchant_id, session=session, text=text, is_todo=is_todo, by=by
        )


def tick_note(*, note: LiveNote, is_done: bool) -> None:
    """A thing to do was done, or was not after all; ticking twice is ticking once."""
    with scope(merchant=note.merchant_id):
        LiveNote.objects.filter(pk=note.pk, is_todo=True, done_at__isnull=is_done).update(
            done_at=Now() if is_done else None
        )
