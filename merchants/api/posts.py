"""Where the signed-in staff member works."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.fields import IdField
from identity.enums import Role
from merchants.access import access_merchants, access_stores


class PostStoreSerializer(serializers.Serializer[Any]):
    id = IdField()
    name = serializers.CharField()
    city = serializers.CharField(allow_blank=True)


class PostSerializer(serializers.Serializer[Any]):
    merchant = serializers.CharField(source="merchant.slug")
    merchant_name = serializers.CharField(source="merchant.name")
    role = serializers.ChoiceField(choices=Role.choices)
    stores = PostStoreSerializer(many=True)


class PostsSerializer(serializers.Serializer[Any]):
    results = PostSerializer(many=True)


class PostsView(APIView):
    throttle_scope = "lookup"

    @extend_schema(operation_id="list_posts", responses=PostsSerializer, tags=["counter"])
    def get(self, request: Request) -> Response:
        """The shops the token's user works for, with the open stores he may stand in."""
        posts = [
            {
                "merchant": access.merchant,
                "role": access.role,
                "stores": list(access_stores(access=access, only_open=True)),
            }
            for access in access_merchants(user=request.user)
        ]
        return Response(PostsSerializer({"results": posts}).data)
