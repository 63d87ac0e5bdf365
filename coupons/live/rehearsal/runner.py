"""One rehearsal from beginning to end, in a process of its own."""

import contextlib
import logging
import math
import time
from typing import Any

from django.db import connection

from core.embedded.processes import say
from core.models import Job
from coupons.live.domain.rehearsals import (
    RehearsalOver,
    end_cancelled,
    fail_rehearsal,
    finish_rehearsal,
    note_progress,
    went_live,
)
from coupons.live.domain.shadow_shop import (
    UNDO_SECONDS,
    ShadowShop,
    build_shadow_shop,
    trim_stock,
)
from coupons.live.enums import RehearsalFailure, RehearsalPhase
from coupons.live.models import Rehearsal
from coupons.live.rehearsal.bottleneck import Sample
from coupons.live.rehearsal.faults import FaultScript
from coupons.live.rehearsal.load import Load
from coupons.live.rehearsal.plan import SELL_OUT_MOST_SECONDS, Plan, make_plan
from coupons.live.rehearsal.processes import OwnProcesses, WebDidNotStart
from coupons.live.rehearsal.report import Seen, make_report, thin_series
from coupons.live.rehearsal.sampling import Watcher
from coupons.live.rehearsal.shutting import clear_up_after_lost_ones, shut_rehearsal
from coupons.live.rehearsal.tokens import give_tokens

logger = logging.getLogger(__name__)

PIECES_PER_ORDER = 1.25  # of the generator's dice
STOCK_SHARE = 1.1  # of what is asked for: enough until it is trimmed
TRIM_SECONDS = 5.0  # before the steps end, the stock is set to what the next four seconds will take
SELL_SECONDS = 4.0
RATE_SECONDS = 20.0  # over which the rate is measured for that
UNPAID_SECONDS = 30  # as long as an unpaid order holds its pieces here; 15 minutes in a real shop
MOST_CUSTOMERS = 60_000
SPARE_CUSTOMERS = 200
REDEEMED_EACH_SECOND = 3.0  # by one clerk; the API allows four
TICK_SECONDS = 0.25
DRAIN_SECONDS = 180
CALM_SECONDS = 15  # for the last looks that say that all is well


class Stopped(Exception):
    """Somebody cancelled it, or the session itself went live."""


class Broken(Exception):
    """It cannot go on."""

    def __init__(self, failure: RehearsalFailure) -> None:
        super().__init__(failure)
        self.failure = failure


def run_rehearsal(rehearsal: Rehearsal) -> bool:
    """Run it and write how it ended; True where it finished, whatever its verdict."""
    _enter_lane(rehearsal.lane)
    run = _Run(rehearsal)
    try:
        clear_up_after_lost_ones()
        report = run.play()
        finish_rehearsal(rehearsal=rehearsal, report=report)
        return True
    except (Stopped, KeyboardInterrupt):
        say("Cancelled.")
        with contextlib.suppress(RehearsalOver):  # somebody took it for lost
            end_cancelled(rehearsal=rehearsal)
    except Exception as error:
        failure = error.failure if isinstance(error, Broken) else RehearsalFailure.ERROR
        logger.exception("the rehearsal broke off")
        with contextlib.suppress(RehearsalOver):
            fail_rehearsal(rehearsal=rehearsal, failure=failure)
    finally:
        run.close()
    return False


def _enter_lane(lane: str) -> None:
    """What this process writes is the rehearsal's own work."""
    options = connection.settings_dict.setdefault("OPTIONS", {})
    options["options"] = f"{options.get('options', '')} -c tongdao.lane={lane}".strip()
    connection.close()


