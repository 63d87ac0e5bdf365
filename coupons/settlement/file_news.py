"""The notice that a file is ready, on whatever page its owner has gone on to."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from coupons.settlement.domain.files import find_news
from coupons.settlement.enums import FileForm, PayeeKind
from coupons.settlement.models import StatementFile
from coupons.settlement.statement_page import NEWS_COOKIE

STOP_ASKING = 286  # htmx: swap, and poll no more


@login_required
@require_safe
def file_news(request: Any) -> HttpResponse:
    """Polled: what became ready or failed since it was last asked, said once. The last answer ends the asking."""
    news = find_news(user=request.user)
    rows = [{"file": file, "form": FileForm(file.form).label, "url": _url(file)} for file in news.finished]
    status = 200 if news.is_waiting else STOP_ASKING
    response = render(request, "merchant/statements/file_news.html", {"rows": rows}, status=status)
    if not news.is_waiting:
        response.delete_cookie(NEWS_COOKIE)
    return response


def _url(file: StatementFile) -> str:
    statement = file.statement
    names = {"statement_id": statement.pk}
    if statement.kind == PayeeKind.MERCHANT:
        return reverse("statement_detail", kwargs={"slug": statement.merchant.slug, **names}) + "#files"
    return reverse("payee_statement_detail", kwargs={"party_id": statement.payee_id, **names}) + "#files"
