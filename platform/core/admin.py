"""Jobs: what waits, what failed, and letting a dead one try again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.domain.jobs import wake_job
from core.enums import JobState
from core.models import Job
from core.operator_admin import ReadOnlyAdmin


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("kind", "key", "state", "attempts", "due_at", "done_at", "merchant_id")
    list_filter = ("state", "kind", "lane")
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
