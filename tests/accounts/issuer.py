"""A provider of OpenID Connect: small, real, on this machine. It asks nobody anything, and lies where a test wants."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET, KID = "observatory", "a secret of the tests", "one"


class Issuer:
    """Who is signed in there is `person`; `lies` are put over the claims of the ID token, of which `...`
    are left out."""

    def __init__(self) -> None:
        self.key = self.published = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.person: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.info_lies: dict[str, Any] = {}
        self.calls_itself = ""
        self.asked: dict[str, str] = {}
        self.given: dict[str, dict[str, str]] = {}
        self.problems: list[str] = []
        self.address = ""

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.calls_itself or self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser goes back to, with a code."""
        self.asked = query
        code = secrets.token_hex(8)
        self.given[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, str] | None:
        """Return tokens for a code, once, to whom it was given."""
        asked = self.given.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(
            b"="
        )
        if asked is None or form.get("client_secret") != SECRET or challenge.decode() != asked.get("code_challenge"):
            return None
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked.get("nonce")}
        claims |= self.person | self.lies
        claims = {name: value for name, value in claims.items() if value is not ...}
        return {
            "access_token": "of the tests",
            "token_type": "Bearer",
            "id_token": jwt.encode(claims, self.key, "RS256", {"kid": KID}),
        }

    def keys(self) -> dict[str, Any]:
        found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.published.public_key()))
        return {"keys": [{**found, "kid": KID, "alg": "RS256", "use": "sig"}]}


@contextmanager
def running() -> Iterator[Issuer]:
    """Start one at a free port."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", issuer.authorize(dict(parse_qsl(parts.query))))
                self.end_headers()
                return
            pages: dict[str, Callable[[], dict[str, Any]]] = {
                "/.well-known/openid-configuration": issuer.discovery,
                "/keys": issuer.keys,
                "/userinfo": lambda: issuer.person | issuer.info_lies,
            }
            self.answer(200, pages[parts.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = issuer.token({name: values[0] for name, values in parse_qs(body).items()})
            self.answer(200 if found else 400, found or {"error": "invalid_grant"})

        def answer(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield issuer
    server.shutdown()
    server.server_close()
    thread.join()
