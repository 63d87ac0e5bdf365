"""Files of large statements: made by a job whose progress is seen, kept for one person, tried again, thrown away."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from django_scopes import scopes_disabled

from core.domain.jobs import MAX_ATTEMPTS, run_due_jobs, run_job
from core.models import Job
from coupons.settlement import export
from coupons.settlement.domain import files
from coupons.settlement.domain.files import sweep_files
from coupons.settlement.enums import FileState
from coupons.settlement.models import StatementFile, StatementFilePiece
from coupons.settlement.tests.test_statement_pages import make_statement, person
from coupons.tests.town import make_town
from identity.enums import Role
from identity.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    with scopes_disabled():
        return make_town(platform_fee_bps=250)


@pytest.fixture
def statement(town, monkeypatch):
    monkeypatch.setattr(files, "BACKGROUND_LINES", 1)
    monkeypatch.setattr(files, "PIECE_BYTES", 500)
    return make_statement(town, uses=3)


def page(statement, name="files", **more):
    slug = statement.merchant.slug
    return reverse(f"statement_{name}", kwargs={"slug": slug, "statement_id": statement.pk, **more})


def ask(client, statement, kind="csv"):
    return client.post(
        page(statement), {"kind": kind}, headers={"HX-Request": "true", "accept-language": "en"}
    )


def the_file():
    with scopes_disabled():
        return StatementFile.objects.select_related("statement__merchant").get()


def work():
    return run_due_jobs(kinds=["make_statement_file"])


@pytest.mark.parametrize("kind", ["csv", "xlsx", "zip"])
def test_a_large_statement_is_made_by_a_job_and_then_downloaded(client, town, statement, kind):
    client.force_login(town.owner)
    assert client.get(page(statement, "export", kind=kind)).headers["Location"].endswith("#files")

    text = ask(client, statement, kind).content.decode()
    assert "every 2s" in text
    assert 'value="0"' in text
    assert work() == 1

    text = client.get(page(statement), headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in text
    file = the_file()
    url = page(statement, "file", file_id=file.pk)
    assert url in text
    response = client.get(url)
    content = b"".join(response.streaming_content)
    assert (file.state, file.rows_done, file.size) == (FileState.READY, 3, len(content))
    assert response.headers["Content-Length"] == str(len(content))
    assert f'filename="laozao-{statement.number}.{kind}"' in response.headers["Content-Disposition"]
    assert file.pieces.count() == -(-len(content) // 500)
    if kind == "csv":
        assert content.decode("utf-8-sig").count("\r\n") == 4
        assert "Redeemed at" in content.decode("utf-8-sig")  # in the language of who asked
    else:
        assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert [event.verb for event in AuditEvent.objects.filter(noun="statement").order_by("id")] == [
        "statement.file_requested", "statement.downloaded",
    ]  # fmt: skip


def test_asking_twice_is_asking_once(client, town, statement):
    client.force_login(town.owner)
    ask(client, statement)
    ask(client, statement)
    assert work() == 1
    ask(client, statement)
    assert (work(), Job.objects.filter(kind="make_statement_file").count()) == (0, 1)


def test_it_is_given_to_nobody_else(client, town, statement):
    client.force_login(town.owner)
    ask(client, statement)
    work()
    url = page(statement, "file", file_id=the_file().pk)
    for role in (Role.FINANCE, Role.MANAGER, Role.CLERK):
        client.force_login(person(town, role))
        assert client.get(url).status_code == 404
    with scopes_disabled():
        other = make_town(slug="other", name="别家")
    client.force_login(other.owner)
    assert client.get(url).status_code == 404
    assert not AuditEvent.objects.filter(verb="statement.downloaded").exists()


def test_a_small_statement_is_not_made_by_a_job(client, town):
    client.force_login(town.owner)
    assert ask(client, make_statement(town)).status_code == 422
    assert not Job.objects.filter(kind="make_statement_file").exists()


def test_a_kind_that_is_none_is_refused_and_a_file_not_ready_not_found(client, town, statement):
    client.force_login(town.owner)
    assert ask(client, statement, "pdf").status_code == 422
    ask(client, statement)
    assert client.get(page(statement, "file", file_id=the_file().pk)).status_code == 404


def test_its_progress_is_written_while_it_is_made(client, town, statement, monkeypatch):
    seen = []

    def write(statement, form, to, on_rows):
        on_rows(2)
        with scopes_disabled():
            seen.append((the_file().rows_done, the_file().percent))
        seen.append(Job.objects.get(kind="make_statement_file").lease_until is not None)
        to.write(b"x")

    monkeypatch.setattr(export, "write_file", write)
    client.force_login(town.owner)
    ask(client, statement)

    assert work() == 1
    assert seen == [(2, 66), True]


def test_what_fails_is_tried_again_then_says_so_and_can_be_asked_for_anew(
    client, town, statement, monkeypatch
):
    def fail(*_):
        raise OSError("disk full")

    client.force_login(town.owner)
    ask(client, statement)
    with monkeypatch.context() as broken:
        broken.setattr(export, "write_file", fail)
        for attempt in range(MAX_ATTEMPTS):
            assert the_file().state == FileState.MAKING, attempt
            Job.objects.filter(kind="make_statement_file").update(due_at=Now() - timedelta(days=1))
            assert not run_job(job_id=Job.objects.get(kind="make_statement_file").pk)
    assert the_file().state == FileState.FAILED
    assert not StatementFilePiece.objects.exists()
    text = client.get(
        page(statement), headers={"HX-Request": "true", "accept-language": "en"}
    ).content.decode()
    assert "Could not be made" in text
    assert "Try CSV again" in text

    ask(client, statement)
    assert work() == 1
    assert the_file().state == FileState.READY


def test_a_file_whose_job_was_lost_is_said_to_have_failed(client, town, statement):
    client.force_login(town.owner)
    ask(client, statement)
    with scopes_disabled():
        StatementFile.objects.update(heartbeat_at=Now() - timedelta(hours=1))
    sweep_files()
    assert the_file().state == FileState.MAKING  # its job is still to come
    Job.objects.filter(kind="make_statement_file").update(state="dead")
    sweep_files()
    assert the_file().state == FileState.FAILED


def test_old_files_are_thrown_away_and_not_given_before(client, town, statement):
    client.force_login(town.owner)
    ask(client, statement)
    work()
    file = the_file()
    with scopes_disabled():
        StatementFile.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert client.get(page(statement, "file", file_id=file.pk)).status_code == 404
    assert "Prepare CSV" in client.get(page(statement), headers={"accept-language": "en"}).content.decode()
    assert sweep_files() == 1
    assert not StatementFilePiece.objects.exists()


def test_a_second_worker_changes_nothing(client, town, statement):
    client.force_login(town.owner)
    ask(client, statement)
    work()
    before = list(StatementFilePiece.objects.values_list("pk", flat=True))
    Job.objects.filter(kind="make_statement_file").update(state="ready", done_at=None)
    work()
    assert list(StatementFilePiece.objects.values_list("pk", flat=True)) == before


def test_its_owner_is_told_once_wherever_he_is(client, town, statement):
    home, news = f"/m/{town.merchant.slug}/statements/", reverse("statement_file_news")
    client.force_login(town.owner)
    assert news not in client.get(home).content.decode()  # nobody waits: no page asks
    ask(client, statement)
    assert news in client.get(home).content.decode()
    waiting = client.get(news, headers={"accept-language": "en"})
    assert (waiting.status_code, statement.number in waiting.content.decode()) == (200, False)
    work()

    told = client.get(news, headers={"accept-language": "en"})

    assert told.status_code == 286  # htmx asks no more
    assert f"CSV of statement {statement.number} is ready." in told.content.decode()
    assert news not in client.get(home).content.decode()
    assert statement.number not in client.get(news).content.decode()


def test_nobody_is_told_of_others_files(client, town, statement):
    client.force_login(town.owner)
    ask(client, statement)
    work()
    client.force_login(person(town, Role.FINANCE))
    assert statement.number not in client.get(reverse("statement_file_news")).content.decode()
    client.logout()
    assert client.get(reverse("statement_file_news")).status_code == 302
