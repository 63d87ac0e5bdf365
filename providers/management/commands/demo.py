"""`manage.py demo`: a small believable town, made once; a later run tops up the coupons that are ready to redeem."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django_scopes import scopes_disabled

from core.clock import database_now
from core.domain.jobs import tick_off_jobs
from coupons.live.seed import build_live_sessions
from coupons.models import Coupon, Deal
from coupons.seed import build_customers, build_trade, top_up_ready_coupons
from coupons.settlement.domain.payout_proposals import propose_batch
from coupons.settlement.seed import build_reconciliation, build_statements, pay_out, put_bank_account
from identity.enums import Role
from identity.models import User
from merchants.models import Membership, Merchant, Store
from merchants.seed import (
    OPERATOR_PHONE,
    PASSWORD,
    SLUGS,
    TOWN,
    PersonSeed,
    build_merchant,
    build_operator,
)
from providers.creators.board_seed import build_board
from providers.creators.seed import CREATOR_PHONE, build_creators, build_tasks
from providers.seed import PEOPLE, build_firm, engage_firm, leave_traces
from providers.stations_seed import (
    ALONE,
    LEADER,
    ask_for_exclusivity,
    build_stations,
    give_exclusivity,
    look_after,
    offer_station,
)

COLLEAGUE = {"zh": "平台财务 何琳", "en": "He Lin (finance)"}
BANK = {"zh": "中国工商银行", "en": "ICBC"}

DISPUTE = {
    "zh": "解放碑店 19:30 有一桌说只用了 1 张代金券，这里记了 2 张，请核对。",
    "en": "At Jiefangbei a table at 19:30 says it used one voucher, here are two. Please check.",
}
STRAY = {
    "zh": "已与支付渠道核实：门店扫码收款误挂到团购账户，渠道次日已转回门店。",
    "en": "Checked with the provider: a payment at the counter was put on this account by mistake and moved back next day.",
}


class Command(BaseCommand):
    help = "Builds a small believable town: shops, staff, deals, coupons, redemptions, statements. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        parser.add_argument("--lang", choices=["zh", "en"], default="zh", help="language of names (zh)")

    def handle(self, *args: Any, lang: str, **options: Any) -> None:
        if settings.HTTPS_ONLY:
            raise CommandError(
                "This installation serves the public (HTTPS_ONLY is on), and everybody may know the town's password: "
                "no demonstration town is built here.",
                returncode=2,
            )
        with scopes_disabled(), transaction.atomic():
            with connection.cursor() as cursor:  # two runs at once: the second finds the first one's town
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('manage.py demo', 0))")
            if not Merchant.objects.filter(slug__in=SLUGS).exists():
                self._check_no_business()
                self._build(lang)
            main = Merchant.objects.get(slug=SLUGS[0])
            codes = top_up_ready_coupons(merchant=main, lang=lang, at=database_now())
            summary = {
                "sign_ins": _sign_ins(),
                "coupon_codes": codes,
                "merchants": Merchant.objects.filter(slug__in=SLUGS).count(),
                "stores": Store.objects.filter(merchant__slug__in=SLUGS).count(),
                "deals": Deal.objects.filter(merchant__slug__in=SLUGS).count(),
                "coupons": Coupon.objects.filter(merchant__slug__in=SLUGS).count(),
            }
        if options["json"]:
            self.stdout.write(json.dumps(summary, ensure_ascii=False))
        else:
            self._print(summary)

    def _check_no_business(self) -> None:
        """Shops somebody works in are business; tenants of replays and imports, which nobody can sign in to, are not."""
        people = Membership.objects.filter(is_active=True).exclude(user__password__startswith="!")  # noqa: S106
        shop = people.exclude(merchant__slug__in=SLUGS).select_related("merchant").first()
        if shop is not None:
            raise CommandError(
                f"This database holds real business ({shop.merchant.name}): the town is built in an empty one only.",
                returncode=2,
            )

    def _build(self, lang: str) -> None:
        began = time.monotonic()
        now = database_now()
        operator = build_operator(lang=lang)
        customers = build_customers(lang=lang)
        creators = build_creators(lang=lang)
        firm = build_firm(lang=lang)
        station = build_stations(provider=firm.provider, by=firm.owner, lang=lang)
        for seed in TOWN:
            shop = build_merchant(seed=seed, lang=lang)
            if seed.slug in SLUGS[:2]:
                owner = shop.with_role(Role.OWNER)[0]
                engage_firm(
                    firm=firm, merchant=shop.merchant, owner=owner, is_first=seed.slug == SLUGS[0], at=now
                )
            if seed.slug == SLUGS[1]:
                look_after(station=station, shop=shop, lang=lang, at=now)
            build_trade(shop=shop, operator=operator, customers=customers, lang=lang, at=now)
            if seed.slug == SLUGS[0]:
                build_live_sessions(shop=shop, customers=customers, lang=lang, at=now)
                leave_traces(firm=firm, merchant=shop.merchant, lang=lang)
                offer_station(station=station, shop=shop, lang=lang)
            build_tasks(shop=shop, creators=creators, customers=customers, lang=lang, at=now)
            if seed.slug == SLUGS[0]:
                ask_for_exclusivity(shop=shop, provider=firm.provider, by=firm.owner, lang=lang, at=now)
            if seed.slug == SLUGS[2]:
                give_exclusivity(shop=shop, creator=creators[ALONE], lang=lang, at=now)
            confirmer = (shop.with_role(Role.FINANCE) or shop.with_role(Role.OWNER))[0]
            dispute = DISPUTE[lang] if seed.slug == SLUGS[0] else ""
            statements = build_statements(merchant=shop.merchant, by=confirmer, dispute=dispute)
            stray = STRAY[lang] if seed.slug == SLUGS[0] else ""
            build_reconciliation(merchant=shop.merchant, by=confirmer, explanation=stray)
            # Bells of four weeks: what they ring for is done.
            tick_off_jobs(
                kinds=["settle", "close_order", "end_live_session", "reconcile_day"],
                merchant_id=shop.merchant.pk,
                due_by=now,
            )
            self.stderr.write(
                f"{shop.merchant.name}: {len(shop.stores)} stores, {len(statements)} statements"
                f" ({time.monotonic() - began:.0f} s)"
            )
        build_board(creators=creators.values())
        self._pay_out(operator, lang)

    def _pay_out(self, operator: User, lang: str) -> None:
        """The first shop was paid; for the second a batch waits for a second person, which the operator is."""
        colleague = User.objects.create_user(name=COLLEAGUE[lang], is_staff=True)
        first, second = (Merchant.objects.select_related("party").get(slug=slug) for slug in SLUGS[:2])
        for merchant, number in ((first, "6222020200012345678"), (second, "6217000010009876543")):
            owner = (
                Membership.objects.filter(merchant=merchant, role=Role.OWNER)
                .select_related("user")
                .earliest("id")
            )
            put_bank_account(payee=merchant.party, bank=BANK[lang], number=number, by=owner.user)
            if merchant == first:
                pay_out(proposed_by=operator, approved_by=colleague)
            else:
                propose_batch(by=colleague)

    def _print(self, summary: dict[str, Any]) -> None:
        for row in summary["sign_ins"]:
            self.stdout.write(f"{row['role']:<10} {row['login']:<14} {row['password']}  {row['url']}")
        self.stdout.write(f"Coupons ready to redeem: {' · '.join(summary['coupon_codes'])}")


def _sign_ins() -> list[dict[str, str]]:
    rows = [_sign_in(person, seed.slug) for seed in TOWN for person in seed.people]
    rows.append({"role": "creator", "login": _login(CREATOR_PHONE), "password": PASSWORD, "url": "/c/"})
    rows += [
        {"role": "provider", "login": _login(phone), "password": PASSWORD, "url": "/p/"}
        for phone, _name, _role in PEOPLE
    ]
    rows.append({"role": "station", "login": _login(LEADER.phone), "password": PASSWORD, "url": "/stations/"})
    rows.append({"role": "operator", "login": _login(OPERATOR_PHONE), "password": PASSWORD, "url": "/ops/"})
    return rows


def _sign_in(person: PersonSeed, slug: str) -> dict[str, str]:
    url = {Role.CLERK: "/clerk/", Role.FINANCE: f"/m/{slug}/statements/"}.get(person.role, f"/m/{slug}/")
    return {"role": str(person.role), "login": _login(person.phone), "password": PASSWORD, "url": url}


def _login(phone: str) -> str:
    """As people type it."""
    return phone.removeprefix("+86")
