"""Settling end to end: job rows, relay, Celery workers; beside one INSERT ... SELECT of the same lines and transfers.

Then the lines into sealed statements, by the same workers. With --kills these are killed so often meanwhile.
"""

import time
from collections.abc import Callable

from django.db import connection, transaction

from benchmarks.checks import require
from benchmarks.cpu import postmaster_pid, stopwatch
from benchmarks.database import settle_down
from benchmarks.figures import Figures
from benchmarks.registry import Options, Result, bench
from benchmarks.trade import QUANTITY, fill_payments, fill_redeemed, fill_traders
from benchmarks.workers import Killer, running_workers
from core.domain.jobs import enqueue_job
from core.embedded.processes import say
from core.invariants import check_invariants, load_catalogue
from coupons.settlement.domain.settlement import enqueue_unsettled
from coupons.settlement.tasks import enqueue_statements

ROWS = 1_000_000
SHOPS = 41
LARGE_SHARE = 0.3  # of all redemptions are one merchant's
PATIENCE_SECONDS = 600
PROOFS = (
    "no_redemption_is_settled_twice",
    "lines_recomputed_from_terms_agree",
    "lines_of_a_batch_equal_its_transfers",
    "payable_equals_lines",
    "statements_equal_their_lines",
    "statement_seals_hold",
    "statements_form_one_chain",
)

# What settlement wrote is laid aside and written once more: the lines into the emptied table, the transfers, since a ledger
# forgets nothing, beside the first ones with money that is booked anew.
_LAY_ASIDE = (
    "CREATE UNLOGGED TABLE bench_batch AS SELECT *, mint_id() AS new_id, mint_id() AS new_journal"
    " FROM settlement_settlementbatch",
    "CREATE UNLOGGED TABLE bench_line AS SELECT l.*, b.new_id AS new_batch FROM settlement_settlementline l"
    " JOIN bench_batch b ON b.id = l.batch_id ORDER BY l.id",
    "CREATE UNLOGGED TABLE bench_transfer AS SELECT t.*, b.new_journal FROM ledger_transfer t"
    " JOIN bench_batch b ON b.journal_id = t.journal_id",
    "CREATE UNLOGGED TABLE bench_money AS SELECT *, mint_id() AS new_journal FROM ledger_journal WHERE kind = 'payments'",
    "INSERT INTO ledger_journal (id, merchant_id, kind, source, happened_at)"
    " SELECT new_journal, merchant_id, kind, 'limit:' || source, happened_at FROM bench_money",
    "INSERT INTO ledger_transfer (merchant_id, journal_id, line, debit_account_id, credit_account_id, amount_fen, currency)"
    " SELECT t.merchant_id, new_journal, line, debit_account_id, credit_account_id, amount_fen, currency"
    " FROM ledger_transfer t JOIN bench_money m ON m.id = t.journal_id",
    "ALTER TABLE settlement_settlementline DISABLE TRIGGER USER",
    "TRUNCATE settlement_settlementline",
    "ALTER TABLE settlement_settlementline ENABLE TRIGGER USER",
)
_LIMIT = """
WITH journals AS (
    INSERT INTO ledger_journal (id, merchant_id, kind, source, happened_at)
    SELECT new_journal, merchant_id, 'settlement', 'limit:' || id, now() FROM bench_batch),
batches AS (
    INSERT INTO settlement_settlementbatch (id, merchant_id, lines, gross_fen, journal_id)
    SELECT new_id, merchant_id, lines, gross_fen, new_journal FROM bench_batch),
transfers AS (
    INSERT INTO ledger_transfer (merchant_id, journal_id, line, debit_account_id, credit_account_id, amount_fen, currency)
    SELECT merchant_id, new_journal, line, debit_account_id, credit_account_id, amount_fen, currency FROM bench_transfer)
INSERT INTO settlement_settlementline (merchant_id, batch_id, redemption_id, coupon_id, deal_id, store_id, business_date,
    gross_fen, platform_fee_bps, service_fee_bps, station_share_bps, commission_bps, platform_payee_id, platform_fee_fen,
    service_fee_fen, station_share_fen, commission_fen, merchant_fen)
SELECT merchant_id, new_batch, redemption_id, coupon_id, deal_id, store_id, business_date,
    gross_fen, platform_fee_bps, service_fee_bps, station_share_bps, commission_bps, platform_payee_id, platform_fee_fen,
    service_fee_fen, station_share_fen, commission_fen, merchant_fen FROM bench_line
"""
# Lines, what they should say and what the ledger says: one row of zeros.
_WRONG = """
SELECT (SELECT count(*) FROM coupons_redemption r WHERE NOT EXISTS (
            SELECT FROM settlement_settlementline l WHERE l.redemption_id = r.id AND l.gross_fen = r.gross_fen)),
    (SELECT count(*) FROM settlement_settlementline WHERE platform_fee_fen <> (split_fen(gross_fen, ARRAY[250]))[1]),
    (SELECT sum(gross_fen) FROM settlement_settlementline)
      - (SELECT sum(t.amount_fen) FROM ledger_transfer t JOIN ledger_journal j ON j.id = t.journal_id
         WHERE j.kind = 'settlement'),
    (SELECT sum(debits_fen - credits_fen) FROM ledger_balance)
"""


