"""What every refusal is called outside: its HTTP status, a sentence, and what to do next, in both languages.

The one place that maps codes; domain code raises DomainError subclasses and knows none of this. Sentences are filled with
the error's facts; moments among the facts (ISO strings in keys ending in _at, _from, _until) are shown in `zone`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.words import list_words


@dataclass(frozen=True)
class Refusal:
    status: int
    title: str | Promise
    next_step: str | Promise = ""


@dataclass(frozen=True)
class Described:
    """A refusal ready to show: `title` says what, `next_step` what to do."""

    status: int
    code: str
    title: str
    next_step: str


REFUSALS: dict[str, Refusal] = {
    "refused": Refusal(409, _("This cannot be done now."), _("Load the page again and look at the state.")),
    "not_found": Refusal(404, _("There is no such thing here."), _("Check the link or the number.")),
    "invalid": Refusal(422, _("A value is not right: %(field)s."), _("Correct it and send again.")),
    "idempotency_key_reused": Refusal(
        422,
        _("This Idempotency-Key was used for another request."),
        _("Send a new key with a new request; repeat the same request to get its first answer."),
    ),
    "idempotency_key_missing": Refusal(
        400, _("The header Idempotency-Key is missing."), _("Send a fresh random key with each new order.")
    ),
    "idempotency_key_invalid": Refusal(
        400,
        _("The header Idempotency-Key is not right."),
        _("Send 8 to 64 letters, digits or . _ : - of your own making."),
    ),
    "login_code_refused": Refusal(
        401, _("This login code is not valid, or no longer."), _("Ask for a new login code and send it once.")
    ),
    "sign_in_refused": Refusal(
        401, _("Phone or password is not right."), _("Check both; after many tries wait a minute.")
    ),
    "second_factor_needed": Refusal(
        403,
        _("This account signs in with a second factor."),
        _("Sign in in the browser, or use a clerk's account on the till."),
    ),
    "slug_taken": Refusal(409, _("Another merchant has the short name %(slug)s."), _("Choose another one.")),
    "terms_not_this_side": Refusal(
        403,
        _("This is for an owner of the other side to say."),
        _("Whoever proposed terms cannot agree to them himself."),
    ),
    "engagement_exists": Refusal(
        409,
        _("This provider and this shop have an agreement or an open offer already."),
        _("Look at it, and offer other terms there."),
    ),
    "engagement_offer_pending": Refusal(
        409, _("A change waits for its answer already."), _("Answer or withdraw it first.")
    ),
    "engagement_offer_answered": Refusal(
        409,
        _("This offer has been answered or withdrawn, or the engagement is over."),
        _("Load the page again and look at what holds now."),
    ),
    "engagement_over": Refusal(
        409, _("This engagement has ended, or was never agreed."), _("Make a new offer to begin again.")
    ),
    "onboarding_closed": Refusal(
        409,
        _("The shop has been opened already, or the contact was given up."),
        _("Load the page again and look at how far it has come."),
    ),
    "terms_pending": Refusal(
        409, _("A proposal waits for its answer already."), _("Answer it, or let it be withdrawn first.")
    ),
    "terms_answered": Refusal(
        409,
        _("This proposal has been answered or withdrawn."),
        _("Load the page again and look at what is in force."),
    ),
    "terms_above_whole": Refusal(
        409, _("Together more than the whole would go to others."), _("Ask for a lower rate.")
    ),
    "terms_of_another_party": Refusal(
        409, _("Such terms are in force with another party."), _("That party must give them up first.")
    ),
    "last_owner": Refusal(409, _("A merchant needs an owner."), _("Make somebody else an owner first.")),
    # stores, staff, imports
    "store_number_taken": Refusal(
        409, _("Another store has the number %(number)s."), _("Give this one a different number.")
    ),
    "store_state_changed": Refusal(
        409,
        _("Somebody else closed or reopened this store."),
        _("Load the page again and look at the state."),
    ),
    "above_own_post": Refusal(
        403, _("This is beyond what your post may decide."), _("Ask an owner of the shop.")
    ),
    "already_member": Refusal(
        409, _("This person works here already."), _("Change the post on the person's page.")
    ),
    "invitation_gone": Refusal(
        410, _("This invitation is no longer valid."), _("Ask the shop to invite you again.")
    ),
    "invitation_for_other": Refusal(
        403, _("This invitation is for another phone."), _("Sign in with the invited phone.")
    ),
    "table_unreadable": Refusal(
        422, _("This file cannot be read as a table."), _("Save it as CSV UTF-8 or .xlsx and try again.")
    ),
    "column_missing": Refusal(
        422, _("A column is missing: %(field)s."), _("Choose which column of the file it is.")
    ),
    "column_unknown": Refusal(422, _("The file has no column %(column)s."), _("Choose another column.")),
    "column_twice": Refusal(
        422, _("The column %(column)s is chosen twice."), _("Choose each column for one field only.")
    ),
    "import_finished": Refusal(
        409, _("This file was imported before."), _("Look at the stores, or upload the next file.")
    ),
    "currency_differs": Refusal(
        409, _("The shop sells in %(merchant)s, the file is in %(file)s."), _("Import it into another shop.")
    ),
    # stations and exclusive rights
    "station_training_unfinished": Refusal(
        409,
        _("Points of the training not passed yet: %(left)s."),
        _("Pass them first; then the station opens."),
    ),
    "station_without_territory": Refusal(
        409, _("The station has no territory."), _("Give it a trade of its city or of a district first.")
    ),
    "station_state_changed": Refusal(
        409,
        _("Somebody opened or closed this station before."),
        _("Load the page again and look at its state."),
    ),
    "territory_taken": Refusal(
        409,
        _("%(station)s holds this trade in %(area)s already."),
        _("End it there first, or choose other districts: one trade of a district has one station."),
    ),
    "territory_ended": Refusal(
        409, _("The station gave this territory up before."), _("Load the page again.")
    ),
    "training_not_done": Refusal(
        409, _("The station has not said that this is done, or it is passed."), _("Load the page again.")
    ),
    "training_by_oneself": Refusal(
        403, _("Who did the training does not pass it."), _("Ask a colleague to look at it.")
    ),
    "station_not_open": Refusal(
        409,
        _("The station is not open."),
        _("It opens when its training is passed; a closed one stays closed."),
    ),
    "station_outside_territory": Refusal(
        409,
        _("None of the shop's stores lies in the station's territory for its trade."),
        _("Look at the stores' districts and the shop's trade, or ask for more territory."),
    ),
    "station_merchant_exists": Refusal(
        409, _("An offer to this shop waits, or the station looks after it."), _("Look at the list.")
    ),
    "station_offer_answered": Refusal(
        409,
        _("This was answered, taken back or ended before."),
        _("Load the page again and look at its state."),
    ),
    "exclusivity_taken": Refusal(
        409,
        _("%(holders)s have the exclusive right to this from %(begins_at)s until %(until_at)s."),
        _("Choose another area, deal or time, or end that right first."),
    ),
    "exclusivity_answered": Refusal(
        409, _("This right was agreed, refused or ended before."), _("Load the page again.")
    ),
    "exclusivity_of_others": Refusal(
        409,
        _("Closed to you: only %(holders)s carry this here until %(until_at)s."),
        _("Look at other tasks."),
    ),
    # creators and their tasks
    "already_creator": Refusal(409, _("You are a creator already."), _("Look at your profile.")),
    "task_not_open": Refusal(
        409, _("This task is not open now."), _("Look at the board for the tasks that are.")
    ),
    "task_full": Refusal(
        409, _("Somebody else took the last place."), _("It stands on the board again when one is free.")
    ),
    "task_not_draft": Refusal(
        409, _("Creators rely on what this task says."), _("End it and write a new one instead.")
    ),
    "task_over": Refusal(409, _("This task has ended."), _("Write a new one.")),
    "claim_refused": Refusal(409, _("This task is not for you."), _("Look at other tasks.")),
    "claim_followers": Refusal(
        409,
        _("Closed to you: this task is for %(wanted)s followers or more, and you have %(has)s."),
        _("Correct your profile if you have more by now."),
    ),
    "claim_for_others": Refusal(
        409, _("Closed to you: the shop chose the creators of this task."), _("Look at other tasks.")
    ),
    "claim_turned_down": Refusal(
        409, _("Closed to you: the shop turned you down in this task."), _("Look at its other tasks.")
    ),
    "already_claimed": Refusal(409, _("You have a place in this task."), _("Go on with it in your tasks.")),
    "claim_not_in_state": Refusal(
        409, _("This cannot be done any more: somebody, or time, was faster."), _("Load the page again.")
    ),
    # deals and orders
    "deal_not_on_sale": Refusal(409, _("This deal is not on sale."), _("Look at the shop's other deals.")),
    "not_targeted": Refusal(
        409, _("This deal is for invited customers only."), _("Look at the shop's other deals.")
    ),
    "sold_out": Refusal(
        409, _("Sold out: %(left)s left."), _("Take fewer, or look again later: unpaid ones come back.")
    ),
    "over_order_limit": Refusal(422, _("At most %(limit)s in one order."), _("Choose a smaller number.")),
    "over_person_limit": Refusal(
        409, _("At most %(limit)s per person; you have %(bought)s."), _("Choose a smaller number.")
    ),
    "too_many_orders": Refusal(
        429, _("Too many tries to order."), _("Wait %(seconds)s seconds, then try again.")
    ),
    "deal_invalid": Refusal(
        422, _("Some values cannot be saved: %(problems)s."), _("Correct them and save again.")
    ),
    "deal_incomplete": Refusal(
        422, _("A customer could not use this deal yet: %(problems)s."), _("Complete it and try again.")
    ),
    "deal_not_editable": Refusal(
        409,
        _("Only a draft is edited in full."),
        _("Copy the deal, edit the copy and submit it for review."),
    ),
    "deal_changed_meanwhile": Refusal(
        409,
        _("%(by)s saved this deal at %(changed_at)s, after you opened it."),
        _("Nothing of yours was saved. Open it anew in another tab and compare."),
    ),
    "deal_not_in_state": Refusal(
        409, _("The deal's state has changed meanwhile."), _("Load the page again and look at the state.")
    ),
    "stock_below_sold": Refusal(
        409, _("%(taken)s are sold or held by orders already."), _("Enter that number or more.")
    ),
    "stock_too_small": Refusal(
        409, _("Only %(left)s pieces are free."), _("Set fewer aside, or raise the deal's stock first.")
    ),
    "stock_pool_closed": Refusal(
        409,
        _("This allotment was given back to the deal's stock already."),
        _("Set pieces aside anew."),
    ),
    "too_many_links": Refusal(
        409, _("This deal has %(limit)s open links."), _("Close one that is no longer used first.")
    ),
    "order_not_open": Refusal(
        409, _("This order can no longer be paid or cancelled."), _("Look at the order's state.")
    ),
    "bad_signature": Refusal(403, _("The signature is not right."), _("Check the secret and the clock.")),
    "unknown_reference": Refusal(404, _("No payment has this reference."), _("Check the reference.")),
    "amount_differs": Refusal(409, _("The amount is not the payment's amount."), _("Check the amount.")),
    "coupon_not_refundable": Refusal(
        409, _("This coupon cannot be refunded now."), _("Look at its state: only an unused coupon can be.")
    ),
    "use_not_refundable": Refusal(
        409,
        _("There is no money to give back for this use."),
        _("Look at its state: it was undone, or it cost nothing."),
    ),
    "refund_undo_first": Refusal(
        409,
        _("This use can still be undone until %(undo_until)s."),
        _("Undo it at the counter: the coupon can then be used again or given back."),
    ),
    "refund_too_late": Refusal(
        409,
        _("Refunds end %(days)s days after the use; this one was on %(redeemed_at)s."),
        _("Settle it with the customer at the counter."),
    ),
    "refund_asked_before": Refusal(
        409, _("A refund of this use was asked for before."), _("Look at its state.")
    ),
    "refund_decided": Refusal(
        409, _("This refund was decided before."), _("Load the page again and look at the state.")
    ),
    "refund_amount_wrong": Refusal(
        422,
        _("The amount has to be at least 0.01 and at most what was asked for."),
        _("Correct it and send again."),
    ),
    "refund_not_stuck": Refusal(
        409, _("This refund goes on by itself."), _("Load the page again and look at the state.")
    ),
    "recall_nothing": Refusal(
        409, _("No unused coupon is left to recall."), _("Load the page again and look at the state.")
    ),
    "recall_not_confirmed": Refusal(
        409,
        _("The number typed is not the number of coupons."),
        _("Read the number anew and type it again; nothing was recalled."),
    ),
    "recall_running": Refusal(
        409, _("A recall of this deal is under way."), _("Wait until it is done, then look again.")
    ),
    # the counter
    "coupon_unknown": Refusal(
        404, _("No coupon has this code."), _("Check all 15 digits; ask the customer to show the code again.")
    ),
    "coupon_other_merchant": Refusal(
        404, _("This coupon belongs to another merchant."), _("Ask the customer for your shop's coupon.")
    ),
    "coupon_wrong_store": Refusal(
        409, _("This coupon is not valid in this store."), _("It can be used in: %(stores)s.")
    ),
    "store_closed": Refusal(409, _("This store is closed down."), _("Choose another store.")),
    "coupon_not_yet_valid": Refusal(
        409, _("This coupon cannot be used yet."), _("It is valid from %(valid_from)s.")
    ),
    "coupon_expired": Refusal(
        409,
        _("This coupon expired on %(valid_until)s."),
        _("Where its deal promises it, the money goes back to the customer by itself."),
    ),
    "coupon_unusable_day": Refusal(
        409, _("This coupon cannot be used at this time."), _("When it can be used: %(rule)s")
    ),
    "coupon_already_used": Refusal(
        409,
        _("Already used: %(redeemed_at)s, %(store)s, by %(clerk)s."),
        _("Ask the customer for another coupon. If it was a mistake, undo it within the hour."),
    ),
    "coupon_refunded": Refusal(409, _("This coupon was refunded."), _("It can no longer be used.")),
    "coupon_refund_locked": Refusal(
        409, _("The customer has asked for a refund of this coupon."), _("It cannot be used while that runs.")
    ),
    "coupon_voided": Refusal(409, _("This coupon was withdrawn."), _("It can no longer be used.")),
    "count_too_large": Refusal(422, _("Only %(usable)s can be used now."), _("Choose a smaller number.")),
    "too_many_tries": Refusal(
        429, _("Too many wrong codes."), _("Wait %(seconds)s seconds, then try again.")
    ),
    "attempt_key_reused": Refusal(
        409, _("This attempt was made for another coupon."), _("Check the coupon again before you confirm.")
    ),
    "reversal_too_late": Refusal(
        409,
        _("The time to undo is over."),
        _("It counts as used; settle it with the customer at the counter."),
    ),
    "already_reversed": Refusal(409, _("This was undone before."), _("The coupon can be used again.")),
    "already_settled": Refusal(
        409,
        _("This was settled and can no longer be undone."),
        _("It counts as used; settle it with the customer at the counter."),
    ),
    # live sessions
    "live_changed_meanwhile": Refusal(
        409,
        _("%(by)s saved this session at %(changed_at)s, after you opened it."),
        _("Nothing of yours was saved. Open it anew in another tab and compare."),
    ),
    "live_not_in_state": Refusal(
        409, _("The session's state has changed meanwhile."), _("Load the page again and look at the state.")
    ),
    "live_session_over": Refusal(
        409, _("This session is over; its pieces went back."), _("Plan a new session.")
    ),
    "live_nothing_to_sell": Refusal(
        409, _("No deal of this session is on sale."), _("Put a deal on sale, or choose others.")
    ),
    "live_deal_elsewhere": Refusal(
        409,
        _("Another live session sells this now: %(titles)s."),
        _("End that session first, or take the deal out."),
    ),
    "live_deal_not_on_sale": Refusal(
        409, _("%(title)s cannot be sold live: it is not on sale to everybody."), _("Choose another deal.")
    ),
    "live_allotment_too_large": Refusal(
        409, _("%(title)s has %(left)s pieces left for this session."), _("Enter that number or fewer.")
    ),
    "rehearsal_under_way": Refusal(
        409,
        _("A rehearsal is under way on this installation."),
        _("Wait until it is over: two at once would measure each other."),
    ),
    "rehearsal_session_state": Refusal(
        409,
        _("Only a planned session that has a deal is rehearsed."),
        _("Plan the session and put a deal into it first; while it is live, customers come first."),
    ),
    "rehearsal_over": Refusal(
        409, _("This rehearsal is over."), _("Load the page again and look at its state.")
    ),
    # bank accounts and payouts
    "second_factor_missing": Refusal(
        403,
        _("This needs two-step sign-in, which your account has not set up."),
        _("Set it up first; then come back."),
    ),
    "second_factor_stale": Refusal(
        403,
        _("This needs a fresh code of your two-step sign-in."),
        _("Enter the code and send the form again."),
    ),
    "bank_account_waiting": Refusal(
        409,
        _("A change to the account ending in %(tail)s waits already."),
        _("An owner can cancel it; then ask for another one."),
    ),
    "bank_account_in_use": Refusal(
        409,
        _("This change waits no longer: it is in effect or was cancelled."),
        _("Load the page again and look at its state."),
    ),
    "nothing_to_pay": Refusal(
        409, _("Nobody can be paid now."), _("Look at who is withheld and why, or wait for confirmations.")
    ),
    "batch_not_open": Refusal(
        409,
        _("Somebody else moved this batch on."),
        _("Load the page again and look at its state."),
    ),
    "second_person_needed": Refusal(
        403, _("Whoever proposed a batch does not approve it."), _("Ask another operator to look at it.")
    ),
    "payout_results_refused": Refusal(
        422,
        _("Nothing was imported: rows that are not right: %(bad)s."),
        _("Correct the file and upload it again."),
    ),
    # statements
    "break_not_open": Refusal(
        409,
        _("Somebody answered this difference before, or it is gone."),
        _("Load the page again and look at its state."),
    ),
    "nothing_to_adjust": Refusal(
        409, _("No money differs here."), _("Explain it instead, or wait until the next match clears it.")
    ),
    "days_billed": Refusal(
        409,
        _("Another bill covers some of these days: %(file)s, %(first)s to %(last)s."),
        _("Say that this file replaces it, where the provider has corrected it; else leave it."),
    ),
    "bill_too_short": Refusal(
        409,
        _("This file cannot replace a bill that covers %(first)s to %(last)s."),
        _("Ask the provider for a file of all those days."),
    ),
    "bill_empty": Refusal(
        422, _("There is no payment and no refund in this file."), _("Choose the file of another day.")
    ),
    "bill_too_long": Refusal(
        422,
        _("The file spans more than a year: %(first)s to %(last)s."),
        _("Look for a wrong year among its times, or split it."),
    ),
    "bill_refused": Refusal(
        422,
        _("%(count)s rows of the file cannot be taken, so nothing was."),
        _("Correct them and choose the file again."),
    ),
    "statement_not_open": Refusal(
        409, _("This statement was answered before."), _("Load the page again and look at its state.")
    ),
    "objection_answered": Refusal(
        409, _("This objection was answered before."), _("Load the page again and read the answer.")
    ),
}


def describe(error: DomainError, *, zone: ZoneInfo | None = None) -> Described:
    """The refusal's sentence in the active language; times in `zone` (default: the current one)."""
    return describe_code(error.code, error.facts, zone=zone)


def describe_code(code: str, facts: dict[str, Any], *, zone: ZoneInfo | None = None) -> Described:
    """The same for a refusal that was kept as a code with its facts."""
    refusal = REFUSALS.get(code, REFUSALS["refused"])
    shown = _Facts({key: _show(key, value, zone) for key, value in facts.items()})
    return Described(
        status=refusal.status,
        code=code,
        title=str(refusal.title) % shown,
        next_step=str(refusal.next_step) % shown,
    )


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _show(key: str, value: Any, zone: ZoneInfo | None) -> str:
    if key.endswith(("_at", "_from", "_until")) and isinstance(value, str):
        moment = timezone.localtime(datetime.fromisoformat(value), zone)
        return f"{formats.date_format(moment, 'Y-m-d')} {moment:%H:%M}"
    if isinstance(value, list):
        return list_words(value)
    return str(value)
