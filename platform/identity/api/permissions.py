"""Customers and staff use the same kind of token; which one it is decides what it opens."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from identity.models import Customer


class IsCustomer(BasePermission):
    """Signed in as a customer, not as staff."""

    code = "customers_only"

    def has_permission(self, request: Request, view: Any) -> bool:
        self.message = _("Only a customer may do this.")
        return request.user is not None and signed_in_customer(request) is not None


def signed_in_customer(request: Request) -> Customer | None:
    """The customer of the token, if it is a customer's."""
    return getattr(request.user, "customer", None)
