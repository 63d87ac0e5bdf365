"""For every invariant, one way to break it and nothing else (or what cannot but break with it).

SQL runs past every guard of the tables it names; functions go through the product's own doors, for what no guard forbids.
`{here}` and `{there}` are the two merchants.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone

from coupons.settlement.domain.sealing import statement_hash
from coupons.settlement.models import Statement
from coupons.tests.town import Town
from identity.models import Party
from ledger.domain.accounts import open_account
from ledger.domain.journals import Posting, write_journal
from ledger.enums import AccountKind, JournalKind
from ledger.models import LedgerAccount
from tests.invariants.unguarded import plant

Plant = str | Callable[[Town], None]


@dataclass(frozen=True)
class Planting:
    how: Plant
    also: frozenset[str] = frozenset()

    def run(self, here: Town, there: Town) -> None:
        if not isinstance(self.how, str):
            self.how(here)
            return
        sql = self.how.replace("{here}", str(here.merchant.pk)).replace("{there}", str(there.merchant.pk))
        sql = sql.replace("{other_store}", str(here.other_store.pk))
        assert plant(sql) > 0, "nothing was planted"


def book(here: Town, debit: AccountKind, credit: AccountKind, *, to_another_owner: bool) -> None:
    """One fen by hand, in a journal nothing of the trade stands behind."""
    accounts = {
        account.kind: account.pk for account in LedgerAccount.objects.filter(merchant_id=here.merchant.pk)
    }
    credited = accounts[credit]
    if to_another_owner:
        stranger = Party.objects.create(kind="creator", name="stranger")
        credited = open_account(merchant_id=here.merchant.pk, kind=credit, owner_id=stranger.pk)
    write_journal(
        merchant_id=here.merchant.pk,
        kind=JournalKind.SETTLEMENT,
        source="by hand",
        happened_at=timezone.now(),
        postings=[Posting(accounts[debit], credited, 1)],
    )


def credit_another_merchant_account(here: Town) -> None:
    book(here, AccountKind.MERCHANT_PAYABLE, AccountKind.MERCHANT_PAYABLE, to_another_owner=True)


def credit_another_fee_account(here: Town) -> None:
    book(here, AccountKind.PLATFORM_FEE, AccountKind.PLATFORM_FEE, to_another_owner=True)


def credit_prepaid(here: Town) -> None:
    book(here, AccountKind.PSP_CLEARING, AccountKind.CUSTOMER_PREPAID, to_another_owner=False)


def forge_statement(here: Town, change: str) -> None:
    """Change the newest statement and seal it again, so that the seal tells nothing."""
    newest = Statement.objects.filter(merchant=here.merchant).latest("id")
    plant(f"UPDATE settlement_statement SET {change} WHERE id = {newest.pk}")
    newest.refresh_from_db()
    seal = statement_hash(statement=newest)
    plant(f"UPDATE settlement_statement SET hash = '{seal}' WHERE id = {newest.pk}")


def count_a_line_more(here: Town) -> None:
    forge_statement(here, "lines_count = lines_count + 1")


def break_the_chain(here: Town) -> None:
    forge_statement(here, "previous_id = NULL")


def grant_twice(here: Town) -> None:
    plant(
        "INSERT INTO identity_grant (user_id, party_id, role, why)"
        f" SELECT user_id, party_id, role, why FROM identity_grant WHERE party_id = {here.merchant.pk} AND role = 'owner'"
    )


def undo_what_is_settled(here: Town) -> None:
    """All that undoing does, but for a redemption that settlement took."""
    plant(
        f"""
        WITH r AS (UPDATE coupons_redemption SET reversed_at = redeemed_at WHERE id = (SELECT min(redemption_id)
                FROM settlement_settlementline WHERE merchant_id = {here.merchant.pk} AND statement_id IS NULL)
            RETURNING id, merchant_id, coupon_id, clerk_id),
        c AS (UPDATE coupons_coupon SET state = 'issued', uses_left = uses_left + 1 WHERE id = (SELECT coupon_id FROM r))
        INSERT INTO coupons_redemptionreversal (merchant_id, redemption_id, by_id, reason)
        SELECT merchant_id, id, clerk_id, '' FROM r
        """
    )


# Rows the statements below choose, as sub-selects.
UNUSED = "(SELECT max(c.id) FROM coupons_coupon c JOIN coupons_order o ON o.id = c.order_id WHERE c.merchant_id = {here}"
UNUSED += " AND c.state = 'issued' AND c.uses_total = 1 AND o.total_fen > 0"
UNUSED += " AND NOT EXISTS (SELECT FROM coupons_redemption r WHERE r.coupon_id = c.id))"
CARD = "(SELECT max(id) FROM coupons_coupon WHERE merchant_id = {here} AND uses_total = 7)"
FRESH = """(SELECT max(r.id) FROM coupons_redemption r JOIN coupons_coupon c ON c.id = r.coupon_id
    JOIN coupons_deal d ON d.id = r.deal_id WHERE r.merchant_id = {here} AND r.reversed_at IS NULL AND c.uses_total = 1
    AND d.all_stores AND NOT EXISTS (SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id))"""
LINES = (
    "FROM settlement_settlementline WHERE merchant_id = {here} AND statement_id IS NULL AND gross_fen > 0"
    " AND redemption_id NOT IN (SELECT redemption_id FROM coupons_refund WHERE redemption_id IS NOT NULL)"
)
GIFT_LINE = "(SELECT max(id) FROM settlement_settlementline WHERE merchant_id = {here} AND gross_fen = 0)"
OPEN_REFUND = "(SELECT max(id) FROM coupons_refund WHERE merchant_id = {here} AND state = 'approved' AND coupon_id IS NOT NULL)"
GIVEN_BACK = "(SELECT max(id) FROM coupons_refund WHERE merchant_id = {here} AND state = 'paid_out' AND redemption_id IS NOT NULL)"
REQUEST = "(SELECT max(id) FROM coupons_refund WHERE merchant_id = {here} AND state = 'requested')"
LATE_REFUND = "(SELECT max(id) FROM coupons_refund WHERE merchant_id = {here} AND state = 'approved' AND coupon_id IS NULL)"
UNPAID = "(SELECT max(id) FROM coupons_order WHERE merchant_id = {here} AND state = 'created')"
AT_CASHIER = "(SELECT max(id) FROM coupons_payment WHERE merchant_id = {here} AND state = 'created')"


POOL = "(SELECT max(p.id) FROM coupons_stockpool p WHERE p.merchant_id = {here} AND p.kind = 'general' AND p.total > 50"
POOL += " AND EXISTS (SELECT FROM coupons_stockslot k WHERE k.pool_id = p.id AND k.sold > 0))"
SLOT = f"(SELECT max(id) FROM coupons_stockslot WHERE pool_id = {POOL})"


def balance_of(kind: str) -> str:
    return f"(SELECT id FROM ledger_account WHERE merchant_id = {{here}} AND kind = '{kind}')"


def moved_to_another_journal(table: str) -> str:
    """One row names the journal of another row: both journals' sums are wrong, everything else stays right."""
    rows = f"FROM {table} WHERE merchant_id = {{here}} AND journal_id IS NOT NULL"
    return (
        f"UPDATE {table} SET journal_id = (SELECT max(journal_id) {rows}) WHERE id = (SELECT min(id) {rows})"
    )


