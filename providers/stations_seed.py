"""The demonstration town's stations: one in Chongqing that looks after a shop, one in Chengdu that prepares; and who alone
carries a deal of the first shop."""

from datetime import datetime, timedelta

from django_scopes import scope

from identity.enums import Role
from identity.models import Party, User
from merchants.enums import Category, ShareKind, TermsState
from merchants.models import Terms
from merchants.seed import PersonSeed, SeededMerchant, build_user, t
from providers.creators.domain.exclusivities import propose_exclusivity
from providers.creators.models import Creator, CreatorTask
from providers.creators.seed import CREATORS
from providers.domain.station_merchants import agree_to_station, offer_to_merchant
from providers.domain.stations import create_station, open_station, set_station_membership
from providers.domain.territories import give_territory
from providers.domain.training import add_training_item, pass_training, report_done
from providers.models import Provider, Station, StationMerchant
from providers.seed import LONG_AGO

LEADER = PersonSeed("+8613800000061", t("冉琴", "Ran Qin"), Role.OWNER)
ASSISTANT = PersonSeed("+8613800000062", t("杜航", "Du Hang"), Role.MANAGER)
CHENGDU_LEADER = PersonSeed("+8613800000063", t("蒲悦", "Pu Yue"), Role.OWNER)
ALONE = CREATORS[3].phone  # who alone carries what the third shop asks for
CHONGQING, CHENGDU, JINJIANG = "50", "5101", "510104"
TRAINING = (
    (
        t("会教店员核销和撤销", "Teach clerks to redeem and to undo"),
        t("在一家店当场演示", "Shown in a store"),
    ),
    (
        t("会说清退款规则", "Explain when money goes back"),
        t("回答十个顾客问题", "Ten questions of customers"),
    ),
    (t("会看结算单", "Read a statement"), t("把一张结算单讲给店主听", "Explain one to an owner")),
)
SHARE_BPS = 150
NOTE = t("开店辅导、地推和每月回访", "Help with opening, promotion in the streets, a visit every month")
WHY = t("开业头两个月只由一家推广", "Carried by one alone in the first two months")


def build_stations(*, provider: Provider, by: User, lang: str) -> Station:
    """The one in Chongqing, open for hotpot and tea; the one in Chengdu has passed a third of its training."""
    items = [
        add_training_item(provider=provider, title=title[lang], how=how[lang], by=by)
        for title, how in TRAINING
    ]
    leader, assistant = build_user(LEADER, lang), build_user(ASSISTANT, lang)
    name = t("重庆站", "Chongqing station")[lang]
    station = create_station(provider=provider, name=name, city_code=CHONGQING, owner=leader, by=by)
    set_station_membership(station=station, user=assistant, role=Role.MANAGER, by=leader)
    for category in (Category.HOTPOT, Category.TEA):
        give_territory(station=station, category=category, area_code=CHONGQING, by=by)
    for item in items:
        report_done(station=station, item=item, by=leader)
        pass_training(station=station, item=item, by=by)
    open_station(station=station, by=by)

    learner = build_user(CHENGDU_LEADER, lang)
    name = t("成都站", "Chengdu station")[lang]
    young = create_station(provider=provider, name=name, city_code=CHENGDU, owner=learner, by=by)
    give_territory(station=young, category=Category.HOTPOT, area_code=JINJIANG, by=by)
    for item in items[:2]:
        report_done(station=young, item=item, by=learner)
    pass_training(station=young, item=items[0], by=by)
    return station


def offer_station(*, station: Station, shop: SeededMerchant, lang: str) -> StationMerchant:
    """The station offers to look after the shop; its owner has not answered."""
    leader = build_user(LEADER, lang)
    return offer_to_merchant(
        station=station, merchant=shop.merchant, share_bps=SHARE_BPS, by=leader, note=NOTE[lang]
    )


def look_after(*, station: Station, shop: SeededMerchant, lang: str, at: datetime) -> None:
    """Agreed two months ago, before the shop's trade: its orders carry the share. As in providers.seed, the terms are
    written with their day and the agreement finds them in force."""
    link, owner, then = (
        offer_station(station=station, shop=shop, lang=lang),
        shop.with_role(Role.OWNER)[0],
        at - LONG_AGO,
    )
    with scope(merchant=shop.merchant.pk):
        Terms.objects.create(
            merchant=shop.merchant, kind=ShareKind.STATION_SHARE, payee=station.party, version=1, bps=SHARE_BPS,
            state=TermsState.IN_FORCE, proposed_for=station.party, proposed_by=link.proposed_by, proposed_at=then,
            answered_by=owner, answered_at=then, in_force_at=then,
        )  # fmt: skip
    agree_to_station(link=link, by=owner)
    StationMerchant.objects.filter(pk=link.pk).update(proposed_at=then, answered_at=then)


def give_exclusivity(*, shop: SeededMerchant, creator: Creator, lang: str, at: datetime) -> None:
    """What the shop asks creators to show is this one's alone in Chongqing for two months."""
    _propose(
        shop,
        holder=creator.party,
        for_party_id=shop.merchant.pk,
        by=shop.with_role(Role.OWNER)[0],
        lang=lang,
        at=at,
    )


def ask_for_exclusivity(
    *, shop: SeededMerchant, provider: Provider, by: User, lang: str, at: datetime
) -> None:
    """The provider would like to carry it alone; the shop's owner has not answered."""
    _propose(shop, holder=provider.party, for_party_id=provider.pk, by=by, lang=lang, at=at)


def _propose(
    shop: SeededMerchant, *, holder: Party, for_party_id: int, by: User, lang: str, at: datetime
) -> None:
    task = CreatorTask.objects.filter(merchant=shop.merchant).select_related("deal").earliest("id")
    propose_exclusivity(
        merchant=shop.merchant, deal=task.deal, area_code=CHONGQING, begins=at, ends=at + timedelta(days=60),
        holders=[holder], for_party_id=for_party_id, by=by, note=WHY[lang],
    )  # fmt: skip
