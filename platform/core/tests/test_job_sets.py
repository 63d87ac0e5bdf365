"""Jobs done in sets: their first tries together, what fails alone, what was not reached untouched."""

import pytest

from core.domain import jobs
from core.domain.jobs import NotReached, enqueue_job, job_handler, job_set_handler, lease_due_jobs, run_jobs
from core.enums import JobQueue
from core.models import Job
from core.tasks import ring

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch):
    """Jobs `call`, done in sets; the sets that were asked for, as lists of keys. Those named bad fail, late ones wait."""
    for name in ("_handlers", "_outside_handlers", "_set_handlers", "_queues"):
        monkeypatch.setattr(jobs, name, {})
    asked = []

    def answer(job):
        if job.key.startswith("bad"):
            return ValueError(job.key)
        return NotReached() if job.key.startswith("late") else None

    @job_handler("call", calls_outside=True)
    def call(job):
        asked.append([job.key])
        error = answer(job)
        if isinstance(error, ValueError):
            raise error

    @job_set_handler("call")
    def call_all(taken):
        asked.append(sorted(job.key for job in taken))
        return {job.pk: error for job in taken if (error := answer(job))}

    return asked


def enqueue(*keys):
    for key in keys:
        enqueue_job(kind="call", key=key)
    return list(Job.objects.order_by("id").values_list("pk", flat=True))


def test_first_tries_are_made_together_and_only_what_failed_waits(asked):
    ids = enqueue("a", "bad", "late", "z")

    assert run_jobs(job_ids=ids) == 2

    assert asked == [["a", "bad", "late", "z"]]
    states = {job.key: (job.state, job.attempts, job.last_error) for job in Job.objects.all()}
    assert states == {
        "a": ("done", 1, ""),
        "bad": ("ready", 1, "ValueError('bad')"),
        "late": ("ready", 0, ""),
        "z": ("done", 1, ""),
    }
    run_jobs(job_ids=ids)
    assert asked[1:] == [["late"]]  # the bad one is due in seconds


def test_a_second_try_is_made_alone(asked):
    ids = enqueue("a", "b", "c")
    Job.objects.filter(key="b").update(attempts=1)

    assert run_jobs(job_ids=ids) == 3

    assert asked == [["a", "c"], ["b"]]


def test_where_the_whole_set_fails_each_is_tried_alone(asked):
    ids = enqueue("a", "b")

    @job_set_handler("call")
    def fail(taken):
        raise RuntimeError("away")

    assert run_jobs(job_ids=ids) == 0
    assert set(Job.objects.values_list("attempts", "last_error")) == {(1, "RuntimeError('away')")}
    Job.objects.update(due_at="2026-01-01T00:00Z")
    assert run_jobs(job_ids=ids) == 2
    assert asked == [["a"], ["b"]]


def test_what_was_done_meanwhile_is_not_asked_again(asked):
    ids = enqueue("a", "b")
    assert run_jobs(job_ids=ids) == 2
    assert run_jobs(job_ids=ids) == 0
    assert asked == [["a", "b"]]


def test_no_more_is_rung_for_than_workers_can_do_soon(asked, monkeypatch):
    monkeypatch.setattr(jobs, "MAX_LEASED", 4)
    ids = enqueue("a", "b", "c", "d", "e", "f")
    assert sorted(lease_due_jobs(queue=JobQueue.OUTSIDE)) == ids[:4]
    run_jobs(job_ids=ids[:2])
    assert lease_due_jobs(queue=JobQueue.OUTSIDE) == []  # two of four are still leased
    run_jobs(job_ids=ids[2:3])
    assert sorted(lease_due_jobs(queue=JobQueue.OUTSIDE)) == ids[4:]


def test_few_jobs_are_rung_for_one_by_one_and_many_in_chunks(asked, monkeypatch):
    rung = []
    monkeypatch.setattr(
        "core.tasks.run_jobs.apply_async", lambda kwargs, **more: rung.append(len(kwargs["job_ids"]))
    )
    enqueue("a", "b", "c")
    assert ring() == 3
    assert rung == [1, 1, 1]
    rung.clear()
    enqueue(*(f"more {number}" for number in range(200)))
    assert ring() == 200
    assert rung == [20] * 10