WORKS: dict[str, Planting] = {
    "done_jobs_have_their_time": Planting(
        "UPDATE core_job SET done_at = NULL WHERE id = (SELECT min(id) FROM core_job WHERE state = 'done')"
    ),
    "a_job_gives_up_only_after_its_tries": Planting(
        "UPDATE core_job SET state = 'dead', attempts = 2"
        " WHERE id = (SELECT min(id) FROM core_job WHERE state = 'ready' AND kind = 'settle')"
    ),
    "every_kept_request_has_its_answer": Planting(
        "INSERT INTO core_idempotencykey (principal, endpoint, key, fingerprint) VALUES ('user', 'orders', 'k', 'f')"
    ),
}

ACCESS: dict[str, Planting] = {
    "one_platform": Planting("INSERT INTO identity_party (kind, name) VALUES ('platform', 'second')"),
    "one_open_grant_per_post": Planting(grant_twice),
    "posts_and_grants_agree": Planting(
        "UPDATE merchants_membership SET is_active = false WHERE merchant_id = {here} AND role = 'clerk'"
    ),
    "a_clerk_has_a_store": Planting(
        "UPDATE identity_grant SET store_ids = NULL WHERE party_id = {here} AND role = 'clerk'"
    ),
}

LEDGER: dict[str, Planting] = {
    "debits_equal_credits": Planting(
        f"UPDATE ledger_balance SET debits_fen = debits_fen + 1 WHERE account_id = {balance_of('psp_clearing')}",
        also=frozenset({"balances_equal_transfers"}),
    ),
    "balances_equal_transfers": Planting(
        "UPDATE ledger_balance SET debits_fen = debits_fen + 1, credits_fen = credits_fen + 1"
        f" WHERE account_id = {balance_of('psp_clearing')}"
    ),
    "every_account_has_a_balance": Planting(
        f"UPDATE ledger_balance SET bound = '-' WHERE account_id = {balance_of('psp_clearing')}"
    ),
    "no_empty_journal": Planting(
        "INSERT INTO ledger_journal (merchant_id, kind, source, happened_at) VALUES ({here}, 'settlement', 'x', now())"
    ),
    "transfers_move_a_positive_amount": Planting(
        "INSERT INTO ledger_transfer (merchant_id, journal_id, line, debit_account_id, credit_account_id, amount_fen, currency)"
        " SELECT merchant_id, journal_id, 99, debit_account_id, credit_account_id, 0, currency FROM ledger_transfer"
        " WHERE id = (SELECT min(id) FROM ledger_transfer WHERE merchant_id = {here})"
    ),
    "bounds_hold": Planting(
        "WITH a AS (UPDATE ledger_account SET bound = 'D' WHERE merchant_id = {here} AND kind = 'psp_clearing' RETURNING id)"
        " UPDATE ledger_balance SET bound = 'D' WHERE account_id = (SELECT id FROM a)"
    ),
    "transfers_stay_in_their_book": Planting(
        "UPDATE ledger_transfer SET currency = 'USD' WHERE id = (SELECT max(id) FROM ledger_transfer WHERE merchant_id = {here})"
    ),
    "a_reversal_stays_in_its_book": Planting(
        "UPDATE ledger_journal SET reverses_id = (SELECT max(id) FROM ledger_journal WHERE merchant_id = {there})"
        " WHERE id = (SELECT max(id) FROM ledger_journal WHERE merchant_id = {here})"
    ),
}

