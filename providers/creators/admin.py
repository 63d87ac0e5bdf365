"""The operator's look at the board: the monthly fairness report."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Min
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from core.operator_admin import ReadOnlyAdmin
from providers.creators.domain.fairness import Group, report_fairness
from providers.creators.domain.impressions import ZONE
from providers.creators.enums import Slot, Standing
from providers.creators.models import Impression

MONTHS_SHOWN = 24


@admin.register(Impression)
class FairnessAdmin(ReadOnlyAdmin):
    """One page: a month's report. The log itself has no list; it is told by the report's figures and its fingerprint."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        months = _months()
        asked = request.GET.get("month", "")
        chosen = next((one for one in months if f"{one:%Y-%m}" == asked), months[0])
        report = report_fairness(month=chosen)
        merchants = {"newcomer": _("New here"), "established": _("Established")}
        context = {
            "title": _("Fairness of the board"),
            "months": [f"{one:%Y-%m}" for one in months],
            "report": report,
            "tables": [
                (
                    _("Creators"),
                    f"{report.gini_creators:.3f}",
                    _rows(report.creators, dict(Standing.choices)),
                ),
                (_("Merchants"), f"{report.gini_merchants:.3f}", _rows(report.merchants, merchants)),
            ],
            "slots": [(Slot(slot).label, earned) for slot, earned in report.slots.items()],
        }
        return TemplateResponse(
            request, "ops/fairness.html", {**self.admin_site.each_context(request), **context}
        )


def _rows(groups: Any, labels: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "label": labels[name],
            "group": group,
            "exposure_bps": round(group.exposure_share * 10_000),
            "merit_bps": round(group.merit_share * 10_000),
            "to_merit": _ratio(group),
        }
        for name, group in groups.items()
    ]


def _ratio(group: Group) -> str:
    return "–" if group.to_merit is None else f"{group.to_merit:.2f}"


def _months() -> list[date]:
    """The months of the log, the newest first; this month where it is empty."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    ends = Impression.objects.aggregate(first=Min("date"), last=Max("date"))
    month, first = (ends["last"] or today).replace(day=1), (ends["first"] or today).replace(day=1)
    months = [month]
    while months[-1] > first and len(months) < MONTHS_SHOWN:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months
