"""What a server lacks or has wrong is said before it starts, all of it at once, and no secret is in the words."""

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from fallbacks.environment import Environment
from fallbacks.local.environment import PROJECT

SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SERVER = {
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "observatory.example",
    "TRUSTED_PROXIES": "1",
    "DATABASE_URL": "postgresql://nobody:hush@localhost/none",
    "REDIS_URL": "redis://localhost:1",
    "BROKER_URL": "redis://localhost:2",
}
OWN_TLS = {"GRANIAN_SSL_CERTIFICATE": "/etc/tls/chain.pem", "GRANIAN_SSL_KEYFILE": "/etc/tls/key.pem"}


def manage(given: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=given | {"FALLBACKS_HOME": "/nowhere"},
        capture_output=True,
        text=True,
    )


def said(**changed: str) -> str:
    """What the settings say of a server that is as it should be but for what is changed."""
    import_of_settings = "import fallbacks.settings"
    done = subprocess.run(
        [sys.executable, "-c", import_of_settings], cwd=PROJECT, env=SERVER | changed, capture_output=True, text=True
    )
    return done.stderr if done.returncode else ""


def test_the_settings_of_a_server_pass_the_deployment_check() -> None:
    done = manage(SERVER, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_is_missing_is_said_at_once() -> None:
    done = manage({}, "migrate")
    assert done.returncode != 0
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "BROKER_URL"):
        assert f"- {name} is not set" in done.stderr
    assert "- HTTPS is on, and nothing says where TLS ends: set TRUSTED_PROXIES" in done.stderr


def test_all_that_is_wrong_is_said_at_once_and_no_secret_with_it() -> None:
    words = said(
        SECRET_KEY="short-and-known",
        ALLOWED_HOSTS="observatory.example,.com,*",
        DATABASE_URL="mysql://root:hush@localhost/none",
        REDIS_URL="localhost:6379",
        KEY_RATE="many",
        STREAM_SHARDS="0",
        EVENT_RETENTION_DAYS="1",
        ROLLUP_RETENTION_DAYS="minute=40,hour=30",
        TRUSTED_PROXIES="11",
        CSRF_TRUSTED_ORIGINS="observatory.example",
    )
    for sentence in (
        "SECRET_KEY is too easy to guess",
        "ALLOWED_HOSTS is '*'",
        "ALLOWED_HOSTS has '.com', which is everybody's",
        "DATABASE_URL does not name a PostgreSQL",
        "REDIS_URL does not name a Redis",
        "KEY_RATE is 'many': write a number",
        "STREAM_SHARDS is '0': write a number, 1 or more",
        "EVENT_RETENTION_DAYS is '1': write a number of days, 2 or more",
        "ROLLUP_RETENTION_DAYS is 'minute=40,hour=30': hours must be kept as long",
        "TRUSTED_PROXIES is '11': write a number up to 10, 0 or more",
        "CSRF_TRUSTED_ORIGINS has 'observatory.example': write it as https://",
    ):
        assert f"- {sentence}" in words
    assert "hush" not in words
    assert "short-and-known" not in words


def test_what_a_word_is_not_is_said_whatever_else_it_looks_like() -> None:
    words = said(
        HTTPS="yes",
        KEY_RATE="²",
        STREAM_SHARDS="1000000001",
        EVENT_RETENTION_DAYS="36501",
        SAMPLE_RETENTION_DAYS="0",
        DATABASE_URL="observatory://nobody:hush@localhost/none",
        BROKER_URL="amqp://nobody:hush@localhost",
        CSRF_TRUSTED_ORIGINS="ftp://observatory.example,https://observatory.example/login",
        OIDC_CLIENT_ID="observatory",
    )
    for sentence in (
        "HTTPS is 'yes': write 1 for on, or 0",
        "KEY_RATE is '²': write a number",
        "STREAM_SHARDS is '1000000001': write a number, 1 or more",
        "EVENT_RETENTION_DAYS is '36501': write a number of days",
        "SAMPLE_RETENTION_DAYS is '0': write a number of days, 1 or more",
        "DATABASE_URL does not name a PostgreSQL and a database",
        "BROKER_URL does not name a Redis",
        "CSRF_TRUSTED_ORIGINS has 'ftp://observatory.example': write it as https://",
        "CSRF_TRUSTED_ORIGINS has 'https://observatory.example/login': write it as https://",
        "OIDC_ISSUER is not set",
    ):
        assert f"- {sentence}" in words
    assert "hush" not in words


def test_an_address_that_lacks_a_part_is_none() -> None:
    words = said(
        DATABASE_URL="postgresql://nobody:hush@localhost",
        REDIS_URL="redis://",
        OIDC_ISSUER="https://",
        ALLOWED_HOSTS=".observatory.example",
    )
    for sentence in (
        "DATABASE_URL does not name a PostgreSQL and a database",
        "REDIS_URL does not name a Redis",
        "OIDC_ISSUER is 'https:': write it as https://login.example",
    ):
        assert f"- {sentence}" in words
    # All names below one's own are one's own.
    assert "ALLOWED_HOSTS" not in words
    assert "hush" not in words


@pytest.mark.parametrize(
    "secret", ["x" * 80, "abcd" * 20, SECRET[:49]], ids=["one letter", "four letters", "49 letters"]
)
def test_a_secret_that_can_be_guessed_is_refused(secret: str) -> None:
    given = Environment({"SECRET_KEY": secret})
    given.secret("SECRET_KEY")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is too easy to guess"):
        given.refuse()


@pytest.mark.parametrize(
    ("https", "given", "starts"),
    [
        (True, {}, False),
        (True, {"TRUSTED_PROXIES": "1"}, True),
        (True, OWN_TLS, True),
        (True, {"GRANIAN_SSL_CERTIFICATE": "/etc/tls/chain.pem"}, False),
        (False, {}, True),
    ],
    ids=["nowhere", "at a proxy", "in our own server", "a certificate without its key", "no TLS at all"],
)
def test_a_server_with_https_says_where_tls_ends(https: bool, given: dict[str, str], starts: bool) -> None:
    environment = Environment(given)
    environment.proxies("TRUSTED_PROXIES", https)
    assert (environment.wrong == []) is starts