STOCK: dict[str, Planting] = {
    "purchases_equal_orders": Planting(
        "UPDATE coupons_dealpurchase SET quantity = quantity + 1"
        " WHERE id = (SELECT max(id) FROM coupons_dealpurchase WHERE merchant_id = {here})"
    ),
    "stock_equals_orders": Planting(
        f"UPDATE coupons_stockslot SET free = free - 1, sold = sold + 1 WHERE id = {SLOT}"
    ),
    "stock_adds_up": Planting(f"UPDATE coupons_stockslot SET free = free + 1 WHERE id = {SLOT}"),
    "nothing_is_oversold": Planting(
        f"WITH p AS (SELECT pool_id, sum(free) + 1 AS more FROM coupons_stockslot WHERE pool_id = {POOL} GROUP BY pool_id),"
        " k AS (UPDATE coupons_stockslot SET free = free - p.more FROM p WHERE coupons_stockslot.pool_id = p.pool_id"
        " AND number = 0)"
        " UPDATE coupons_stockpool SET total = total - p.more FROM p WHERE id = p.pool_id",
        also=frozenset({"stock_is_never_negative"}),
    ),
    "stock_is_never_negative": Planting(
        "UPDATE coupons_stockslot s SET free = CASE s.number WHEN 0 THEN -1 ELSE s.free + k.free + 1 END"
        f" FROM (SELECT free FROM coupons_stockslot WHERE pool_id = {POOL} AND number = 0) k"
        f" WHERE s.pool_id = {POOL} AND s.number IN (0, 1)"
    ),
    "every_deal_has_its_stock": Planting(
        "INSERT INTO coupons_deal SELECT (jsonb_populate_record(d, jsonb_build_object('id', 1))).* FROM coupons_deal d"
        " WHERE d.id = (SELECT max(id) FROM coupons_deal WHERE merchant_id = {here})"
    ),
    "ended_allotments_hold_nothing_back": Planting(
        "UPDATE coupons_stockpool SET closed_at = now() WHERE merchant_id = {here} AND kind = 'entrance' AND closed_at IS NULL"
    ),
    "orders_take_the_stock_of_their_entrance": Planting(
        "UPDATE coupons_order SET entrance = 'ranking' WHERE merchant_id = {here} AND entrance = 'live_card'"
    ),
}

ORDERS: dict[str, Planting] = {
    "order_amounts_add_up": Planting(
        "UPDATE coupons_order SET unit_price_fen = unit_price_fen + 1 WHERE merchant_id = {here} AND state = 'closed'"
    ),
    "orders_have_the_times_of_their_state": Planting(
        f"UPDATE coupons_order SET closed_at = now() WHERE id = {UNPAID}"
    ),
    "paid_orders_have_their_coupons": Planting(f"DELETE FROM coupons_coupon WHERE id = {UNUSED}"),
    "orders_count_their_payments": Planting(
        f"UPDATE coupons_order SET paid_fen = 1 WHERE id = {UNPAID}",
        also=frozenset({"only_the_price_is_kept"}),
    ),
    "orders_count_their_refunds": Planting(
        "UPDATE coupons_order SET refunded_fen = 1 WHERE id = (SELECT max(id) FROM coupons_order"
        " WHERE merchant_id = {here} AND state = 'paid' AND refunded_fen = 0 AND paid_fen > 0)"
    ),
    "only_the_price_is_kept": Planting(f"DELETE FROM coupons_refund WHERE id = {LATE_REFUND}"),
    "every_order_froze_its_shares": Planting(f"DELETE FROM coupons_ordershare WHERE order_id = {UNPAID}"),
    "shares_are_the_terms_of_their_order": Planting(
        f"UPDATE coupons_ordershare SET bps = bps - 1 WHERE order_id = {UNPAID}"
    ),
    "every_unpaid_order_will_be_closed": Planting(
        f"DELETE FROM core_job WHERE kind = 'close_order' AND key = {UNPAID}::text"
    ),
}

