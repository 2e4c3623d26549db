"""What Django itself answers at the addresses that services post to: that they are for posting."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ingest.answers import not_taken


@csrf_exempt
def traffic(request: HttpRequest) -> HttpResponse:
    """Refuse what is not a POST; those never come here."""
    return not_taken("POST", "Send a POST.")
