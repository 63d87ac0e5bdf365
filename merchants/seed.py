"""The demonstration town's shops and people: three merchants, eight stores, everybody with a sign-in.

Phone numbers and password are public; `manage.py demo` refuses to make them where real business is done.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from django.contrib.auth.hashers import make_password

from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import set_membership
from merchants.domain.merchants import create_merchant
from merchants.domain.stores import StoreDetails, add_store
from merchants.enums import Category
from merchants.models import Merchant, Store

PASSWORD = "tongdao-demo-2026"  # noqa: S105 - printed by the command; everybody may know it
OPERATOR_PHONE = "+8613800000001"
OPERATOR_EMAIL = "operator@demo.example"

Text = dict[str, str]  # language -> words


@dataclass(frozen=True)
class StoreSeed:
    number: str
    name: Text
    city: Text
    district: Text
    address: Text
    longitude: str
    latitude: str


@dataclass(frozen=True)
class PersonSeed:
    """`store_numbers` are a clerk's; empty: the whole shop."""

    phone: str
    name: Text
    role: Role
    store_numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class MerchantSeed:
    slug: str
    name: Text
    category: Category
    opens: str
    closes: str
    stores: tuple[StoreSeed, ...]
    people: tuple[PersonSeed, ...]


@dataclass(frozen=True)
class SeededMerchant:
    """What later floors build on; clerks and stores in the order of the seed."""

    merchant: Merchant
    stores: list[Store]
    staff: list[tuple[PersonSeed, User]]

    def with_role(self, role: Role) -> list[User]:
        return [user for person, user in self.staff if person.role == role]

    def clerk_of(self, store: Store) -> User:
        """A clerk bound to the store, else the first one."""
        for person, user in self.staff:
            if person.role == Role.CLERK and store.number in person.store_numbers:
                return user
        return self.with_role(Role.CLERK)[0]


def t(zh: str, en: str) -> Text:
    return {"zh": zh, "en": en}


CHONGQING, CHENGDU = t("重庆市", "Chongqing"), t("成都市", "Chengdu")

TOWN: tuple[MerchantSeed, ...] = (
    MerchantSeed(
        slug="shancheng",
        name=t("山城老灶火锅", "Shancheng Old Stove Hot Pot"),
        category=Category.HOTPOT,
        opens="05:30",
        closes="02:00",
        stores=(
            StoreSeed("SC01", t("解放碑店", "Jiefangbei"), CHONGQING, t("渝中区", "Yuzhong"),
                      t("民权路 28 号 4 楼", "4F, 28 Minquan Road"), "106.577560", "29.557320"),
            StoreSeed("SC02", t("观音桥店", "Guanyinqiao"), CHONGQING, t("江北区", "Jiangbei"),
                      t("步行街 9 号", "9 Pedestrian Street"), "106.532470", "29.574810"),
            StoreSeed("SC03", t("春熙路店", "Chunxi Road"), CHENGDU, t("锦江区", "Jinjiang"),
                      t("总府路 15 号", "15 Zongfu Road"), "104.078230", "30.657420"),
            StoreSeed("SC04", t("天府三街店", "Tianfu Third Street"), CHENGDU, t("高新区", "Gaoxin"),
                      t("天府三街 199 号", "199 Tianfu Third Street"), "104.062910", "30.546270"),
        ),
        people=(
            PersonSeed("+8613800000011", t("周山", "Zhou Shan"), Role.OWNER),
            PersonSeed("+8613800000012", t("何静", "He Jing"), Role.MANAGER),
            PersonSeed("+8613800000013", t("唐敏", "Tang Min"), Role.FINANCE),
            PersonSeed("+8613800000014", t("李娜", "Li Na"), Role.CLERK, ("SC01",)),
            PersonSeed("+8613800000015", t("周强", "Zhou Qiang"), Role.CLERK, ("SC02",)),
            PersonSeed("+8613800000016", t("陈露", "Chen Lu"), Role.CLERK, ("SC03", "SC04")),
        ),
    ),
    MerchantSeed(
        slug="qingmu",
        name=t("青木茶铺", "Qingmu Tea"),
        category=Category.TEA,
        opens="09:30",
        closes="22:30",
        stores=(
            StoreSeed("QM01", t("沙坪坝店", "Shapingba"), CHONGQING, t("沙坪坝区", "Shapingba"),
                      t("三峡广场 6 号", "6 Sanxia Square"), "106.457730", "29.557120"),
            StoreSeed("QM02", t("南坪店", "Nanping"), CHONGQING, t("南岸区", "Nan'an"),
                      t("江南大道 12 号", "12 Jiangnan Avenue"), "106.568940", "29.528110"),
            StoreSeed("QM03", t("大学城店", "University Town"), CHONGQING, t("沙坪坝区", "Shapingba"),
                      t("大学城南路 33 号", "33 University Town South Road"), "106.302180", "29.607350"),
        ),
        people=(
            PersonSeed("+8613800000021", t("林青", "Lin Qing"), Role.OWNER),
            PersonSeed("+8613800000022", t("吴桐", "Wu Tong"), Role.CLERK, ("QM01", "QM02")),
            PersonSeed("+8613800000023", t("邓悦", "Deng Yue"), Role.CLERK, ("QM03",)),
        ),
    ),
    MerchantSeed(
        slug="tiema",
        name=t("铁马健身工作室", "Iron Horse Fitness Studio"),
        category=Category.FITNESS,
        opens="07:00",
        closes="21:30",
        stores=(
            StoreSeed("TM01", t("九龙坡店", "Jiulongpo"), CHONGQING, t("九龙坡区", "Jiulongpo"),
                      t("科园四路 57 号", "57 Keyuan Fourth Road"), "106.480410", "29.523640"),
        ),
        people=(
            PersonSeed("+8613800000031", t("马腾", "Ma Teng"), Role.OWNER),
            PersonSeed("+8613800000032", t("秦朗", "Qin Lang"), Role.CLERK, ("TM01",)),
        ),
    ),
)  # fmt: skip