PAYMENTS: dict[str, Planting] = {
    "payments_ask_for_the_order_total": Planting(
        f"UPDATE coupons_payment SET amount_fen = amount_fen + 1 WHERE id = {AT_CASHIER}"
    ),
    "payments_have_the_times_of_their_state": Planting(
        f"UPDATE coupons_payment SET succeeded_at = now() WHERE id = {AT_CASHIER}"
    ),
    "a_notified_payment_was_received": Planting(
        "INSERT INTO coupons_paymentnotification (provider, event_id, kind, reference, payload, outcome)"
        " SELECT provider, 'lost', 'payment.succeeded', reference, '{}', 'taken' FROM coupons_payment"
        f" WHERE id = {AT_CASHIER}"
    ),
    "payments_are_booked_to_the_fen": Planting(moved_to_another_journal("coupons_payment")),
}

COUPONS: dict[str, Planting] = {
    "coupons_agree_with_their_order": Planting(
        "UPDATE coupons_coupon SET customer_id = (SELECT min(id) FROM identity_customer WHERE id <> customer_id)"
        f" WHERE id = {UNUSED}"
    ),
    "coupon_codes_are_once_per_merchant": Planting(
        f"UPDATE coupons_coupon SET code = (SELECT code FROM coupons_coupon WHERE id = {CARD}) WHERE id = {UNUSED}"
    ),
    "coupon_uses_equal_redemptions": Planting(
        f"UPDATE coupons_coupon SET uses_left = uses_left - 1 WHERE id = {CARD}"
    ),
    "coupon_state_says_its_uses": Planting(
        "UPDATE coupons_coupon SET state = 'issued'"
        " WHERE id = (SELECT max(id) FROM coupons_coupon WHERE merchant_id = {here} AND state = 'redeemed')"
    ),
    "coupon_state_says_its_refund": Planting(
        "UPDATE coupons_coupon SET state = 'voided' WHERE merchant_id = {here} AND state = 'refunded'"
    ),
    "expired_coupons_owe_nothing": Planting(
        f"UPDATE coupons_coupon SET state = 'expired' WHERE id = {UNUSED}"
    ),
}

REDEMPTIONS: dict[str, Planting] = {
    "no_use_is_redeemed_twice": Planting(
        f"UPDATE coupons_redemption SET use_no = 1 WHERE coupon_id = {CARD} AND use_no = 2"
    ),
    "redeemed_uses_exist": Planting(
        f"UPDATE coupons_redemption SET use_no = 8 WHERE coupon_id = {CARD} AND use_no = 2"
    ),
    "uses_sum_to_the_price": Planting(
        f"UPDATE coupons_redemption SET gross_fen = gross_fen - 1 WHERE id = {FRESH}"
    ),
    "redemptions_agree_with_their_coupon": Planting(
        "UPDATE coupons_redemption SET order_id = (SELECT min(id) FROM coupons_order WHERE merchant_id = {here})"
        f" WHERE id = {FRESH}"
    ),
    "redeemed_while_valid": Planting(
        "UPDATE coupons_redemption r SET redeemed_at = c.valid_until FROM coupons_coupon c"
        f" WHERE c.id = r.coupon_id AND r.id = {FRESH}"
    ),
    "redeemed_where_sold_for": Planting(
        "UPDATE coupons_redemption r SET store_id = {other_store} FROM coupons_deal d"
        " WHERE d.id = r.deal_id AND NOT d.all_stores AND r.merchant_id = {here}"
    ),
    "every_undoing_has_its_row": Planting(
        "DELETE FROM coupons_redemptionreversal WHERE merchant_id = {here}"
    ),
    "undone_inside_the_window": Planting(
        "UPDATE coupons_redemption SET reversed_at = due_at WHERE merchant_id = {here} AND reversed_at IS NOT NULL"
    ),
}

