"""/ops/ opens for the platform's operator and for nobody else."""

import pytest
from django.test import Client

from identity.models import User

pytestmark = pytest.mark.django_db


def test_operator_opens_the_site(client: Client) -> None:
    client.force_login(
        User.objects.create_superuser(name="王运营", email="ops@example.com", password="a long enough one")
    )

    response = client.get("/ops/")

    assert response.status_code == 200
    assert "王运营" in response.content.decode()


def test_staff_of_a_shop_does_not(client: Client) -> None:
    client.force_login(
        User.objects.create_user(name="李娜", phone="+8613812342210", password="a long enough one")
    )

    assert client.get("/ops/").status_code == 302
