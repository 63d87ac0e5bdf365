"""The waiting room over the API: the answer to an order that has to wait, and what became of the place."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons.admission.gate import Waiting, give_up_place, look_at_place
from coupons.admission.room import Turn, Wait
from coupons.admission.tickets import Ticket, read_ticket

TICKET = OpenApiParameter("ticket", OpenApiTypes.STR, OpenApiParameter.PATH, description="As it was given.")


class PlaceSerializer(serializers.Serializer[Any]):
    """A place in the queue. The estimate errs on the long side: it may shrink faster than the clock."""

    position = serializers.IntegerField(help_text="1 is next.")
    seconds = serializers.IntegerField(help_text="About how long until the order can be placed.")
    ticket = serializers.CharField()
    poll_after_seconds = serializers.IntegerField(help_text="Ask again then; who stays away loses the place.")


class WaitingOrderSerializer(serializers.Serializer[Any]):
    """Nothing was ordered yet. Send the same request with the same key again once it is your turn."""

    waiting = PlaceSerializer()


class WaitingSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=["waiting", "turn", "gone"],
        help_text="turn: place the order now; gone: the place was used or lost, placing the order takes a new one.",
    )
    position = serializers.IntegerField(allow_null=True)
    seconds = serializers.IntegerField(
        allow_null=True, help_text="Waiting: about how long. Turn: how long it stays."
    )
    ticket = serializers.CharField()
    poll_after_seconds = serializers.IntegerField(allow_null=True)


def answer_waiting(waiting: Waiting) -> Response:
    """202: the order waits; not kept under the request's key."""
    place = waiting.place
    body = {
        "position": place.position,
        "seconds": place.seconds,
        "ticket": waiting.ticket.sign(),
        "poll_after_seconds": place.poll,
    }
    return Response({"waiting": body}, status=202, headers={"Retry-After": str(place.poll)})


def describe_place(ticket: Ticket, place: Any) -> dict[str, Any]:
    """What the API and the page say about a place."""
    if isinstance(place, Wait):
        fresh = Ticket(ticket.pool, ticket.deal_id, ticket.customer_id, place.joined, place.epoch)
        return {
            "state": "waiting",
            "position": place.position,
            "seconds": place.seconds,
            "ticket": fresh.sign(),
            "poll_after_seconds": place.poll,
        }
    is_turn = isinstance(place, Turn)
    return {
        "state": "turn" if is_turn else "gone",
        "position": None,
        "seconds": place.seconds if is_turn else None,
        "ticket": ticket.sign(),
        "poll_after_seconds": None,
    }


class WaitingView(APIView):
    """The ticket is the key: no token is asked for and nothing is read from the database, so a crowd can ask."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    @extend_schema(
        operation_id="get_place", parameters=[TICKET], responses=WaitingSerializer, auth=[], tags=["orders"]
    )
    def get(self, request: Request, ticket: str) -> Response:
        """My place in the waiting room; asking keeps it. Refused with sold_out as soon as nothing is left."""
        known = read_ticket(ticket)
        return Response(describe_place(known, look_at_place(known)))

    @extend_schema(
        operation_id="give_up_place", parameters=[TICKET], responses={204: None}, auth=[], tags=["orders"]
    )
    def delete(self, request: Request, ticket: str) -> Response:
        """Give up my place."""
        give_up_place(read_ticket(ticket))
        return Response(status=204)
