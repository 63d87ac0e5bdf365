"""When something is wrong the page says what happened to the reader's work, in his language."""

import pytest
from django.http import HttpRequest
from django.test import Client
from django.utils import translation
from django.views.defaults import bad_request, permission_denied, server_error


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "title"), [("zh-hans", "没有这个页面"), ("en", "There is no such page")]
)
def test_missing_page(client: Client, language: str, title: str) -> None:
    response = client.get("/no/such/page/", headers={"accept-language": language})

    assert response.status_code == 404
    assert f'<h1 class="page-title mb-2">{title}</h1>' in response.content.decode()


@pytest.mark.django_db
def test_form_without_token() -> None:
    response = Client(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})

    assert response.status_code == 403
    assert "页面打开时间过长" in response.content.decode()
    assert "theme" not in response.cookies


# Without django_db a query fails these tests: the pages are drawn when the database is what broke.
def test_broken_server_needs_no_database() -> None:
    with translation.override("zh-hans"):
        response = server_error(HttpRequest())

    assert response.status_code == 500
    assert "系统出错了" in response.content.decode()


def test_unreadable_request_needs_no_database() -> None:
    with translation.override("en"):
        response = bad_request(HttpRequest(), Exception("no"))

    assert response.status_code == 400
    assert "The request could not be read" in response.content.decode()


def test_refused_page_does_not_show_the_reason_to_strangers(rf: object) -> None:
    request = rf.get("/")
    request._messages = []

    with translation.override("zh-hans"):
        response = permission_denied(request, Exception("secret detail"))

    assert response.status_code == 403
    assert "您没有权限打开此页面" in response.content.decode()
    assert "secret detail" not in response.content.decode()