class _Run:
    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.plan: Plan = make_plan(
            peak=rehearsal.peak, minutes=rehearsal.seconds / 60, overload=rehearsal.has_overload
        )
        self.phase = RehearsalPhase.PREPARING
        self.own: OwnProcesses | None = None
        self.load: Load | None = None
        self.shop: ShadowShop | None = None
        self.watcher: Watcher | None = None
        self.samples: list[Sample] = []
        self.sold_at: list[tuple[float, int]] = []
        self.taken_at: list[tuple[float, int]] = []  # sold and held
        self._looked_at = 0.0
        self._begun = 0.0
        self._trimmed = False

    def play(self) -> dict[str, Any]:
        self._tell()
        shop = self._prepare()
        assert self.own is not None  # noqa: S101 - _prepare started it
        assert self.load is not None  # noqa: S101
        faults = FaultScript(plan=self.plan, own=self.own)
        self.phase = RehearsalPhase.LOADING
        self._wait_for_load()
        while (second := self._second()) < self.plan.seconds:
            faults.act(second)
            self._tick(faults)
            if not self._trimmed and second >= self.plan.seconds - TRIM_SECONDS:
                self._trim(shop, second)
        if not self._trimmed:  # the machine stood still
            self._trim(shop, self._second())
        self.phase = RehearsalPhase.SELLING_OUT
        self._sell_out(faults)
        self.load.stop()
        if self.load.final is None:
            raise Broken(RehearsalFailure.GENERATOR)
        self.phase = RehearsalPhase.CHECKING
        self._tell()
        is_drained = self._finish_jobs(faults)
        seen = Seen(
            plan=self.plan,
            samples=self.samples,
            sold_at=self.sold_at,
            final=self.load.final,
            errors=self.load.errors,
            faults=faults.done,
            pauses=faults.pauses,
            sold=self.watcher.sold if self.watcher else 0,
            stock=self.watcher.stock if self.watcher else 0,
            is_drained=is_drained,
            series=thin_series(self.load.lines, self.samples),
            dead_jobs=Job.objects.filter(lane=self.rehearsal.lane, state="dead").count(),
        )
        return make_report(
            rehearsal=self.rehearsal, shop=shop, seen=seen, on_counted=lambda name, rows: self._tell(faults)
        )

    def close(self) -> None:
        """Stop everything, and shut the shadow shop."""
        for part in (self.load, self.own):
            if part is not None:
                part.stop()
        if self.watcher is not None:
            self.watcher.close()
        if self.shop is not None:
            self.rehearsal.shadow = self.shop.merchant
            shut_rehearsal(self.rehearsal)

    def _prepare(self) -> ShadowShop:
        pieces = max(3, math.floor(self.plan.orders * PIECES_PER_ORDER * STOCK_SHARE))
        say(f"Building a shadow shop with {pieces} pieces ...")
        self.shop = build_shadow_shop(
            rehearsal=self.rehearsal,
            pieces=pieces,
            customers=min(MOST_CUSTOMERS, self.plan.orders + SPARE_CUSTOMERS),
            clerks=1 + math.ceil(self.rehearsal.peak * PIECES_PER_ORDER / 4 / REDEEMED_EACH_SECOND),
        )
        shop = self.shop
        customers, clerks = give_tokens(shop.customers), give_tokens(shop.clerks)
        self.watcher = Watcher(lane=self.rehearsal.lane, merchant_id=shop.merchant.pk)
        self._tell()
        say("Starting web, relay, worker and Valkey of its own ...")
        self.own = OwnProcesses(lane=self.rehearsal.lane)
        try:
            self.own.start()
        except WebDidNotStart as error:
            logger.exception("the rehearsal's web server did not answer")
            raise Broken(RehearsalFailure.WEB) from error
        self._tell()
        self.load = Load(
            orders={
                "plan": self.plan.as_json(),
                "host": self.own.host,
                "merchant": shop.merchant.slug,
                "store_id": str(shop.store.pk),
                "deals": [
                    {
                        "id": str(row.deal_id),
                        "placement": row.placement.token,
                        "price_fen": row.deal.price_fen,
                        "most_per_order": min(
                            row.deal.per_order_limit, row.deal.per_person_limit or row.deal.per_order_limit
                        ),
                    }
                    for row in shop.rows
                ],
                "customers": customers,
                "clerks": clerks,
                "seed": self.rehearsal.pk,
            },
            folder=self.own.folder.path,
        )
        return shop

    def _second(self) -> float:
        assert self.load is not None  # noqa: S101
        return time.monotonic() - self._begun

    def _wait_for_load(self) -> None:
        """The load's clock and ours start together, within a second."""
        assert self.load is not None  # noqa: S101
        deadline = time.monotonic() + 60
        while self.load.second is None:
            if not self.load.is_alive or time.monotonic() > deadline:
                raise Broken(RehearsalFailure.GENERATOR)
            time.sleep(0.05)
        self._begun = time.monotonic() - self.load.second

    def _tick(self, faults: FaultScript) -> None:
        """A moment of the run: children watched, once a second everything looked at and told."""
        assert self.own is not None  # noqa: S101
        assert self.load is not None  # noqa: S101
        self.own.watch()
        if time.monotonic() - self._looked_at >= 1.0:
            self._looked_at = time.monotonic()
            if not self.load.is_alive and self.phase != RehearsalPhase.CHECKING:
                raise Broken(RehearsalFailure.GENERATOR)
            self._look(faults)
            self._bring_closing_forward()
            self._tell(faults)
        time.sleep(TICK_SECONDS)

    def _look(self, faults: FaultScript) -> None:
        assert self.own is not None  # noqa: S101
        assert self.watcher is not None  # noqa: S101
        generator = self.load.pid if self.load and self.load.is_alive else None
        sample = self.watcher.look(second=self._second(), pids=self.own.pids(), generator=generator)
        self.samples.append(sample)
        self.sold_at.append((sample.second, self.watcher.sold))
        self.taken_at.append((sample.second, self.watcher.sold + self.watcher.held))
        faults.observe(sample)

    def _tell(self, faults: FaultScript | None = None) -> None:
        """Progress for who watches. Raises Stopped where somebody wants the end."""
        second = self._second() if self.phase != RehearsalPhase.PREPARING and self.load else 0.0
        lines = self.load.lines[-5:] if self.load else []
        progress = {
            "second": round(second),
            "seconds": round(self.plan.seconds),
            "step": self.plan.step_at(second),
            "rate": round(sum(line["orders"] for line in lines) / len(lines), 1) if lines else None,
            "p95_ms": max((line["p95_ms"] or 0 for line in lines), default=0) or None,
            "errors": sum(line["errors"] for line in self.load.lines) if self.load else 0,
            "sold": self.watcher.sold if self.watcher else 0,
            "stock": self.watcher.stock if self.watcher else 0,
            "faults": [fault.as_json() for fault in faults.done] if faults else [],
        }
        if not note_progress(rehearsal=self.rehearsal, phase=self.phase, progress=progress):
            raise Stopped
        if self.phase == RehearsalPhase.LOADING and went_live(rehearsal=self.rehearsal):
            raise Broken(RehearsalFailure.WENT_LIVE)

    def _trim(self, shop: ShadowShop, second: float) -> None:
        """Set the stock so that it runs out under full load, at the end of the last step, whatever the machine can do."""
        assert self.watcher is not None  # noqa: S101
        self._trimmed = True
        earlier = [(at, taken) for at, taken in self.taken_at if at >= second - RATE_SECONDS]
        if earlier:
            (begin, before), (end, now) = earlier[0], earlier[-1]
            rate = (now - before) / max(1.0, end - begin)
        else:
            rate = 0.0
        wanted = self.watcher.sold + self.watcher.held + max(len(shop.rows), math.ceil(rate * SELL_SECONDS))
        if wanted < self.watcher.stock:
            left = trim_stock(shop=shop, pieces=wanted)
            say(f"{second:6.1f} s  stock set to {left}: {rate:.0f} pieces a second are ordered")

    def _bring_closing_forward(self, seconds: float = UNPAID_SECONDS) -> None:
        """The jobs that close unpaid orders after 15 minutes come while the rehearsal runs, as many as in a long show."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE core_job SET due_at = created_at + make_interval(secs => %(wait)s)"
                " WHERE lane = %(lane)s AND state = 'ready' AND kind = 'close_order'"
                " AND due_at > greatest(now(), created_at + make_interval(secs => %(wait)s))",
                {"lane": self.rehearsal.lane, "wait": seconds},
            )

    def _sell_out(self, faults: FaultScript) -> None:
        """Until every piece is sold, no order is open and no refund on its way."""
        assert self.watcher is not None  # noqa: S101
        deadline = time.monotonic() + SELL_OUT_MOST_SECONDS
        while time.monotonic() < deadline:
            faults.act(self._second())
            self._tick(faults)
            if self.watcher.stock == self.watcher.sold and not self.watcher.held and not self._refunds_open():
                return

    def _refunds_open(self) -> bool:
        return Job.objects.filter(lane=self.rehearsal.lane, kind="pay_refund", state="ready").exists()

    def _finish_jobs(self, faults: FaultScript) -> bool:
        """Let the workers finish, settlement included; what is due in minutes is due now. False where some are left."""
        deadline = time.monotonic() + DRAIN_SECONDS
        settled_from = time.monotonic() + UNDO_SECONDS + 1  # the last use can be undone until then
        while time.monotonic() < settled_from:
            self._tick(faults)
        while time.monotonic() < deadline:
            _hurry_jobs(self.rehearsal.lane)
            self._tick(faults)
            waiting = Job.objects.filter(lane=self.rehearsal.lane, state="ready").exclude(
                kind="end_live_session"
            )
            if not waiting.exists():
                break
        calm = time.monotonic() + CALM_SECONDS
        while time.monotonic() < calm and any(fault.recovered_seconds is None for fault in faults.done):
            self._tick(faults)
        self._look(faults)
        return not waiting.exists()


def _hurry_jobs(lane: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET due_at = now() WHERE lane = %s AND state = 'ready' AND due_at > now()"
            " AND kind <> 'end_live_session' AND lease_until IS NULL",
            [lane],
        )
