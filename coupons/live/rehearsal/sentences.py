"""The report in words, in the reader's language."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coupons.live.enums import RehearsalFault
from coupons.live.rehearsal.bottleneck import LAG_SECONDS, Bottleneck

PARTS = {
    "generator": gettext_lazy("load generator"),
    "processor": gettext_lazy("processor"),
    "web": gettext_lazy("web server"),
    "worker": gettext_lazy("worker"),
    "relay": gettext_lazy("relay"),
    "valkey": gettext_lazy("Redis"),
    "database": gettext_lazy("database"),
    "others": gettext_lazy("other programs on this machine"),
    "locks": gettext_lazy("locks in the database"),
    "disk": gettext_lazy("disk of the database"),
    "connections": gettext_lazy("connections to the database"),
    "queue": gettext_lazy("queue of jobs"),
}
REQUESTS = {
    "look": gettext_lazy("Look at the deal"),
    "order": gettext_lazy("Place an order"),
    "place": gettext_lazy("Ask for the place in the waiting room"),
    "waiting room": gettext_lazy("Time in the waiting room"),
    "pay": gettext_lazy("Start to pay"),
    "cashier": gettext_lazy("Pay at the sandbox's cashier"),
    "order again": gettext_lazy("Look at the order again"),
    "coupons": gettext_lazy("From paying to coupons"),
    "coupon": gettext_lazy("Show a coupon"),
    "redeem": gettext_lazy("Redeem at the counter"),
    "refund": gettext_lazy("Ask for a refund"),
}


def part_name(part: str) -> str:
    return str(PARTS.get(part, part))


def request_name(name: str) -> str:
    return str(REQUESTS.get(name, name))


def answer_name(key: str) -> tuple[str, str]:
    """ "order sold_out" -> what was asked, and the code of the answer."""
    for name in sorted(REQUESTS, key=len, reverse=True):
        if key.startswith(f"{name} "):
            return request_name(name), key[len(name) + 1 :]
    return key, ""


def describe_bottleneck(found: Bottleneck) -> str:
    """What was full first, and what follows from it."""
    if not found.part:
        if not found.is_measured:
            return _(
                "Nothing was full as far as it could be seen; processor time is not measured on this system."
            )
        return _("Nothing was full: the machine did what was asked, and could do more.")
    if found.part == "processor":
        return _("The processor of the machine was full first, from second %(second)s on; %(part)s used most of it (%(share)s%%). More cores, or the load from another machine, would come first.") % {
            "second": round(found.second or 0),
            "part": part_name(found.biggest),
            "share": round((found.biggest_share or 0) * 100),
        }  # fmt: skip
    sentences = {
        "generator": _("The load generator itself was full first, from second %(second)s on: the shop could do more than these figures say."),
        "web": _("The web server's processes were full first, from second %(second)s on. More processes, on more cores, would come first."),
        "worker": _("The workers were full first, from second %(second)s on: coupons come later. More worker processes would come first."),
        "database": _("The database was full first, from second %(second)s on: it used every core there is."),
        "locks": _("Orders waited for each other's locks in the database first, from second %(second)s on."),
        "disk": _("The disk of the database was full first, from second %(second)s on: orders waited for the write-ahead log."),
        "connections": _("The connections to the database ran out first, from second %(second)s on."),
        "queue": _("Jobs waited more than %(lag)s seconds first, from second %(second)s on: coupons and refunds came late."),
    }  # fmt: skip
    return sentences[found.part] % {"second": round(found.second or 0), "lag": round(LAG_SECONDS)}


def describe_reason(reason: dict[str, Any]) -> str:
    """Why it is no go."""
    facts = {name: value for name, value in reason.items() if name != "code"}
    if "kind" in facts:
        facts["kind"] = fault_name(facts["kind"])
    match reason["code"]:
        case "too_short":
            return _("Not a valid rehearsal: shorter than 5 minutes.")
        case "invariants_broken":
            return ngettext(
                "%(count)s invariant is broken.", "%(count)s invariants are broken.", facts["count"]
            ) % {"count": facts["count"]}
        case "not_sold_exactly":
            return _("%(sold)s pieces were sold of a stock of %(stock)s.") % facts
        case "jobs_left":
            return _("Jobs were not done in the end, %(dead)s of them given up.") % facts
        case "peak_not_reached":
            return _("%(rate)s orders a second were reached of %(asked)s asked for.") % facts
        case "too_slow":
            if facts["p95_ms"] is None:
                return _("No order was placed at the peak.")
            return (
                _("At the peak one order in twenty took longer than %(p95_ms)s ms; %(most)s are the limit.")
                % facts
            )
        case "errors":
            return _("%(failed)s requests for an order got no answer or a broken one (%(placed)s orders were placed).") % facts  # fmt: skip
        case "not_recovered":
            if facts["seconds"] is None:
                return _("%(kind)s: things were not well again by the end.") % facts
            return (
                _("%(kind)s: it took %(seconds)s seconds until all was well; %(most)s are the limit.") % facts
            )
    return str(reason["code"])


def fault_name(kind: str) -> str:
    return str(RehearsalFault(kind).label) if kind in RehearsalFault.values else kind


def describe_fault(kind: str) -> str:
    """What was done, for the report."""
    return {
        "worker_killed": _("The worker and all its processes were killed (kill -9)."),
        "slow_provider": _("The payment provider's notifications came 20 seconds late."),
        "disorder": _("Each notification came twice, with one of a failure after the success."),
        "redis_restarted": _("Redis was killed (kill -9) and started again after 2 seconds."),
    }.get(kind, kind)
