"""A device with one passkey: what it answers, as a browser sends it. Its owner is always there."""

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

HOST = "testserver"
PRESENT_AND_KNOWN = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class Device:
    """Makes its passkey when it is first asked for one."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.number = os.urandom(16)
        self.owner = ""

    def made(self, browser: Client) -> dict[str, Any]:
        """Answer the page where somebody adds a passkey."""
        asked = browser.get("/account/passkeys").context["js_data"]["publicKey"]
        self.owner = asked["user"]["id"]
        key = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        public = AttestedCredentialData.create(Aaguid(bytes(16)), self.number, key)
        flags = PRESENT_AND_KNOWN | AuthenticatorData.FLAG.AT
        data = AuthenticatorData.create(hashlib.sha256(HOST.encode()).digest(), flags, 0, public)
        attested = AttestationObject.create("none", data, {})
        told = {
            "clientDataJSON": _client_data("webauthn.create", asked["challenge"]),
            "attestationObject": websafe_encode(attested),
        }
        return self._credential(told)

    def shown(self, options: Any) -> dict[str, Any]:
        """Answer whoever asks for a passkey."""
        data = AuthenticatorData.create(hashlib.sha256(HOST.encode()).digest(), PRESENT_AND_KNOWN, 1)
        client_data = _client_data("webauthn.get", options["publicKey"]["challenge"])
        signed = self.key.sign(
            bytes(data) + hashlib.sha256(websafe_decode(client_data)).digest(), ec.ECDSA(hashes.SHA256())
        )
        told = {
            "clientDataJSON": client_data,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signed),
            "userHandle": self.owner,
        }
        return self._credential(told)

    def _credential(self, told: dict[str, Any]) -> dict[str, Any]:
        number = websafe_encode(self.number)
        return {"id": number, "rawId": number, "type": "public-key", "clientExtensionResults": {}, "response": told}


def _client_data(kind: str, challenge: str) -> str:
    told = {"type": kind, "challenge": challenge, "origin": f"https://{HOST}", "crossOrigin": False}
    return websafe_encode(json.dumps(told).encode())


def add(browser: Client) -> Device:
    """Give whoever is signed in a passkey."""
    device = Device()
    answer = browser.post("/account/passkeys", {"credential": json.dumps(device.made(browser)), "name": "Device"})
    assert b"Keep these recovery codes" in answer.content, answer.content.decode()
    return device


def alone(browser: Client) -> Any:
    """Return what the login page's script is told to ask a passkey for."""
    return browser.get("/login/passkey", headers={"accept": "application/json"}).json()["request_options"]
