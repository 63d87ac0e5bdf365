"""Becoming a creator and saying what the board goes by."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.errors import DomainError
from core.refusals import describe
from providers.creators.access import is_creator
from providers.creators.domain.creators import change_profile, join_as_creator
from providers.creators.forms import ProfileForm
from providers.creators.views.doors import CreatorRequest, creator_page


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def creator_join(request: HttpRequest) -> HttpResponse:
    """Anybody who is signed in becomes a creator by filling this in."""
    user = request.user
    if is_creator(user=user):  # type: ignore[arg-type]
        return redirect("creator_board")
    form = ProfileForm(request.POST or None, name=user.name)  # type: ignore[union-attr]
    if request.method == "POST" and form.is_valid():
        try:
            join_as_creator(user=user, profile=form.profile())  # type: ignore[arg-type]
        except DomainError as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("Welcome. These are the tasks near you."))
            return redirect("creator_board")
    status = 422 if form.is_bound else 200
    return render(request, "creator/profile.html", {"form": form, "is_new": True}, status=status)


@creator_page
@require_http_methods(["GET", "HEAD", "POST"])
def creator_profile(request: CreatorRequest) -> HttpResponse:
    """What he states of himself."""
    form = ProfileForm(request.POST or None, creator=request.creator)
    if request.method == "POST" and form.is_valid():
        try:
            change_profile(creator=request.creator, profile=form.profile(), by=request.user)
        except DomainError as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("Saved. The board goes by it from now on."))
            return redirect("creator_profile")
    status = 422 if form.is_bound else 200
    context = {"tab": "profile", "form": form, "creator": request.creator}
    return render(request, "creator/profile.html", context, status=status)


def _refuse(form: ProfileForm, refused: DomainError) -> None:
    field = refused.facts.get("field")
    form.add_error(field if field in form.fields else None, describe(refused).title)