@bench(
    "settle",
    help="redemptions into lines and transfers through Celery, beside one INSERT ... SELECT (bar: 50 % of it)",
)
def run(options: Options) -> Result:
    rows = options.rows or ROWS
    traders = fill_traders(orders=rows // QUANTITY, shops=SHOPS, large_share=LARGE_SHARE)
    fill_payments(traders)
    fill_redeemed()
    settle_down()
    merchants = [trader.shop.merchant.pk for trader in traders]
    with running_workers() as workers:
        killer = Killer(workers["worker"], times=options.kills)
        ours = _measure(lambda: _settle(merchants, killer))
        _assert_right()
        killer = Killer(workers["worker"], times=options.kills)
        stated = _measure(lambda: _state(killer))
    _assert_stated()
    require(enqueue_unsettled() == 0, "the sweep found something that is not settled")
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _LAY_ASIDE:
            cursor.execute(statement)
    settle_down()
    limit = _measure(_insert_select)
    rounds = {"ours": [ours], "limit": [limit], "into statements": [stated]}
    return Result.of_rounds(rounds, ratio=("ours", "limit"))


def _measure(write: Callable[[], int]) -> Figures:
    with stopwatch(postmaster_pid()) as watch:
        begin = time.perf_counter()
        rows = write()
        seconds = time.perf_counter() - begin
    say(f"  {rows:,} rows in {seconds:.1f} s: {rows / seconds:,.0f}/s")
    cpu = None if watch.seconds is None else watch.seconds * 1000 / rows
    return Figures(per_s=rows / seconds, db_cpu_ms=cpu)


def _settle(merchants: list[int], killer: Killer) -> int:
    """What redeeming leaves behind: a job per merchant; then it is the relay's and the workers' turn."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM coupons_redemption")
        (due,) = cursor.fetchone()
        with transaction.atomic():
            for merchant_id in merchants:
                enqueue_job(
                    kind="settle",
                    key=f"{merchant_id}:bench",
                    payload={"merchant_id": merchant_id},
                    merchant_id=merchant_id,
                )
        deadline, told = time.monotonic() + PATIENCE_SECONDS, 0
        while True:
            cursor.execute("SELECT COALESCE(sum(lines), 0) FROM settlement_settlementbatch")
            (settled,) = cursor.fetchone()
            if settled == due:
                return int(due)
            if settled - told >= due / 10:
                told = settled
                say(f"  {settled:,} settled")
            killer.tick()
            require(time.monotonic() < deadline, f"{settled} of {due} settled after {PATIENCE_SECONDS} s")
            time.sleep(0.1)


def _state(killer: Killer) -> int:
    """A job per merchant seals what was settled."""
    enqueue_statements()
    with connection.cursor() as cursor:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            cursor.execute("SELECT EXISTS (SELECT FROM settlement_settlementline WHERE statement_id IS NULL)")
            if not cursor.fetchone()[0]:
                cursor.execute("SELECT count(*) FROM settlement_settlementline")
                return int(cursor.fetchone()[0])
            killer.tick()
            require(time.monotonic() < deadline, f"not all lines were stated after {PATIENCE_SECONDS} s")
            time.sleep(0.1)


def _insert_select() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT)
        return int(cursor.rowcount)


def _assert_stated() -> None:
    """Every line once, in a statement that says its sums to the fen and whose seal holds."""
    report = check_invariants(catalogue={name: load_catalogue()[name] for name in PROOFS})
    require(not report.broken, f"broken: {report.broken}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(lines_count), sum(gross_fen) FROM settlement_statement"
            " UNION ALL SELECT count(*), sum(gross_fen) FROM coupons_redemption"
        )
        stated, redeemed = cursor.fetchall()
    require(stated == redeemed, f"stated {stated} of {redeemed}")
    say(f"  {stated[0]:,} redemptions, {stated[1]:,} fen: every one in one line of one statement")


def _assert_right() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WRONG)
        wrong = [int(value) for value in cursor.fetchone()]
    require(not any(wrong), f"unsettled, wrongly split, not in the ledger, unbalanced: {wrong}")
