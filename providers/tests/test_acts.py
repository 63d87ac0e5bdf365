"""Every verb the product records has words, or is nobody's who serves a shop: a new verb must be entered in one place."""

import re

import pytest
from django.conf import settings
from django.utils import translation

from identity.models import AuditEvent, Party
from providers.views.acts import SENTENCES, tell_act

VERB = re.compile(r"""(?:verb=|_record\()\s*\(?f?"([a-z_]+\.[a-z_{}]+)\"""")
ELSE = re.compile(r"""if [^"\n]+ else "([a-z_]+\.[a-z_]+)\"""")
FLOORS = ("merchants", "coupons", "providers", "platform")
# Of the shop's own people, customers, creators, stations, operators and the clock.
NOT_THEIRS = {
    "bank_account.cancelled", "bank_account.requested", "bill.imported", "break.adjusted", "break.explained", "break.taken", "claim.expire", "claim.quit", "claim.submit",
    "claim.take", "claim.visit", "creator.change", "creator.correct", "creator.join", "deal.approve", "deal.reject", "engagement.narrow",
    "exclusivity.agree", "exclusivity.end", "exclusivity.refuse", "merchant.edit",
    "onboarding.begin", "onboarding.give_up", "order.closed", "objection.answered", "payout_batch.approved",
    "payout_batch.downloaded", "payout_batch.exported", "payout_batch.proposed", "payout_batch.results",
    "payout_batch.withdrawn", "provider.create",
    "provider_staff.end", "provider_staff.invitation_withdraw", "provider_staff.invite", "provider_staff.set",
    "recall.done", "refund.paid_out", "rehearsal.lost", "rehearsal.{state}", "staff.end", "staff.set",
    "statement.confirmed", "statement.disputed", "station.close", "station.create", "station.open",
    "station_merchant.agree", "station_merchant.end", "station_merchant.offer", "station_merchant.refuse",
    "station_merchant.withdraw", "station_staff.end", "station_staff.set", "terms.propose",
    "territory.end", "territory.give", "training.add", "training.done", "training.pass",
    "training.retire", "training.send_back",
}  # fmt: skip


def recorded() -> set[str]:
    """The verbs written in the code."""
    found = set()
    for floor in FLOORS:
        for path in (settings.ROOT / floor).rglob("domain/*.py"):
            code = path.read_text(encoding="utf-8")
            found |= set(VERB.findall(code))
            if "record_event" in code:
                found |= set(ELSE.findall(code))
    return found


def test_every_verb_has_words_or_is_nobodys_who_serves_a_shop() -> None:
    answers = {"engagement.refused", "engagement.withdrawn"}  # made of the state: engagement.{state}
    assert recorded() - {"engagement.{state}"} - NOT_THEIRS == set(SENTENCES) - answers


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_sentence_can_be_said_in_both_languages(language: str) -> None:
    facts = {
        "title": "双人餐", "label": "探店", "name": "解放碑店", "pieces": 3, "returned": 2, "total": None, "version": 1,
        "amount_fen": 12_800, "reason": "过了时间", "bps": 450, "quota": 5,
        "task": "探店视频", "creator": "阿飞",
    }  # fmt: skip
    with translation.override(language):
        for verb in (*SENTENCES, "something.new"):
            event = AuditEvent(verb=verb, facts=facts, for_party=Party(name="渝味代运营"))
            told = tell_act(event, name="小段")
            assert "小段" in told
            assert "渝味代运营" in told
            assert "%(" not in told
            assert "—" not in told, verb
