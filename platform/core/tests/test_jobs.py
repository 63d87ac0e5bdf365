"""Jobs: once per key, effect and "done" together, five attempts, then visibly dead."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from core.clock import database_now
from core.domain import jobs
from core.domain.jobs import (
    enqueue_job,
    job_handler,
    lease_due_jobs,
    release_jobs,
    run_due_jobs,
    run_job,
    wake_job,
)
from core.enums import JobQueue
from core.models import IdempotencyKey, Job
from core.tasks import queue_name, ring

pytestmark = pytest.mark.django_db


@pytest.fixture
def handlers(monkeypatch):
    monkeypatch.setattr(jobs, "_handlers", {})
    monkeypatch.setattr(jobs, "_outside_handlers", {})
    monkeypatch.setattr(jobs, "_queues", {})


def effect(key: str) -> None:
    IdempotencyKey.objects.create(principal="test", endpoint="test", key=key, fingerprint="")


def test_asking_twice_is_asking_once(handlers):
    job_handler("note")(lambda job: effect(job.key))
    enqueue_job(kind="note", key="a")
    enqueue_job(kind="note", key="a")

    assert run_due_jobs() == 1
    assert run_due_jobs() == 0
    assert IdempotencyKey.objects.count() == 1
    assert Job.objects.get().state == "done"


def test_nothing_runs_before_it_is_due(handlers):
    job_handler("note")(lambda job: effect(job.key))
    enqueue_job(kind="note", key="a", due_in_seconds=60)
    assert run_due_jobs() == 0
    assert not run_job(job_id=Job.objects.get().pk)


def test_a_failure_undoes_the_effect_and_the_fifth_makes_it_dead(handlers):
    def fail(job: Job) -> None:
        effect(job.key)
        raise RuntimeError("broken")

    job_handler("note")(fail)
    enqueue_job(kind="note", key="a")
    for attempt in range(1, 6):
        Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        assert run_due_jobs() == 0
        job = Job.objects.get()
        assert (job.attempts, job.state) == (attempt, "dead" if attempt == 5 else "ready")
    assert "broken" in job.last_error
    assert IdempotencyKey.objects.count() == 0
    assert wake_job(job_id=job.pk)
    assert not wake_job(job_id=job.pk)
    assert Job.objects.get().attempts == 0


def test_a_worker_that_dies_has_counted(handlers):
    job_handler("note")(lambda job: None)
    enqueue_job(kind="note", key="a")
    job_id = Job.objects.get().pk
    for _ in range(5):
        assert jobs._claim(job_id) is not None  # killed right after
    assert not run_job(job_id=job_id)
    assert Job.objects.get().state == "dead"


@pytest.mark.parametrize("calls_outside", [True, False])
def test_rung_for_too_often_while_somebody_does_it_it_is_done_all_the_same(
    handlers, monkeypatch, calls_outside
):
    """Five other workers were rung within the moment between this one's claim and its work: they give the job up."""
    job_handler("note", calls_outside=calls_outside)(lambda job: effect(job.key))
    enqueue_job(kind="note", key="a")
    claim = jobs._claim

    def claim_before_the_others(job_id: int) -> Job | None:
        job = claim(job_id)
        for _ in range(5):
            claim(job_id)
        assert Job.objects.get().state == "dead"
        return job

    monkeypatch.setattr(jobs, "_claim", claim_before_the_others)
    assert run_job(job_id=Job.objects.get().pk)
    assert IdempotencyKey.objects.count() == 1
    assert Job.objects.get().state == "done"


def test_the_relay_rings_once_per_lease_and_again_after(handlers):
    enqueue_job(kind="note", key="a")
    job_id = Job.objects.get().pk

    assert lease_due_jobs() == [job_id]
    assert lease_due_jobs() == []
    release_jobs(job_ids=[job_id])
    assert lease_due_jobs() == [job_id]
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert lease_due_jobs() == [job_id]


def test_a_call_outside_runs_in_no_transaction_of_ours_and_is_marked_after(handlers):
    seen = []
    job_handler("call", calls_outside=True)(lambda job: seen.append(Job.objects.get(pk=job.pk).state))
    enqueue_job(kind="call", key="a")
    assert run_due_jobs() == 1
    assert seen == ["ready"]
    assert Job.objects.get().state == "done"


def test_calls_outside_wait_in_a_queue_of_their_own(handlers, monkeypatch):
    """However many of them are due, as many of ours are leased as ever."""
    rung = []
    monkeypatch.setattr("core.tasks.run_jobs.apply_async", lambda **message: rung.append(message))
    monkeypatch.setattr(jobs, "MAX_LEASED", 4)
    job_handler("call", calls_outside=True)(lambda job: None)
    job_handler("note")(lambda job: None)
    job_handler("long", calls_outside=True, queue=JobQueue.INSIDE)(lambda job: None)
    for key in "abcdef":
        enqueue_job(kind="call", key=key)
    enqueue_job(kind="note", key="a")
    enqueue_job(kind="long", key="a")

    assert ring() == 6

    queues = {
        Job.objects.get(pk=pk).kind: message["queue"]
        for message in rung
        for pk in message["kwargs"]["job_ids"]
    }
    assert queues == {"call": "tongdao-outside", "note": "tongdao-inside", "long": "tongdao-inside"}
    assert ring() == 0  # half of the outside's are leased
    assert {queue_name(queue) for queue in JobQueue} == {queue.name for queue in settings.CELERY_TASK_QUEUES}
    assert queue_name(JobQueue.INSIDE) == settings.CELERY_TASK_DEFAULT_QUEUE


@pytest.mark.parametrize(("calls_outside", "waits"), [(False, [2, 4, 8, 16]), (True, [2, 8, 60, 600])])
def test_who_calls_outside_waits_until_the_other_side_is_back(handlers, calls_outside, waits):
    def fail(job: Job) -> None:
        raise ConnectionError

    job_handler("x", calls_outside=calls_outside)(fail)
    enqueue_job(kind="x", key="1")

    for wait in waits:
        Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        run_job(job_id=Job.objects.get().pk)
        assert Job.objects.get().due_at - database_now() == timedelta(seconds=wait)


def test_each_lane_is_rung_by_its_own_relay_only(handlers):
    """A rehearsal's connections say their lane; nobody else does their work, nor they others'."""
    job_handler("note")(lambda job: effect(job.key))
    enqueue_job(kind="note", key="everyday")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL tongdao.lane = 'rehearsal-7'")
        enqueue_job(kind="note", key="shadow")
        mine = lease_due_jobs()
        assert [Job.objects.get(pk=pk).key for pk in mine] == ["shadow"]
        assert run_due_jobs() == 1
        cursor.execute("SET LOCAL tongdao.lane = ''")
    assert [Job.objects.get(pk=pk).key for pk in lease_due_jobs()] == ["everyday"]
    assert run_due_jobs() == 1
    assert {job.key: job.lane for job in Job.objects.all()} == {"everyday": "", "shadow": "rehearsal-7"}
