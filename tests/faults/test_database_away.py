"""While PostgreSQL is away everybody is told so, nobody is told "done", and asking again afterwards does it once."""

import json

import httpx
import pytest

from core.embedded import Servers
from core.supervisor import Child, listen_on_free_port, web_command
from core.tests.test_embedded import folder, manage, servers  # noqa: F401 - two fixtures
from tests.faults.product import Watch, environment, wait_for

pytestmark = pytest.mark.fault

TOWN = """
import json
from django.test import Client
from django_scopes import scopes_disabled
from coupons.tests.town import make_town
from identity.api.authentication import CUSTOMER_TOKEN_LIFE, give_token
with scopes_disabled():
    town = make_town()
    (coupon,) = town.buy()
client = Client(SERVER_NAME="127.0.0.1")
client.force_login(town.clerk)
print(json.dumps({"code": coupon.code, "deal": str(town.deal.pk), "session": client.cookies["sessionid"].value,
    "clerk": give_token(user=town.clerk, life=CUSTOMER_TOKEN_LIFE)[0],
    "token": give_token(user=town.customer.user, life=CUSTOMER_TOKEN_LIFE)[0]}))
"""
REDEMPTIONS = "SELECT count(*) FROM coupons_redemption"
ORDERS = "SELECT count(*) FROM coupons_order"


@pytest.fixture
def site(servers: Servers, tmp_path):  # noqa: F811
    """The product's web server, and nobody who starts PostgreSQL again."""
    manage("migrate", folder=servers.folder)
    listener = listen_on_free_port(18_500)
    child = Child(
        "web",
        web_command(listener=listener.fileno()),
        log=tmp_path / "web.log",
        keep_open=(listener.fileno(),),
        environment=environment(servers.folder) | servers.environment() | {"ALLOWED_HOSTS": "127.0.0.1"},
    )
    child.start()
    listener.close()
    yield f"http://127.0.0.1:{_port(child)}"
    child.kill()
    print(child.log.read_text()[-3000:])


def _port(child: Child) -> int:
    wait_for(lambda: "Listening at" in child.log.read_text(), seconds=60, what="the web server")
    return int(child.log.read_text().partition("Listening at: http://127.0.0.1:")[2].split()[0])


def test_what_was_refused_is_done_once_when_it_is_asked_again(site, servers):  # noqa: F811
    said = manage("shell", "--verbosity", "0", "-c", TOWN, folder=servers.folder)
    assert said.returncode == 0, said.stderr
    town, watch = json.loads(said.stdout.splitlines()[-1]), Watch(servers.folder)
    browser = httpx.Client(base_url=site, cookies={"sessionid": town["session"]}, timeout=30)
    api = httpx.Client(
        base_url=f"{site}/api/v1", headers={"Authorization": f"Token {town['token']}"}, timeout=30
    )
    till = {"Authorization": f"Token {town['clerk']}"}
    assert browser.get("/clerk/").status_code == 200
    browser.headers.update({"X-CSRFToken": browser.cookies["csrftoken"], "Referer": site})
    attempt = {"code": town["code"], "attempt_key": "phone-of-the-clerk-1", "count": "1"}
    assert api.get("/coupons/").status_code == 200

    servers.postgres.stop()

    for _ in range(8):  # on each thread's old connection, then on none
        refused = api.get("/coupons/", headers={"Accept-Language": "en"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    (error,) = refused.json()["errors"]
    assert refused.json()["type"] == "server_error"
    assert (error["code"], error["detail"]) == ("unavailable", "The shop is out of reach for a moment.")
    assert "same Idempotency-Key: nothing is done twice" in error["next_step"]
    chinese = api.get("/coupons/", headers={"Accept-Language": "zh-CN"}).json()["errors"][0]
    assert (chinese["code"], chinese["detail"]) == ("unavailable", "店铺暂时无法访问。")

    wish = {"merchant": "laozao", "deal_id": town["deal"], "quantity": 1}
    key = {"Idempotency-Key": "order-0001"}
    assert api.post("/orders/", json=wish, headers=key).status_code == 503
    use = {"store_id": "1", "code": town["code"]}
    assert api.post("/redemption/", json=use, headers=till | key).status_code == 503

    for language, sentence in (
        ("en", "Hand nothing out until you see the receipt."),
        ("zh-CN", "看到核销结果之前，请先不要把东西交给顾客。"),
    ):
        for more in ({}, {"HX-Request": "true"}):
            page = browser.post("/clerk/redeem/", data=attempt, headers={"Accept-Language": language} | more)
            assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
            assert sentence in page.text
            assert (
                "Counter-Answer" not in page.headers
            )  # so that the page's script shows no answer but asks again
            assert "data-answer" not in page.text
    assert browser.get("/m/laozao/").status_code == 503
    assert httpx.get(f"{site}/healthz", timeout=30).status_code == 200
    assert httpx.get(f"{site}/readyz", timeout=30).status_code == 503

    servers.postgres.start()

    assert watch.ask(REDEMPTIONS) == 0
    assert watch.ask(ORDERS) == 1
    for _ in range(2):
        done = browser.post("/clerk/redeem/", data=attempt, headers={"HX-Request": "true"})
        assert (done.status_code, 'data-answer="done"' in done.text) == (200, True)
        ordered = api.post("/orders/", json=wish, headers=key)
        assert ordered.status_code == 201, ordered.text
    assert (watch.ask(REDEMPTIONS), watch.ask(ORDERS)) == (1, 2)
