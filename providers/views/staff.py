"""/p/<provider>/staff/: who works here; invitations by link; one person's post. An owner decides."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from identity.enums import Role
from merchants.views.invitations import Door, accept
from providers.access import (
    access_provider_invitation,
    access_provider_invitations,
    access_provider_membership,
    access_provider_staff,
)
from providers.decorators import ProviderRequest, provider_page
from providers.domain.providers import end_provider_membership, set_provider_membership
from providers.domain.staff_invitations import (
    accept_as_colleague,
    accept_as_new_colleague,
    get_colleague_invitation,
    invite_colleague,
    withdraw_colleague,
)
from providers.forms import ProviderInvitationForm, ProviderPostForm
from providers.views.agreements import add_error, sentence

COLLEAGUES = Door(
    get=get_colleague_invitation,
    accept_as_user=accept_as_colleague,
    accept_as_new_user=accept_as_new_colleague,
    house=lambda invitation: invitation.provider.name,
)


@provider_page(Role.OWNER)
@require_safe
def provider_staff(request: ProviderRequest) -> HttpResponse:
    access = request.provider_access
    context = {
        "people": access_provider_staff(access=access),
        "invitations": access_provider_invitations(access=access),
    }
    return render(request, "provider/staff.html", context)


@provider_page(Role.OWNER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def provider_staff_invite(request: ProviderRequest) -> HttpResponse:
    """Make a link; it is shown once, on the answer."""
    form = ProviderInvitationForm(request.POST or None, initial={"role": Role.MANAGER})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            invitation, secret = invite_colleague(
                provider=request.provider, name=data["name"], phone=data["phone"], role=Role(data["role"]),
                by=request.user,
            )  # fmt: skip
        except DomainError as error:
            add_error(form, error)
        else:
            link = request.build_absolute_uri(reverse("provider_invitation", kwargs={"secret": secret}))
            context = {
                "invitation": invitation,
                "link": link,
                "back_url": reverse("provider_staff", kwargs={"provider_id": request.provider.pk}),
                "back_label": _("Staff"),
            }
            return render(request, "provider/invited.html", context)
    return render(request, "provider/invite.html", {"form": form}, status=422 if form.errors else 200)


@provider_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def provider_staff_edit(request: ProviderRequest, membership_id: int) -> HttpResponse:
    """One person: the post, to change or to end."""
    membership = access_provider_membership(access=request.provider_access, membership_id=membership_id)
    form = ProviderPostForm(request.POST or None, initial={"role": membership.role})
    if request.method == "POST" and form.is_valid():
        try:
            set_provider_membership(
                provider=request.provider,
                user=membership.user,
                role=Role(form.cleaned_data["role"]),
                by=request.user,
            )
        except DomainError as error:
            add_error(form, error)
        else:
            messages.success(request, _("%(name)s has a new post.") % {"name": membership.user.name})
            return redirect(
                "home" if membership.user_id == request.user.pk else _staff_url(request.provider.pk)
            )
    context = {"form": form, "member": membership, "is_oneself": membership.user_id == request.user.pk}
    return render(request, "provider/person.html", context, status=422 if form.errors else 200)


@provider_page(Role.OWNER)
@require_POST
def provider_staff_end(request: ProviderRequest, membership_id: int) -> HttpResponse:
    """The person leaves; the provider's pages and every client's shop close to him at once."""
    membership = access_provider_membership(access=request.provider_access, membership_id=membership_id)
    try:
        end_provider_membership(membership=membership, by=request.user)
    except DomainError as error:
        messages.error(request, sentence(error))
        return redirect("provider_staff_edit", provider_id=request.provider.pk, membership_id=membership.pk)
    messages.success(request, _("%(name)s no longer works here.") % {"name": membership.user.name})
    return redirect("home" if membership.user_id == request.user.pk else _staff_url(request.provider.pk))


@provider_page(Role.OWNER)
@require_POST
def provider_invitation_withdraw(request: ProviderRequest, invitation_id: int) -> HttpResponse:
    """The link stops working at once."""
    invitation = access_provider_invitation(access=request.provider_access, invitation_id=invitation_id)
    try:
        withdraw_colleague(invitation=invitation, by=request.user)
    except DomainError as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, _("The invitation of %(name)s was withdrawn.") % {"name": invitation.name})
    return redirect(_staff_url(request.provider.pk))


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def provider_invitation(request: ProviderRequest, secret: str) -> HttpResponse:
    """/p/invitation/<secret>/: whoever holds the link takes the post."""
    return accept(request, secret, COLLEAGUES)


def _staff_url(provider_id: int) -> str:
    return reverse("provider_staff", kwargs={"provider_id": provider_id})
