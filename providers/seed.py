"""The demonstration town's service provider: it runs the first two shops, and speaks to a third and a fourth.

Phone numbers and password are those of merchants.seed: public, and made only where no real business is done.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from django_scopes import scope

from coupons.domain.deals import set_stock
from coupons.enums import DealState
from coupons.models import Deal
from identity.domain.audit import acting_for
from identity.enums import Role, Scope
from identity.models import User
from merchants.enums import Category, ShareKind, TermsState
from merchants.models import Merchant, Terms
from merchants.seed import PASSWORD
from providers.domain.engagements import agree_offer, propose_change, propose_engagement
from providers.domain.onboarding import begin_onboarding
from providers.domain.providers import create_provider, set_provider_membership
from providers.models import Engagement, EngagementOffer, Provider

Text = dict[str, str]  # language -> words

NAME: Text = {"zh": "渝味代运营", "en": "Yuwei Shop Services"}
ABOUT: Text = {
    "zh": "替重庆、成都的小店打理团购、直播和达人，按核销收费。",
    "en": "Runs deals, live sessions and creators for small shops in Chongqing and Chengdu, paid by what is redeemed.",
}
PEOPLE: tuple[tuple[str, Text, Role], ...] = (
    ("+8613800000051", {"zh": "罗渝", "en": "Luo Yu"}, Role.OWNER),
    ("+8613800000052", {"zh": "段晓", "en": "Duan Xiao"}, Role.MANAGER),
    ("+8613800000053", {"zh": "何账", "en": "He Zhang"}, Role.FINANCE),
)
PROSPECTS: tuple[tuple[Text, Text, Category, int], ...] = (
    ({"zh": "巴适小面", "en": "Bashi Noodles"}, {"zh": "刘姐，周三下午在店里", "en": "Sister Liu, Wednesday afternoons"},
     Category.FOOD, 6),
    ({"zh": "云上民宿", "en": "Cloud Guesthouse"}, {"zh": "前台转老板", "en": "The desk passes us on"}, Category.TRAVEL, 19),
)  # fmt: skip
ALL_OF_IT = [Scope.STORES, Scope.DEALS, Scope.REDEMPTIONS, Scope.REFUNDS, Scope.SETTLEMENT, Scope.PHONES]
FIRST_BPS, SECOND_BPS = 500, 400
LONG_AGO = timedelta(days=60)


@dataclass(frozen=True)
class Firm:
    provider: Provider
    owner: User
    manager: User


def build_firm(*, lang: str) -> Firm:
    """The provider with its three people, and two shops it only spoke to."""
    users = {
        role: User.objects.create(name=name[lang], phone=phone, password=make_password(PASSWORD))
        for phone, name, role in PEOPLE
    }
    provider = create_provider(
        name=NAME[lang],
        owner=users[Role.OWNER],
        city={"zh": "重庆市", "en": "Chongqing"}[lang],
        about=ABOUT[lang],
    )
    for role in (Role.MANAGER, Role.FINANCE):
        set_provider_membership(provider=provider, user=users[role], role=role, by=users[Role.OWNER])
    for name, contact, category, days in PROSPECTS:
        begin_onboarding(
            provider=provider, name=name[lang], contact=contact[lang], category=category,
            first_contact_date=timezone.localdate() - timedelta(days=days), by=users[Role.OWNER],
        )  # fmt: skip
    return Firm(provider=provider, owner=users[Role.OWNER], manager=users[Role.MANAGER])


def engage_firm(*, firm: Firm, merchant: Merchant, owner: User, is_first: bool, at: datetime) -> Engagement:
    """The shop's engagement, before its trade: its orders carry the fee. The second shop agreed for a year."""
    offer = propose_engagement(
        provider=firm.provider,
        merchant=merchant,
        scopes=ALL_OF_IT if is_first else [Scope.DEALS, Scope.REDEMPTIONS],
        service_fee_bps=FIRST_BPS if is_first else SECOND_BPS,
        at_least_until=None if is_first else (at + timedelta(days=365)).date(),
        for_party_id=firm.provider.pk,
        by=firm.owner,
    )
    _agree_long_ago(offer, by=owner, at=at - LONG_AGO)
    return Engagement.objects.get(pk=offer.engagement_id)


def _agree_long_ago(offer: EngagementOffer, *, by: User, at: datetime) -> None:
    """The town's trade is weeks old and its orders carry the fee: so it was agreed before. What is written of terms is
    never changed, so they are written with their day; the agreement finds them in force."""
    engagement = offer.engagement
    with scope(merchant=engagement.merchant_id):
        terms = Terms.objects.create(
            merchant=engagement.merchant, kind=ShareKind.SERVICE_FEE, payee=engagement.provider.party, version=1,
            bps=offer.service_fee_bps, state=TermsState.IN_FORCE, proposed_for=engagement.provider.party,
            proposed_by=offer.proposed_by, proposed_at=at, answered_by=by, answered_at=at, in_force_at=at,
        )  # fmt: skip
    Engagement.objects.filter(pk=engagement.pk).update(terms=terms)
    agree_offer(offer=offer, by=by)
    Engagement.objects.filter(pk=engagement.pk).update(proposed_at=at, active_at=at)
    engagement.offers.update(proposed_at=at, answered_at=at)


def leave_traces(*, firm: Firm, merchant: Merchant, lang: str) -> None:
    """After its trade: something the manager did there in the firm's name, and other terms that wait for the shop."""
    with acting_for(firm.provider.pk), scope(merchant=merchant.pk):
        deal = Deal.objects.filter(state=DealState.ONLINE, stock__total__isnull=False).earliest("id")
        set_stock(deal=deal, total=(deal.stock.total or 0) + 20, by=firm.manager)
    with acting_for(firm.provider.pk):
        _propose_other_terms(firm, merchant, lang)


def _propose_other_terms(firm: Firm, merchant: Merchant, lang: str) -> None:
    propose_change(
        engagement=Engagement.objects.get(provider=firm.provider, merchant=merchant),
        scopes=[*ALL_OF_IT, Scope.MEMBERS],
        service_fee_bps=FIRST_BPS - 50,
        at_least_until=timezone.localdate() + timedelta(days=180),
        for_party_id=firm.provider.pk,
        by=firm.owner,
        note={
            "zh": "签半年，服务费降半个点；另外想看顾客总体数据，好安排直播时间。",
            "en": "Half a year for half a point less; and we would like the totals of customers, to time the live sessions.",
        }[lang],
    )
