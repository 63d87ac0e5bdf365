"""What a load balancer asks."""

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Whether this process answers; asks nothing else, so that a lost database restarts no web server."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Whether this process can serve: 503 without a database or with unapplied migrations.

    Redis is reported only: without it the shop sells and the clerk redeems.
    """
    database = migrations = False
    try:
        executor = MigrationExecutor(connection)
        database = True
        migrations = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        pass
    answer = {"database": database, "migrations": migrations, "redis": _redis_answers()}
    return JsonResponse(answer, status=200 if database and migrations else 503)


def _redis_answers() -> bool:
    # The cache hides a missing Redis from everybody else; a value that comes back proves that it is there.
    cache.set("core.ready", "yes", timeout=5)
    return cache.get("core.ready") == "yes"
