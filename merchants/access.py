"""How merchants and what they own enter a view: from the user's grants. Forbidden and missing look the same."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django_scopes import scope

from core.errors import NotFound
from identity.domain.audit import acting_for
from identity.domain.grants import live_grants
from identity.enums import Role, Scope
from identity.models import Grant, Party, User
from merchants.enums import InvitationState, StoreState
from merchants.models import ImportDraft, Membership, Merchant, StaffInvitation, Store, Terms

EVERY_ROLE = frozenset(Role)
COUNTER_ROLES = frozenset({Role.OWNER, Role.MANAGER, Role.CLERK})


@dataclass(frozen=True)
class MerchantAccess:
    """What a user may do at a merchant, in the stores he is bound to (None: all).

    By his role there; or, without one, by scopes in the name of a party that serves the merchant.
    """

    merchant: Merchant
    user: User
    role: Role | None
    store_ids: tuple[int, ...] | None
    scopes: frozenset[Scope] = frozenset()
    for_party: Party | None = None

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Among this merchant's rows alone; what is done inside is recorded in the name of whom the user acts for."""
        with scope(merchant=self.merchant.pk), acting_for(self.for_party.pk if self.for_party else None):
            yield

    @property
    def post(self) -> Role:
        """His role. Raises NotFound for who acts in another's name: what is asked of a post is not theirs."""
        if self.role is None:
            raise NotFound
        return self.role

    def allows(self, roles: Collection[Role], *, by: Scope) -> bool:
        """Whether the user holds one of the roles, or has this scope in the name of who serves the merchant."""
        return self.role in roles or by in self.scopes

    @property
    def sees_phones(self) -> bool:
        """Whether the ends of customers' phone numbers are shown: to staff always, to others where granted."""
        return self.role is not None or Scope.PHONES in self.scopes


def access_merchant(
    *, user: User, slug: str, roles: Collection[Role] = EVERY_ROLE, scopes: Collection[Scope] = ()
) -> MerchantAccess:
    """The merchant of this slug, where the user has one of the roles or, serving it, all these scopes. Raises NotFound.

    Without scopes only a role opens it. Who has both acts by his role.
    """
    allowed = Q(role__in=list(roles))
    if scopes:
        allowed |= Q(scopes__contains=list(scopes))
    grant = (
        live_grants(user=user)
        .filter(allowed, party__merchant__slug=slug)
        .select_related("party__merchant", "for_party")
        .order_by(F("for_party").asc(nulls_first=True), "id")
        .first()
    )
    if grant is None:
        raise NotFound
    return _read_grant(grant, user)


def access_merchants(*, user: User, roles: Collection[Role] = EVERY_ROLE) -> list[MerchantAccess]:
    """Every merchant the user works for in one of the roles, by name; not those a provider of his serves."""
    grants = (
        live_grants(user=user)
        .filter(party__merchant__isnull=False, role__in=list(roles))
        .select_related("party__merchant")
        .order_by("party__merchant__name")
    )
    return [_read_grant(grant, user) for grant in grants]


def _read_grant(grant: Grant, user: User) -> MerchantAccess:
    """The grant's merchant must be loaded."""
    return MerchantAccess(
        merchant=grant.party.merchant,
        user=user,
        role=Role(grant.role) if grant.role else None,
        store_ids=None if grant.store_ids is None else tuple(grant.store_ids),
        scopes=frozenset(Scope(scope) for scope in grant.scopes),
        for_party=grant.for_party,
    )


def access_stores(*, access: MerchantAccess, only_open: bool = False) -> "QuerySet[Store]":
    """The stores the user may see."""
    with scope(merchant=access.merchant.pk):
        stores = Store.objects.order_by("city", "name", "id")
    if access.store_ids is not None:
        stores = stores.filter(pk__in=access.store_ids)
    return stores.filter(state=StoreState.OPEN) if only_open else stores


def clerk_count() -> Coalesce:
    """Annotates stores with the number of people bound to them, without joining into the rows."""
    bound = (
        Membership.stores.through.objects.filter(store_id=OuterRef("pk"), membership__is_active=True)
        .order_by()
        .values("store_id")
        .annotate(count=Count("pk"))
        .values("count")  # type: ignore[misc]
    )
    return Coalesce(Subquery(bound), 0)


def access_store(*, access: MerchantAccess, store_id: int) -> Store:
    """One store the user may see. Raises NotFound."""
    store = access_stores(access=access).filter(pk=store_id).first()
    if store is None:
        raise NotFound
    return store


def access_memberships(*, access: MerchantAccess) -> "QuerySet[Membership]":
    """The posts held now; for somebody bound to stores those of his stores."""
    with scope(merchant=access.merchant.pk):
        memberships = Membership.objects.filter(is_active=True).select_related("user", "merchant")
    if access.store_ids is not None:
        memberships = memberships.filter(
            pk__in=Membership.stores.through.objects.filter(store_id__in=access.store_ids).values(
                "membership_id"
            )
        )
    return memberships.order_by("user__name", "id")


def access_membership(*, access: MerchantAccess, membership_id: int) -> Membership:
    """One post held now. Raises NotFound."""
    membership = access_memberships(access=access).filter(pk=membership_id).first()
    if membership is None:
        raise NotFound
    return membership


def access_invitations(*, access: MerchantAccess) -> "QuerySet[StaffInvitation]":
    """Invitations that can still be accepted, newest first; for somebody bound to stores those to his stores."""
    with scope(merchant=access.merchant.pk):
        invitations = StaffInvitation.objects.filter(
            state=InvitationState.SENT, valid_until__gt=timezone.now()
        ).select_related("invited_by", "merchant")
    if access.store_ids is not None:
        invitations = invitations.filter(
            pk__in=StaffInvitation.stores.through.objects.filter(store_id__in=access.store_ids).values(
                "staffinvitation_id"
            )
        )
    return invitations.order_by("-id")


def access_invitation(*, access: MerchantAccess, invitation_id: int) -> StaffInvitation:
    """One open invitation. Raises NotFound."""
    invitation = access_invitations(access=access).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    return invitation


def access_import_draft(*, access: MerchantAccess, draft_id: int) -> ImportDraft:
    """A file the user himself uploaded within the last day. Raises NotFound."""
    with scope(merchant=access.merchant.pk):
        draft = (
            ImportDraft.objects.filter(
                pk=draft_id, created_by=access.user, created_at__gt=timezone.now() - timedelta(hours=24)
            )
            .select_related("merchant")
            .first()
        )
    if draft is None:
        raise NotFound
    return draft


def access_terms(*, access: MerchantAccess) -> "QuerySet[Terms]":
    """Every version of what others take of the merchant's trade, newest first."""
    with scope(merchant=access.merchant.pk):
        return (
            Terms.objects.filter(merchant=access.merchant)
            .select_related("merchant", "payee", "proposed_for", "proposed_by", "answered_by")
            .order_by("-id")
        )


def access_terms_one(*, access: MerchantAccess, terms_id: int) -> Terms:
    """One version. Raises NotFound."""
    terms = access_terms(access=access).filter(pk=terms_id).first()
    if terms is None:
        raise NotFound
    return terms
