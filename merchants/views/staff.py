"""/m/<slug>/staff/: who works here, what each post may do, invitations, one person's post."""

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError, Invalid
from core.refusals import describe
from identity.enums import SECOND_FACTOR_ROLES, Role
from merchants.access import (
    access_invitation,
    access_invitations,
    access_membership,
    access_memberships,
)
from merchants.decorators import MerchantRequest, merchant_page
from merchants.domain.invitations import AlreadyMember, invite_staff, withdraw_invitation
from merchants.domain.memberships import LastOwner
from merchants.domain.posts import MAY_APPOINT, AboveOwnPost
from merchants.domain.staff import change_post, end_post
from merchants.forms import InvitationForm, PostForm
from merchants.models import Membership

PER_PAGE = 50
APPOINTERS = (Role.OWNER, Role.MANAGER)
ALL, OWN_STORES, NONE = "all", "own", "none"


@dataclass(frozen=True)
class Permission:
    """One line of the matrix: what may be done, and how far each post may."""

    label: str | Promise
    owner: str
    manager: str
    finance: str
    clerk: str

    def reaches(self) -> list[tuple[str, str]]:
        return [(role.value, getattr(self, role.value)) for role in Role]


# What the doors of the pages say (roles of merchant_page, posts.MAY_APPOINT), for people to read.
PERMISSIONS = (
    Permission(gettext_lazy("Redeem coupons, undo within the hour"), ALL, OWN_STORES, NONE, OWN_STORES),
    Permission(gettext_lazy("See the figures of the shop"), ALL, OWN_STORES, ALL, NONE),
    Permission(gettext_lazy("Make and change deals"), ALL, ALL, NONE, NONE),
    Permission(gettext_lazy("See statements and the ledger"), ALL, ALL, ALL, NONE),
    Permission(gettext_lazy("Confirm statements"), ALL, NONE, ALL, NONE),
    Permission(gettext_lazy("Add, change and close stores"), ALL, OWN_STORES, NONE, NONE),
    Permission(gettext_lazy("Invite clerks and managers, change their posts"), ALL, OWN_STORES, NONE, NONE),
    Permission(gettext_lazy("Appoint owners and finance"), ALL, NONE, NONE, NONE),
    Permission(gettext_lazy("Change the shop's settings"), ALL, NONE, NONE, NONE),
)


@merchant_page(*APPOINTERS)
@require_safe
def staff(request: MerchantRequest) -> HttpResponse:
    """People with their posts, open invitations, and the posts × permissions table."""
    people = (
        access_memberships(access=request.access)
        .prefetch_related("stores")
        .annotate(has_second_factor=Exists(Authenticator.objects.filter(user_id=OuterRef("user_id"))))
    )
    may_appoint = MAY_APPOINT[request.access.post]
    context = {
        "page": Paginator(people, PER_PAGE).get_page(request.GET.get("page")),
        "invitations": access_invitations(access=request.access).prefetch_related("stores")[:PER_PAGE],
        "permissions": PERMISSIONS,
        "roles": Role,
        "may_appoint": may_appoint,
        "second_factor_roles": SECOND_FACTOR_ROLES,
    }
    return render(request, "merchant/staff/list.html", context)


@merchant_page(*APPOINTERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def staff_invite(request: MerchantRequest) -> HttpResponse:
    """Invite somebody; the secret link is shown once, on the answer to this post."""
    form = InvitationForm(request.POST or None, access=request.access, initial=_invitation_again(request))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            invitation, secret = invite_staff(
                merchant=request.merchant,
                name=data["name"],
                phone=data["phone"],
                role=Role(data["role"]),
                stores=list(data["stores"]),
                by=request.user,
            )
        except (AboveOwnPost, AlreadyMember, Invalid) as error:
            _add_error(form, error)
        else:
            path = reverse("invitation_accept", kwargs={"secret": secret})
            link = request.build_absolute_uri(path)
            return render(request, "merchant/staff/invited.html", {"invitation": invitation, "link": link})
    return render(request, "merchant/staff/invite.html", {"form": form}, status=422 if form.errors else 200)


@merchant_page(*APPOINTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def staff_edit(request: MerchantRequest, membership_id: int) -> HttpResponse:
    """One person: post and stores, to change or to end."""
    membership = access_membership(access=request.access, membership_id=membership_id)
    initial = {"role": membership.role, "stores": list(membership.stores.values_list("pk", flat=True))}
    form = PostForm(request.POST or None, access=request.access, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            change_post(
                membership=membership,
                role=Role(form.cleaned_data["role"]),
                stores=list(form.cleaned_data["stores"]),
                by=request.user,
            )
        except (AboveOwnPost, LastOwner, Invalid) as error:
            _add_error(form, error)
        else:
            messages.success(request, _("%(name)s has a new post.") % {"name": membership.user.name})
            return redirect("staff", slug=request.merchant.slug)
    context = {
        "form": form,
        "member": membership,  # `membership` in a context would be the reader's own
        "may_change": _may_change(request, membership),
        "is_oneself": membership.user_id == request.user.pk,
        "has_second_factor": Authenticator.objects.filter(user_id=membership.user_id).exists(),
    }
    return render(request, "merchant/staff/person.html", context, status=422 if form.errors else 200)


@merchant_page(*APPOINTERS)
@require_POST
def staff_end(request: MerchantRequest, membership_id: int) -> HttpResponse:
    """The person leaves; every page here closes to him at once."""
    membership = access_membership(access=request.access, membership_id=membership_id)
    try:
        end_post(membership=membership, by=request.user)
    except (AboveOwnPost, LastOwner) as error:
        messages.error(request, _sentence(error))
        return redirect("staff_edit", slug=request.merchant.slug, membership_id=membership.pk)
    messages.success(request, _("%(name)s no longer works here.") % {"name": membership.user.name})
    return redirect("/" if membership.user_id == request.user.pk else _staff_url(request))


@merchant_page(*APPOINTERS)
@require_POST
def invitation_withdraw(request: MerchantRequest, invitation_id: int) -> HttpResponse:
    """The link stops working at once."""
    invitation = access_invitation(access=request.access, invitation_id=invitation_id)
    try:
        withdraw_invitation(invitation=invitation, by=request.user)
    except DomainError as error:
        messages.error(request, _sentence(error))
    else:
        messages.success(request, _("The invitation of %(name)s was withdrawn.") % {"name": invitation.name})
    return redirect("staff", slug=request.merchant.slug)


def _invitation_again(request: MerchantRequest) -> dict[str, Any]:
    """What ?again=<id> of an open invitation said; no phone travels in an address."""
    invitation_id = request.GET.get("again", "")
    if not (invitation_id.isascii() and invitation_id.isdigit()):
        return {"role": Role.CLERK}
    invitation = access_invitation(access=request.access, invitation_id=int(invitation_id))
    return {
        "name": invitation.name,
        "phone": invitation.phone,
        "role": invitation.role,
        "stores": list(invitation.stores.values_list("pk", flat=True)),
    }


def _may_change(request: MerchantRequest, membership: Membership) -> bool:
    return membership.role in MAY_APPOINT[request.access.post]


def _staff_url(request: MerchantRequest) -> str:
    return reverse("staff", kwargs={"slug": request.merchant.slug})


def _add_error(form: PostForm, error: DomainError) -> None:
    field = "stores" if isinstance(error, Invalid) else None
    form.add_error(field, _sentence(error))


def _sentence(error: DomainError) -> str:
    told = describe(error)
    return f"{told.title} {told.next_step}"
