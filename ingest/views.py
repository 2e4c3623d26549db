"""What Django itself answers at the addresses that services post to: that they are for posting."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ingest.answers import refusal


@csrf_exempt
def traffic(request: HttpRequest) -> HttpResponse:
    """Refuse what is not a POST; those never come here."""
    response = refusal(405, "method_not_allowed", "Send a POST.").response()
    response["Allow"] = "POST"
    return response
