"""The plan of a session, its pieces, its notes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.forms import FenField
from coupons.access import access_deals
from coupons.enums import DealState
from coupons.live.domain.plan import LONGEST, SessionPlan
from coupons.live.domain.rehearsals import MOST_PEAK
from coupons.live.domain.session_deals import MOST_DEALS, MOST_PIECES, Allotment
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession, LiveSessionDeal
from coupons.models import Deal
from merchants.access import MerchantAccess, access_memberships

DEALS_OFFERED = 100
COLLEAGUES = 200


@dataclass(frozen=True)
class DealRow:
    """A deal that can be put into the show, with its two fields and what its stock has left for it (None: no end)."""

    deal: Deal
    pieces: BoundField
    turn: BoundField
    left: int | None


def _moment() -> forms.Widget:
    return forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})


class SessionForm(forms.Form):
    """A plan as an editor types it; a deal is in the show when it has pieces."""

    title = forms.CharField(label=_("Name of the session"), max_length=60)
    host_name = forms.CharField(
        label=_("Host"), max_length=40, required=False, help_text=_("As viewers know them.")
    )
    host = forms.TypedChoiceField(
        label=_("Colleague who hosts"), required=False, coerce=int, empty_value=None
    )
    place = forms.CharField(
        label=_("Where it is streamed"),
        max_length=80,
        required=False,
        help_text=_("Platform and account, for your own people."),
    )
    planned_from = forms.DateTimeField(label=_("Planned from"), widget=_moment())
    planned_until = forms.DateTimeField(label=_("Planned until"), widget=_moment())
    goal_fen = FenField(
        label=_("Goal"),
        required=False,
        min_fen=1,
        max_fen=100_000_000_000,
        help_text=_("What you hope to sell; the wall shows how far you are."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, access: MerchantAccess, session: LiveSession | None = None
    ) -> None:
        self.session = session
        self._own = {row.deal_id: row for row in session.deals.all()} if session else {}
        super().__init__(data, initial=self._initial())
        colleagues = access_memberships(access=access).select_related("user")[:COLLEAGUES]
        choices = {membership.user_id: membership.user.name for membership in colleagues}
        if session and session.host_id and session.host:
            choices.setdefault(session.host_id, session.host.name)
        self.fields["host"].choices = [("", _("Nobody who signs in here")), *choices.items()]
        self._deals = self._offered(access)
        for deal in self._deals:
            self.fields[f"pieces_{deal.pk}"] = forms.IntegerField(
                label=_("Pieces of %(deal)s") % {"deal": deal.title},
                min_value=1,
                max_value=MOST_PIECES,
                required=False,
            )
            self.fields[f"turn_{deal.pk}"] = forms.IntegerField(
                label=_("Turn of %(deal)s in the show") % {"deal": deal.title},
                min_value=1,
                max_value=999,
                required=False,
            )

    @property
    def deal_rows(self) -> list[DealRow]:
        return [
            DealRow(
                deal=deal,
                pieces=self[f"pieces_{deal.pk}"],
                turn=self[f"turn_{deal.pk}"],
                left=self._left(deal),
            )
            for deal in self._deals
        ]

    @property
    def plain_errors(self) -> dict[str, Any]:
        """What is wrong outside the table of deals."""
        return {
            name: errors for name, errors in self.errors.items() if not name.startswith(("pieces_", "turn_"))
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        begin, end = values.get("planned_from"), values.get("planned_until")
        if begin and end and end <= begin:
            self.add_error("planned_until", _("The end must be after the beginning."))
        elif begin and end and end - begin > LONGEST:
            self.add_error("planned_until", _("A session lasts at most 24 hours."))
        if not values.get("host_name") and not values.get("host"):
            self.add_error("host_name", _("Who hosts the session? Write a name or choose a colleague."))
        if len(self._wanted(values)) > MOST_DEALS:
            self.add_error(None, _("At most %(limit)s deals in one session.") % {"limit": MOST_DEALS})
        return values

    def plan(self) -> SessionPlan:
        values = self.cleaned_data
        return SessionPlan(
            title=values["title"],
            host_name=values["host_name"],
            host_id=values["host"],
            place=values["place"],
            planned_from=values["planned_from"],
            planned_until=values["planned_until"],
            goal_fen=values["goal_fen"],
            deals=self._wanted(values),
        )

    def refuse_deal(self, deal_id: int, sentence: str) -> None:
        """Put a refusal beside the deal it is about."""
        name = f"pieces_{deal_id}"
        self.add_error(name if name in self.fields else None, sentence)

    def _wanted(self, values: dict[str, Any]) -> tuple[Allotment, ...]:
        """In the order of their turns; without one after those with one, as they are listed."""
        chosen = [deal for deal in self._deals if values.get(f"pieces_{deal.pk}")]
        chosen.sort(key=lambda deal: values.get(f"turn_{deal.pk}") or 1000)
        return tuple(Allotment(deal.pk, values[f"pieces_{deal.pk}"]) for deal in chosen)

    def _offered(self, access: MerchantAccess) -> list[Deal]:
        """Those of the session in their order, then the newest that can be sold by a card."""
        deals = access_deals(access=access).select_related("stock")
        own = sorted(
            deals.filter(pk__in=self._own),
            key=lambda deal: (self._own[deal.pk].position, self._own[deal.pk].pk),
        )
        others = deals.filter(
            Q(state=DealState.ONLINE) | Q(state=DealState.PAUSED), audience__isnull=True
        ).exclude(pk__in=self._own)
        return own + list(others[:DEALS_OFFERED])

    def _left(self, deal: Deal) -> int | None:
        own = self._own.get(deal.pk)
        left: int | None = deal.stock.left
        return None if left is None else left + (own.pieces if own else 0)

    def _initial(self) -> dict[str, Any]:
        session = self.session
        if session is None:
            hour = timezone.localtime().replace(minute=0, second=0, microsecond=0)
            tomorrow = (hour + timedelta(days=1)).replace(hour=19)
            return {"planned_from": tomorrow, "planned_until": tomorrow + timedelta(hours=3)}
        return {
            "title": session.title,
            "host_name": session.host_name,
            "host": session.host_id,
            "place": session.place,
            "planned_from": session.planned_from,
            "planned_until": session.planned_until,
            "goal_fen": session.goal_fen,
            "version": session.version,
            **{f"pieces_{row.deal_id}": row.pieces for row in self._own.values()},
            **{f"turn_{row.deal_id}": row.position + 1 for row in self._own.values()},
        }


class PiecesForm(forms.Form):
    pieces = forms.IntegerField(label=_("Pieces"), min_value=1, max_value=MOST_PIECES)


class AddDealForm(forms.Form):
    """One more deal while the show runs."""

    deal = forms.TypedChoiceField(label=_("Deal"), coerce=int)
    pieces = forms.IntegerField(label=_("Pieces"), min_value=1, max_value=MOST_PIECES)

    def __init__(self, data: Any = None, *, access: MerchantAccess, session: LiveSession) -> None:
        super().__init__(data)
        taken = LiveSessionDeal.objects.filter(session=session).values("deal_id")
        deals = access_deals(access=access).filter(state=DealState.ONLINE, audience__isnull=True)
        self.fields["deal"].choices = [
            ("", _("Choose a deal")),
            *deals.exclude(pk__in=taken).values_list("pk", "title")[:DEALS_OFFERED],
        ]


class NoteForm(forms.Form):
    text = forms.CharField(
        label=pgettext_lazy("live session", "Note"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    is_todo = forms.BooleanField(label=_("To do before the next session"), required=False)


class SessionFilter(forms.Form):
    state = forms.ChoiceField(required=False, choices=[("", ""), *LiveState.choices])


class RehearsalForm(forms.Form):
    """How hard and how long."""

    peak = forms.IntegerField(
        label=_("Orders a second at the peak"),
        min_value=1,
        max_value=MOST_PEAK,
        initial=20,
        help_text=_("What you expect in the busiest second of the stream."),
    )
    minutes = forms.TypedChoiceField(
        label=_("Length"),
        coerce=int,
        initial=5,
        choices=[
            (1, _("1 minute, to try it out (proves nothing)")),
            (5, _("5 minutes")),
            (10, _("10 minutes")),
            (30, _("30 minutes")),
        ],
    )
    has_overload = forms.BooleanField(
        label=_("One more step, a third above the peak"),
        required=False,
        help_text=_("Shows what happens when more come than you expect; it does not count for go or no go."),
    )

    def order(self) -> dict[str, Any]:
        """What request_rehearsal wants."""
        return {
            "peak": self.cleaned_data["peak"],
            "seconds": self.cleaned_data["minutes"] * 60,
            "has_overload": self.cleaned_data["has_overload"],
        }
