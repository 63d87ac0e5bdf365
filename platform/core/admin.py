"""Jobs: what waits, what failed, letting a dead one try again; and the self-check."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from core.domain.invariant_runs import last_run, past_runs, request_run, unfinished_run
from core.domain.jobs import wake_job
from core.enums import JobState, RunTrigger
from core.invariants import load_catalogue
from core.models import InvariantRun, Job
from core.operator_admin import ReadOnlyAdmin
from core.self_check import describe_run, took


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("kind", "key", "state", "attempts", "due_at", "done_at", "merchant_id")
    list_filter = ("state", "kind", "queue", "lane")
    search_fields = ("=key", "=merchant_id")
    ordering = ("-id",)
    actions = ("wake",)

    @admin.action(description=_("Let the dead ones try again"))
    def wake(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        woken = sum(wake_job(job_id=job_id) for job_id in jobs.values_list("pk", flat=True))
        self.message_user(
            request,
            ngettext("%(count)s job will try again.", "%(count)s jobs will try again.", woken)
            % {"count": woken},
            messages.SUCCESS if woken else messages.WARNING,
        )


def count_dead(request: HttpRequest) -> int:
    """Jobs that gave up, for the menu; a rehearsal's are its own."""
    return Job.objects.filter(state=JobState.DEAD, lane="").count()


@admin.register(InvariantRun)
class InvariantRunAdmin(ReadOnlyAdmin):
    """One page instead of a list: every invariant with its last figure, the runs before, a button to check now."""

    def get_urls(self) -> list[URLPattern]:
        check = path("check/", self.admin_site.admin_view(self.check_now), name="self_check_now")
        return [check, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self._chosen_run(request)
        unfinished = unfinished_run()
        areas = describe_run(run) if run else []
        return TemplateResponse(
            request,
            "ops/self_check.html",
            {
                **self.admin_site.each_context(request),
                "title": _("Self-check"),
                "run": run,
                "is_newest": run == last_run(),
                "took": took(run) if run else None,
                "areas": areas,
                "broken": [one for area in areas for one in area.invariants if one.rows],
                "total": len(load_catalogue()),
                "waiting": unfinished[0] if unfinished else None,
                "job": unfinished[1] if unfinished else None,
                "gave_up": bool(unfinished and unfinished[1].state == JobState.DEAD),
                "past": past_runs(),
                "can_check": self.has_check_permission(request),
            },
        )

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(f"{self._address()}?run={object_id}")

    @method_decorator(require_POST)
    def check_now(self, request: HttpRequest) -> HttpResponse:
        if not self.has_check_permission(request):
            raise PermissionDenied
        if not request_run(trigger=RunTrigger.OPS):
            messages.info(request, _("A check is under way already."))
        return redirect(self._address())

    def has_check_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("core.add_invariantrun")

    def _address(self) -> str:
        return reverse("admin:core_invariantrun_changelist")

    def _chosen_run(self, request: HttpRequest) -> InvariantRun | None:
        chosen = request.GET.get("run", "")
        if chosen.isdecimal() and len(chosen) < 19:
            found = InvariantRun.objects.filter(pk=int(chosen), finished_at__isnull=False).first()
            if found is not None:
                return found
        return last_run()


def count_broken(request: HttpRequest) -> int | str:
    """Invariants the last check found broken, for the menu; nothing is said where all hold."""
    run = last_run()
    return run.broken if run and run.broken else ""