REFUNDS: dict[str, Planting] = {
    "a_coupon_is_used_or_refunded_never_both": Planting(
        f"UPDATE coupons_refund SET amount_fen = amount_fen - 1 WHERE id = {OPEN_REFUND}"
    ),
    "refunds_at_most_the_payment": Planting(
        "WITH p AS (INSERT INTO coupons_payment (merchant_id, order_id, provider, reference, provider_reference, amount_fen, state)"
        " SELECT o.merchant_id, o.id, 'other', 'never paid', '', o.total_fen, 'failed' FROM coupons_order o"
        f" WHERE o.id = (SELECT order_id FROM coupons_refund WHERE id = {OPEN_REFUND}) RETURNING id)"
        f" UPDATE coupons_refund SET payment_id = (SELECT id FROM p) WHERE id = {OPEN_REFUND}"
    ),
    "refunds_agree_with_their_order": Planting(
        "UPDATE coupons_refund SET order_id = (SELECT min(id) FROM coupons_order WHERE merchant_id = {here})"
        f" WHERE id = {OPEN_REFUND}"
    ),
    "refunds_have_the_times_of_their_state": Planting(
        f"UPDATE coupons_refund SET paid_out_at = now() WHERE id = {OPEN_REFUND}"
    ),
    "every_open_refund_has_its_job": Planting(
        f"DELETE FROM core_job WHERE kind = 'pay_refund' AND key = {OPEN_REFUND}::text"
    ),
    "refunds_of_uses_are_within_their_use": Planting(
        f"UPDATE coupons_refund SET asked_fen = asked_fen + 1 WHERE id = {REQUEST}"
    ),
    "no_use_is_refunded_twice": Planting(
        "INSERT INTO coupons_refund (merchant_id, order_id, payment_id, coupon_id, redemption_id, amount_fen, asked_fen,"
        " reason, state, review_due_at, last_error, requested_at) SELECT merchant_id, order_id, payment_id, coupon_id,"
        " redemption_id, 1, asked_fen, reason, 'requested', now(), '', requested_at FROM coupons_refund"
        f" WHERE id = {GIVEN_BACK}",
        also=frozenset({"every_open_review_has_its_job"}),
    ),
    "refunds_of_uses_are_in_time": Planting(
        f"UPDATE coupons_refund SET requested_at = requested_at + interval '30 days' WHERE id = {REQUEST}"
    ),
    "refunds_of_a_coupon_are_at_most_its_price": Planting(
        "UPDATE coupons_refund f SET amount_fen = c.price_fen + 1, asked_fen = c.price_fen + 1 FROM coupons_coupon c"
        f" WHERE c.id = f.coupon_id AND f.id = {REQUEST}",
        also=frozenset({"refunds_of_uses_are_within_their_use", "refunds_at_most_the_payment"}),
    ),
    "every_open_review_has_its_job": Planting(
        f"DELETE FROM core_job WHERE kind = 'review_refund' AND key = {REQUEST}::text"
    ),
    "recalls_count_what_they_took": Planting(
        "UPDATE coupons_recall SET amount_fen = amount_fen + 1 WHERE merchant_id = {here} AND state = 'done'"
    ),
    "recalled_coupons_are_of_their_recall": Planting(
        "UPDATE coupons_recall SET issued_before = now() - interval '1 day' WHERE merchant_id = {here} AND state = 'done'"
    ),
    "every_running_recall_has_its_job": Planting(
        "DELETE FROM core_job WHERE kind = 'recall' AND merchant_id = {here} AND state = 'ready'"
    ),
    "refunds_are_booked_to_the_fen": Planting(moved_to_another_journal("coupons_refund")),
}

SETTLEMENT: dict[str, Planting] = {
    "every_due_redemption_has_one_line": Planting(
        f"UPDATE coupons_redemption SET due_at = now() - interval '1 hour' WHERE id = {FRESH}"
    ),
    "no_redemption_is_settled_twice": Planting(
        "WITH twice AS (INSERT INTO settlement_settlementline (merchant_id, batch_id, redemption_id, coupon_id, deal_id,"
        " store_id, business_date, gross_fen, platform_fee_bps, service_fee_bps, station_share_bps, commission_bps,"
        " platform_payee_id, platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen) SELECT merchant_id, batch_id, redemption_id, coupon_id, deal_id, store_id, business_date,"
        f" 0, platform_fee_bps, 0, 0, 0, platform_payee_id, 0, 0, 0, 0, 0 FROM settlement_settlementline WHERE id = {GIFT_LINE} RETURNING batch_id)"
        " UPDATE settlement_settlementbatch SET lines = lines + 1 WHERE id = (SELECT batch_id FROM twice)"
    ),
    "every_refund_of_a_use_is_taken_back": Planting(
        "WITH gone AS (DELETE FROM settlement_settlementline WHERE refund_id = (SELECT max(refund_id)"
        " FROM settlement_settlementline WHERE merchant_id = {here})"
        " RETURNING refund_id) UPDATE coupons_refund SET paid_out_at = now() - interval '1 hour'"
        " WHERE id = (SELECT refund_id FROM gone)",
        also=frozenset(
            {
                "lines_of_a_batch_equal_its_transfers",
                "payable_equals_lines",
                "fees_equal_lines",
                "prepaid_equals_booked_minus_settled",
            }
        ),
    ),
    "negative_lines_agree_with_their_refund": Planting(
        "UPDATE settlement_settlementline SET store_id = {other_store} WHERE merchant_id = {here} AND refund_id IS NOT NULL"
    ),
    "negative_lines_recomputed_agree": Planting(
        "UPDATE settlement_settlementline SET merchant_fen = merchant_fen - 1, platform_fee_fen = platform_fee_fen + 1"
        " WHERE merchant_id = {here} AND refund_id IS NOT NULL",
        also=frozenset({"payable_equals_lines", "fees_equal_lines"}),
    ),
    "no_line_of_a_reversed_redemption": Planting(undo_what_is_settled),
    "lines_agree_with_their_redemption": Planting(
        f"UPDATE settlement_settlementline SET store_id = {{other_store}} WHERE id = (SELECT max(id) {LINES})"
    ),
    "lines_add_up": Planting(
        "UPDATE settlement_settlementline SET merchant_fen = merchant_fen +"
        f" CASE WHEN id = (SELECT max(id) {LINES}) THEN 1 ELSE -1 END"
        f" WHERE id IN (SELECT max(id) {LINES} UNION SELECT min(id) {LINES})"
    ),
    "lines_recomputed_from_terms_agree": Planting(
        "UPDATE settlement_settlementline SET"
        f" merchant_fen = merchant_fen - CASE WHEN id = (SELECT max(id) {LINES}) THEN 1 ELSE -1 END,"
        f" platform_fee_fen = platform_fee_fen + CASE WHEN id = (SELECT max(id) {LINES}) THEN 1 ELSE -1 END"
        f" WHERE id IN (SELECT max(id) {LINES} UNION SELECT min(id) {LINES})"
    ),
    "lines_of_a_batch_equal_its_transfers": Planting(
        "UPDATE settlement_settlementbatch SET lines = lines + 1 WHERE merchant_id = {here}"
    ),
    "payable_equals_lines": Planting(credit_another_merchant_account),
    "fees_equal_lines": Planting(credit_another_fee_account),
    "prepaid_equals_booked_minus_settled": Planting(credit_prepaid),
    "lines_are_stated_to_their_payee": Planting(
        "UPDATE settlement_settlementline SET business_date = business_date + 60 WHERE id = (SELECT max(id)"
        " FROM settlement_settlementline WHERE merchant_id = {here} AND statement_id IS NOT NULL)",
        also=frozenset({"lines_agree_with_their_redemption", "statement_seals_hold"}),
    ),
    "statements_equal_their_lines": Planting(count_a_line_more),
    "statement_seals_hold": Planting(
        "UPDATE settlement_statement SET hash = repeat('0', 64)"
        " WHERE id = (SELECT max(id) FROM settlement_statement WHERE merchant_id = {here})"
    ),
    "statements_form_one_chain": Planting(break_the_chain),
}

