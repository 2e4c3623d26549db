"""What browsers say of a passkey, and what anybody may send in its place."""

import logging
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauths
from allauth.mfa.webauthn.internal import auth as passkeys
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.forms import HiddenInput, JSONField
from fido2.utils import websafe_encode

log = logging.getLogger(__name__)

WRONG = "incorrect_code"


class CredentialField(JSONField):
    """Takes JSON as a browser writes it. Whatever else is sent is refused as a wrong passkey is."""

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
        # Also numbers of thousands of digits, and lists in lists in lists.
        except (ValidationError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not found:
            raise get_adapter().validation_error(WRONG)
        return found


def refused(error: Exception) -> ValidationError:
    """Refuse what the libraries stumbled over. These read bytes that anybody can send: they may raise anything."""
    log.info("a passkey was refused", extra={"error_text": type(error).__name__})
    wrong: ValidationError = get_adapter().validation_error(WRONG)
    return wrong


class Shown(allauths.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step."""

    credential = CredentialField(widget=HiddenInput)

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except (ValidationError, DatabaseError):
            raise
        except Exception as error:
            raise refused(error) from error


class ShownAlone(Shown, allauths.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey in place of everything else."""


class ShownAgain(Shown, allauths.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey of whoever is asked again."""


class Added(allauths.AddWebAuthnForm):  # type: ignore[misc]
    """A passkey that is new."""

    credential = CredentialField(widget=HiddenInput)

    def clean(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = super().clean()
            if "credential" in found:
                found["credential"] = _needed(found["credential"])
        except (ValidationError, DatabaseError):
            raise
        except Exception as error:
            raise refused(error) from error
        return found


def _needed(credential: dict[str, Any]) -> dict[str, Any]:
    """Return what is needed of a good one. Besides, anything may be there, also what no column takes."""
    read = passkeys.parse_registration_response(credential)
    number = websafe_encode(read.raw_id)
    data, object_ = read.response.client_data, read.response.attestation_object
    return {
        "id": number,
        "rawId": number,
        "type": "public-key",
        "response": {"clientDataJSON": websafe_encode(data), "attestationObject": websafe_encode(object_)},
    }
