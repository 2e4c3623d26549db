"""What a key may speak of, and under which name its changes are kept."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from fallbacks.keys import Key
from fallbacks.models import ApiKey


def key_of(request: Request) -> Key:
    """Return the key of a request that HasScope has let in."""
    assert isinstance(request.auth, Key)  # noqa: S101
    return request.auth


def refuse_other_workload(request: Request, workload: str) -> None:
    """Raise PermissionDenied where the key is bound to other workloads."""
    bound = key_of(request).workloads
    if bound and workload not in bound:
        raise PermissionDenied(f"This key is not for workload {workload[:64]}: use a key that is.", "not_covered")


def refuse_other_environment(request: Request, environment: str) -> None:
    """Raise PermissionDenied where the key is bound to other environments than the one that is spoken of."""
    bound = key_of(request).environments
    if bound and environment not in bound:
        raise PermissionDenied(f"This key is not for environment {environment}: use a key that is.", "not_covered")


def refuse_bound_to_workloads(request: Request, what: str) -> None:
    """Raise PermissionDenied where the key is bound to some workloads, and a change of `what` holds for all."""
    if key_of(request).workloads:
        raise PermissionDenied(f"{what} is there for every workload, this key for some: use another.", "not_covered")


def refuse_bound_to_environments(request: Request, what: str) -> None:
    """Raise PermissionDenied where the key is bound to some environments, and a change of `what` holds for all."""
    if key_of(request).environments:
        raise PermissionDenied(f"{what} holds for every environment, this key for some: use another.", "not_covered")


def author(request: Request) -> str:
    """Return under which name a change by this key is kept. One query."""
    return name_of(ApiKey.objects.only("name", "prefix").get(id=key_of(request).id))


def name_of(key: ApiKey) -> str:
    """Return how changes by a key are signed: many may have the same name, and its prefix is its alone."""
    return f"key {key.name} ({key.prefix})"