SLUGS = tuple(seed.slug for seed in TOWN)


def build_operator(*, lang: str) -> User:
    """The platform's operator, who opens /ops/; made once."""
    known = User.objects.filter(phone=OPERATOR_PHONE).first()
    return known or User.objects.create_superuser(
        name={"zh": "平台运营", "en": "Operator"}[lang],
        phone=OPERATOR_PHONE,
        email=OPERATOR_EMAIL,
        password=PASSWORD,
    )


def build_merchant(*, seed: MerchantSeed, lang: str) -> SeededMerchant:
    """A merchant with its stores and people. Raises SlugTaken where it is there already."""
    people = [(person, build_user(person, lang)) for person in seed.people]
    owner = next(user for person, user in people if person.role == Role.OWNER)
    merchant = create_merchant(slug=seed.slug, name=seed.name[lang], owner=owner, category=seed.category)
    stores = [
        add_store(merchant=merchant, details=_details(store, seed, lang), by=owner) for store in seed.stores
    ]
    for person, user in people:
        if person.role != Role.OWNER:
            bound = [store for store in stores if store.number in person.store_numbers]
            set_membership(merchant=merchant, user=user, role=person.role, stores=bound, by=owner)
    return SeededMerchant(merchant=merchant, stores=stores, staff=people)


def build_user(person: PersonSeed, lang: str) -> User:
    """Somebody of the town, who signs in with its password; made once."""
    known = User.objects.filter(phone=person.phone).first()
    return known or User.objects.create(
        name=person.name[lang], phone=person.phone, password=_hashed_password()
    )


@cache
def _hashed_password() -> str:
    """Hashing is slow on purpose; everybody here has the same password."""
    return make_password(PASSWORD)


def _details(store: StoreSeed, seed: MerchantSeed, lang: str) -> StoreDetails:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return StoreDetails(
        name=store.name[lang],
        number=store.number,
        province={"重庆市": t("重庆市", "Chongqing"), "成都市": t("四川省", "Sichuan")}[store.city["zh"]][
            lang
        ],
        city=store.city[lang],
        district=store.district[lang],
        address=store.address[lang],
        phone="023-60000000",
        longitude=Decimal(store.longitude),
        latitude=Decimal(store.latitude),
        hours={day: [[seed.opens, seed.closes]] for day in days},
    )