TERMS: dict[str, Planting] = {
    "one_platform_fee_is_in_force": Planting(
        "UPDATE merchants_terms SET state = 'ended', ended_at = clock_timestamp()"
        " WHERE merchant_id = {here} AND kind = 'platform_fee'"
    ),
    "terms_in_force_are_at_most_the_whole": Planting(
        "UPDATE merchants_terms SET bps = 9900 WHERE merchant_id = {here} AND kind = 'commission'"
    ),
    "terms_were_agreed_by_both_sides": Planting(
        "UPDATE merchants_terms SET answered_by_id = proposed_by_id WHERE merchant_id = {here} AND kind = 'commission'"
    ),
    "versions_of_terms_follow_each_other": Planting(
        "UPDATE merchants_terms SET version = 3 WHERE merchant_id = {here} AND kind = 'commission'"
    ),
}

PARTNERS: dict[str, Planting] = {
    "engagements_grant_what_they_say": Planting(
        "UPDATE identity_grant SET scopes = array_append(scopes, 'phones')"
        " WHERE party_id = {here} AND for_party_id IS NOT NULL"
    ),
    "engagements_in_force_are_at_work": Planting(
        "UPDATE identity_grant SET valid_until = clock_timestamp() WHERE party_id = {here} AND for_party_id IS NOT NULL"
    ),
    "a_change_waits_exactly_where_one_is_proposed": Planting(
        "UPDATE providers_engagement SET state = 'changing' WHERE merchant_id = {here} AND state = 'active'"
    ),
    "engagements_rest_on_their_last_agreed_offer": Planting(
        "UPDATE providers_engagementoffer SET service_fee_bps = service_fee_bps + 1"
        " WHERE engagement_id IN (SELECT id FROM providers_engagement WHERE merchant_id = {here} AND state = 'active')"
    ),
}

