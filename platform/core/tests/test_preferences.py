"""Language and theme: chosen by a small form, kept in a cookie, the language also on the account."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    return get_user_model().objects.create_user(
        name="李娜", phone="+8613812342210", password="a long enough one"
    )


def test_language_is_kept_in_a_cookie(client: Client) -> None:
    response = client.post("/language/", {"language": "en", "next": "/accounts/login/"})

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/login/")
    assert response.cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"
    assert client.get("/accounts/login/").headers["Content-Language"] == "en"


def test_language_follows_the_account_to_a_new_device(client: Client, user: Any) -> None:
    client.force_login(user)
    client.post("/language/", {"language": "en"})
    other_device = Client(headers={"accept-language": "zh-CN"})
    other_device.force_login(user)

    page = other_device.get("/accounts/2fa/")

    user.refresh_from_db()
    assert user.language == "en"
    assert page.headers["Content-Language"] == "en"


def test_unknown_language_changes_nothing(client: Client, user: Any) -> None:
    client.force_login(user)

    client.post("/language/", {"language": "xx"})

    user.refresh_from_db()
    assert user.language == ""
    assert settings.LANGUAGE_COOKIE_NAME not in client.cookies


def test_theme_is_kept_in_a_cookie_and_drawn_by_the_server(client: Client) -> None:
    response = client.post("/theme/", {"theme": "dark", "next": "/accounts/login/"})

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/login/")
    assert 'data-bs-theme="dark"' in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("theme", ["", "pink", '"><script>'])
def test_unknown_theme_changes_nothing(client: Client, theme: str) -> None:
    response = client.post("/theme/", {"theme": theme})

    assert response.status_code == 302
    assert "theme" not in response.cookies


@pytest.mark.parametrize("path", ["/language/", "/theme/"])
def test_nobody_is_sent_to_another_host(client: Client, path: str) -> None:
    response = client.post(path, {"theme": "dark", "language": "en", "next": "https://evil.example/"})

    assert response.headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/language/", "/theme/"])
def test_a_link_changes_nothing(client: Client, path: str) -> None:
    assert client.get(path, {"theme": "dark", "language": "en"}).status_code == 405
    assert "theme" not in client.cookies
    assert settings.LANGUAGE_COOKIE_NAME not in client.cookies
