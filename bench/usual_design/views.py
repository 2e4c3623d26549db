"""One address: an event or a list of them, checked by a serializer and handed to a task each."""

from typing import Any

from django.urls import path
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.usual_design.models import UsualEvent
from bench.usual_design.tasks import record


class EventSerializer(serializers.ModelSerializer[UsualEvent]):
    """The event as it is sent."""

    id = serializers.CharField(max_length=64)
    workload = serializers.SlugField(max_length=64)

    class Meta:
        model = UsualEvent
        fields = ["id", "workload", "occurred_at", "environment", "primary", "fallback", "status", "reason"]


class Events(APIView):
    """Takes events from whoever has a key."""

    def get_authenticators(self) -> list[Any]:
        # By the database at each request, as authentication classes do that come with frameworks.
        return [DatabaseKey()]

    def post(self, request: Request) -> Response:
        serializer = EventSerializer(data=request.data, many=isinstance(request.data, list))
        serializer.is_valid(raise_exception=True)
        found = serializer.validated_data if isinstance(request.data, list) else [serializer.validated_data]
        for each in found:
            record.delay({**each, "occurred_at": each["occurred_at"].isoformat()})
        return Response({"accepted": len(found)}, status=status.HTTP_202_ACCEPTED)

    def get_permissions(self) -> list[Any]:
        return []


class DatabaseKey:
    """Looks the key up, each time."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        from fallbacks import keys
        from fallbacks.models import ApiKey

        text = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        return None, ApiKey.objects.get(digest=keys.digest(text), revoked_at=None)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


urlpatterns = [path("api/v1/events", Events.as_view())]