TENANCY: dict[str, Planting] = {
    "every_merchant_is_a_party_of_its_kind": Planting(
        "UPDATE identity_party SET kind = 'provider' WHERE id = {here}",
        also=frozenset({"serving_posts_and_grants_agree"}),
    ),
    "objections_are_to_lines_of_their_statement": Planting(
        "UPDATE settlement_objection SET merchant_id = {there} WHERE merchant_id = {here}"
    ),
    "posts_name_stores_of_their_merchant": Planting(
        "INSERT INTO merchants_membership_stores (membership_id, store_id)"
        " SELECT m.id, s.id FROM merchants_membership m, merchants_store s"
        " WHERE m.merchant_id = {here} AND m.role = 'clerk' AND s.merchant_id = {there} AND s.number = '1'"
    ),
    "books_belong_to_a_merchant": Planting(
        "INSERT INTO identity_auditevent (merchant_id, verb, noun, noun_id) VALUES (1, 'order.closed', 'order', 1)"
    ),
    "deals_and_their_parts_share_a_merchant": Planting(
        "UPDATE coupons_dealitem SET merchant_id = {there}"
        " WHERE id = (SELECT max(id) FROM coupons_dealitem WHERE merchant_id = {here})"
    ),
    "orders_stay_with_their_merchant": Planting(
        f"UPDATE coupons_ordershare SET merchant_id = {{there}} WHERE order_id = {UNPAID}"
    ),
    "coupons_stay_with_their_merchant": Planting(
        f"UPDATE coupons_coupon SET merchant_id = {{there}} WHERE id = {UNUSED}"
    ),
    "redemptions_stay_with_their_merchant": Planting(
        "UPDATE coupons_redemptionreversal SET merchant_id = {there} WHERE merchant_id = {here}"
    ),
    "refunds_stay_with_their_merchant": Planting(
        f"UPDATE coupons_refund SET merchant_id = {{there}} WHERE id = {OPEN_REFUND}"
    ),
    "lines_stay_with_their_merchant": Planting(
        f"UPDATE settlement_settlementline SET merchant_id = {{there}} WHERE id = {GIFT_LINE}"
    ),
    "shadows_and_customers_never_meet": Planting(
        "UPDATE identity_customer SET is_shadow = true WHERE id IN (SELECT customer_id FROM coupons_order WHERE merchant_id = {here})"
    ),
    "a_shadow_is_of_a_real_merchant": Planting(
        "UPDATE merchants_merchant SET shadow_of_id = party_id WHERE party_id = {here}",
        also=frozenset({"shadows_and_customers_never_meet", "no_statement_of_a_shadow_shop"}),
    ),
    "no_statement_of_a_shadow_shop": Planting(
        "UPDATE merchants_merchant SET shadow_of_id = {there} WHERE party_id = {here}",
        also=frozenset({"shadows_and_customers_never_meet"}),
    ),
    "runs_stay_in_their_book": Planting(
        "UPDATE settlement_settlementbatch SET journal_id = (SELECT b.journal_id FROM settlement_settlementbatch b"
        " WHERE b.merchant_id = {there} ORDER BY b.id LIMIT 1)"
        " WHERE id = (SELECT min(id) FROM settlement_settlementbatch WHERE merchant_id = {here})"
    ),
    "bills_equal_their_entries": Planting(
        "UPDATE settlement_providerbill SET payments_count = payments_count + 1 WHERE merchant_id = {here} AND replaced_by_id IS NULL"
    ),
    "no_day_is_billed_twice": Planting(
        "UPDATE settlement_providerbill SET replaced_by_id = NULL WHERE merchant_id = {here} AND replaced_by_id IS NOT NULL"
    ),
    "adjustments_book_their_break": Planting(
        "UPDATE settlement_break SET clearing_fen = clearing_fen + 1 WHERE merchant_id = {here} AND state = 'adjusted'"
    ),
    "reconciliation_stays_with_its_merchant": Planting(
        "UPDATE settlement_billupload SET merchant_id = {there} WHERE merchant_id = {here}"
    ),
}

FIGURES: dict[str, Planting] = {
    "redeemed_days_equal_redemptions": Planting(
        "UPDATE insights_redeemedday SET uses = uses + 1 WHERE merchant_id = {here} AND rolled_at IS NOT NULL"
    ),
    "store_days_equal_redemptions": Planting(
        "DELETE FROM insights_redeemedstoreday WHERE merchant_id = {here}"
    ),
    "sold_days_equal_orders": Planting(
        "UPDATE insights_soldday SET fen = fen - 1 WHERE merchant_id = {here} AND rolled_at IS NOT NULL"
    ),
}

PLANNED = "(SELECT max(id) FROM live_livesession WHERE merchant_id = {here} AND state = 'planned')"
LIVE = {
    "live_rows_stay_in_one_shop": Planting(
        "UPDATE live_livenote SET session_id = (SELECT max(id) FROM live_livesession WHERE merchant_id = {there})"
        " WHERE merchant_id = {here}"
    ),
    "deals_are_live_with_their_session": Planting(
        f"UPDATE live_livesessiondeal SET is_live = true WHERE session_id = {PLANNED}"
    ),
    "cards_sell_the_pieces_of_their_session": Planting(
        "UPDATE coupons_placement SET pool_id = NULL"
        f" WHERE id = (SELECT placement_id FROM live_livesessiondeal WHERE session_id = {PLANNED})"
    ),
    "sessions_hold_pieces_while_they_last": Planting(
        f"UPDATE live_livesession SET state = 'cancelled', ended_at = now() WHERE id = {PLANNED}"
    ),
    "sessions_sell_only_once_live": Planting(
        "UPDATE live_livesession SET state = 'cancelled', started_at = NULL WHERE merchant_id = {here} AND state = 'ended'"
    ),
}

CLAIM_LINK = "merchant_id = {here} AND rule LIKE 'claim:%'"
CREATORS: dict[str, Planting] = {
    "creator_rows_stay_in_one_shop": Planting(
        "UPDATE creators_taskclaim SET merchant_id = {there} WHERE merchant_id = {here} AND state = 'declined'"
    ),
    "places_taken_are_claims_that_hold_one": Planting(
        "UPDATE creators_creatortask SET taken = taken + 1 WHERE merchant_id = {here} AND state = 'open'"
    ),
    "links_pay_the_creator_of_their_claim": Planting(
        f"UPDATE coupons_placement SET commission_bps = commission_bps + 1 WHERE {CLAIM_LINK}"
    ),
    "links_are_open_while_their_claim_holds": Planting(
        f"UPDATE coupons_placement SET closed_at = now() WHERE {CLAIM_LINK} AND closed_at IS NULL"
    ),
    "orders_count_for_whoever_brought_them": Planting(
        f"UPDATE coupons_ordershare SET rule = 'claim:1' WHERE {CLAIM_LINK}"
    ),
}

STATION = "(SELECT station_id FROM providers_stationmerchant WHERE merchant_id = {here})"
RIGHT = "(SELECT max(id) FROM creators_exclusivity WHERE merchant_id = {here})"
STATIONS: dict[str, Planting] = {
    "serving_posts_and_grants_agree": Planting(
        f"UPDATE providers_stationmembership SET is_active = false WHERE role = 'manager' AND station_id = {STATION}"
    ),
    "a_station_opens_trained": Planting(
        "UPDATE providers_trainingcompletion SET passed_at = NULL, passed_by_id = NULL"
        f" WHERE station_id = {STATION}"
    ),
    "one_trade_of_a_place_has_one_station": Planting(
        "INSERT INTO providers_stationterritory (provider_id, station_id, category, area, area_code, area_name, period)"
        " SELECT provider_id, station_id, category, area, area_code, area_name, period FROM providers_stationterritory"
        f" WHERE station_id = {STATION}"
    ),
    "open_stations_look_after_shops": Planting(
        f"UPDATE providers_station SET state = 'closed', closed_at = now() WHERE party_id = {STATION}"
    ),
    "exclusive_rights_never_overlap": Planting(
        "WITH r AS (INSERT INTO creators_exclusivity (merchant_id, area, area_code, area_name, period, note, state,"
        " proposed_for_id, proposed_by_id, answered_by_id, answered_at) SELECT merchant_id, area, area_code, area_name,"
        f" period, note, state, proposed_for_id, proposed_by_id, answered_by_id, answered_at FROM creators_exclusivity"
        f" WHERE id = {RIGHT} RETURNING id) INSERT INTO creators_exclusivity_holders (exclusivity_id, party_id)"
        f" SELECT r.id, h.party_id FROM r, creators_exclusivity_holders h WHERE h.exclusivity_id = {RIGHT}"
    ),
    "exclusive_rights_are_of_their_shop": Planting(
        "UPDATE creators_exclusivity SET deal_id = (SELECT max(id) FROM coupons_deal WHERE merchant_id = {there})"
        f" WHERE id = {RIGHT}"
    ),
    "exclusive_rights_have_holders": Planting(
        f"DELETE FROM creators_exclusivity_holders WHERE exclusivity_id = {RIGHT}"
    ),
}

PAYOUTS: dict[str, Planting] = {
    "payouts_equal_their_statements": Planting(
        "UPDATE settlement_payoutitem SET amount_fen = amount_fen + 1 WHERE id = (SELECT max(id)"
        " FROM settlement_payoutitem WHERE merchant_id = {here})"
    ),
    "a_statement_is_in_one_standing_payout": Planting(
        "UPDATE settlement_statement SET state = 'confirmed' WHERE merchant_id = {here} AND state = 'paid'"
    ),
    "payouts_agree_with_the_books": Planting(
        "UPDATE settlement_payout SET kind = 'creator' WHERE merchant_id = {here} AND state = 'failed'"
    ),
    "held_equals_payouts_under_way": Planting(
        lambda here: book(here, AccountKind.PAYOUT_HELD, AccountKind.BANK, to_another_owner=False)
    ),
    "no_payout_to_an_account_not_in_effect": Planting(
        "UPDATE settlement_bankaccount SET active_from = now() + interval '1 day' WHERE payee_id = {here}"
    ),
    "two_people_let_money_go": Planting(
        "UPDATE settlement_payoutbatch SET approved_by_id = proposed_by_id WHERE id IN"
        " (SELECT batch_id FROM settlement_payout WHERE merchant_id = {here} AND state = 'paid')"
    ),
    "payouts_stay_with_their_merchant": Planting(
        "UPDATE settlement_payoutitem SET merchant_id = {there} WHERE payout_id ="
        " (SELECT id FROM settlement_payout WHERE merchant_id = {here} AND state = 'failed')"
    ),
}

PLANTINGS = (
    WORKS
    | ACCESS
    | LEDGER
    | STOCK
    | ORDERS
    | PAYMENTS
    | COUPONS
    | REDEMPTIONS
    | REFUNDS
    | SETTLEMENT
    | PAYOUTS
    | TERMS
    | TENANCY
    | FIGURES
    | LIVE
    | PARTNERS
    | CREATORS
    | STATIONS
)
