"""Tell a fallback observatory what your LiteLLM router did: one file, to be copied beside your own code.

    logger = ObservatoryLogger("https://observatory.example", "the key")     # scopes events:write, traffic:write
    litellm.callbacks = [logger]

or, in the configuration of a LiteLLM proxy, `callbacks: observatory_logger.handler`, with `OBSERVATORY_URL` and
`OBSERVATORY_KEY` in its environment.

It works in three steps, so that a request never waits and never breaks:

1. LiteLLM's hooks run inside the request. They note what happened as a `Signal` and put it into a bounded queue; where
   that is full, the signal is dropped and counted.
2. One background thread joins the signals of a request (`Requests`): every request counts as traffic, and one that left
   its primary makes one event, however many retries and fallbacks it took.
3. The same thread posts both (`Shipper`). Each carries an id, so that a repeated post counts once.

Texts of requests and answers are never read, so they can never be sent. README.md says what is not covered.
"""

import atexit
import functools
import hashlib
import http.client
import json
import logging
import os
import queue
import re
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

try:
    from litellm.integrations.custom_logger import CustomLogger
except ImportError:  # The rules below need no LiteLLM, and are tested without it.
    CustomLogger = object

__all__ = ["ObservatoryLogger", "reason_of", "status_of"]

log = logging.getLogger("observatory_logger")

Status = int | str
Workload = Mapping[str, str] | Callable[[str, Mapping[str, Any]], str | None]

SETTLE_SECONDS = 2.0
"""After a failure: how long no further attempt may begin before the request counts as failed. A router goes on within
milliseconds, unless it waits to try again."""
RETRY_WAIT_SECONDS = 10.0
RETRY_AFTER_LIMIT = 60.0
"""LiteLLM waits at most 8 s plus a jitter between two tries, or as long as Retry-After asks, but not over 60 s."""
STREAM_SECONDS = 60.0
"""A stream that its reader abandons never ends for LiteLLM's hooks: from a fallback, it counts as served by then."""
FORGET_SECONDS = 900.0
REMEMBERED_KEYS = 50_000
BATCH = 500
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
PENDING_LIMIT = 20_000
"""What is kept while the product cannot be reached: the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What one hook saw of one request. `kind`: started, refused, answered, fallback_answered, fallback_failed."""

    kind: str
    key: str
    primary: str
    model: str
    workload: str
    at: float
    attempt: tuple[str, int] = ("", 0)
    first: bool = False
    stream: bool = False
    status: Status = "unavailable"
    reason: str = ""
    settle: float = SETTLE_SECONDS


class ObservatoryLogger(CustomLogger):  # type: ignore[misc]
    """LiteLLM's hooks, and the thread behind them.

    `workload`: a mapping from model group to workload, or a function of (model group, metadata); without one it is
    `metadata["workload"]` of the request, else the model group asked for. `include_messages` adds the first line of the
    provider's message to the reason: off at first, because some providers quote the prompt in it.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        workload: Workload | None = None,
        environment: str = "production",
        include_messages: bool = False,
        interval: float = 2.0,
        settle: float = SETTLE_SECONDS,
        timeout: float = 5.0,
        queue_size: int = 10_000,
    ) -> None:
        super().__init__()
        self.workload = workload
        self.include_messages = include_messages
        self.interval = interval
        self.settle = settle
        self.queue_size = queue_size
        self.shipper = Shipper(address, key, environment, timeout)
        self.dropped = 0
        self._lock = threading.Lock()
        self._begin()
        atexit.register(self.close)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._queue: queue.Queue[Signal] = queue.Queue(self.queue_size)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._reported = self.dropped
        self._closing_deadline = 0.0

    # The hooks: LiteLLM calls them inside the request. None of them may wait or raise.

    def log_pre_api_call(self, model: str, messages: Any, kwargs: Any, **_: Any) -> None:
        self._note("started", kwargs)

    def log_success_event(self, kwargs: Any, *_: Any, **__: Any) -> None:
        self._note("answered", kwargs)

    def log_failure_event(self, kwargs: Any, *_: Any, **__: Any) -> None:
        self._note("refused", kwargs, error=kwargs.get("exception"))

    async def async_log_success_event(self, kwargs: Any, *_: Any, **__: Any) -> None:
        self._note("answered", kwargs)

    async def async_log_failure_event(self, kwargs: Any, *_: Any, **__: Any) -> None:
        self._note("refused", kwargs, error=kwargs.get("exception"))

    async def async_post_call_failure_deployment_hook(
        self, request_data: Mapping[str, Any], exception: Exception, *_: Any, **__: Any
    ) -> None:
        # In a proxy the hook above comes once a request, and this one with each attempt.
        self._note("refused", request_data, error=exception)

    async def async_filter_deployments(
        self, model: str, healthy_deployments: Any, messages: Any, request_kwargs: Any = None, *_: Any, **__: Any
    ) -> Any:
        # The only sign that a router gives when it turns a request away because every deployment is cooling down.
        if not healthy_deployments and request_kwargs:
            self._note("refused", request_kwargs, model=model, reason="no deployment available: all are cooling down")
        return healthy_deployments

    async def log_success_fallback_event(
        self, original_model_group: str, kwargs: Any, original_exception: Exception | None = None, **_: Any
    ) -> None:
        self._note("fallback_answered", kwargs, group=original_model_group, error=original_exception)

    async def log_failure_fallback_event(
        self, original_model_group: str, kwargs: Any, original_exception: Exception | None = None, **_: Any
    ) -> None:
        self._note("fallback_failed", kwargs, group=original_model_group, error=original_exception)

    def _note(self, kind: str, kwargs: Mapping[str, Any], **what: Any) -> None:
        try:
            signal = self._signal(kind, kwargs, **what)
            if signal is not None:
                self._put(signal)
        except Exception:
            log.debug("a signal of the kind %s could not be read", kind, exc_info=True)

    def _signal(
        self,
        kind: str,
        kwargs: Mapping[str, Any],
        model: str | None = None,
        group: str | None = None,
        error: BaseException | None = None,
        reason: str | None = None,
    ) -> Signal | None:
        params = kwargs.get("litellm_params") or {}
        metadata = router_metadata(kwargs, params)
        key = request_key(kwargs, params)
        if not metadata or not key:
            return None  # A call that went past the router: it has no model group, and no fallback.
        hop = str(model or metadata["model_group"])
        depth, tries = int(metadata.get("attempted_fallbacks") or 0), int(metadata.get("attempted_retries") or 0)
        primary = str(metadata.get("original_model_group") or (group if depth == 1 else None) or hop)
        if group not in (None, primary):
            error = None  # Of a hop further down the chain: its error is not the primary's.
        return Signal(
            kind,
            key,
            primary,
            hop,
            self._workload_of(primary, metadata),
            time.time(),
            attempt=(str(kwargs.get("litellm_call_id") or ""), depth),
            first=(kind == "started" or reason is not None) and depth == 0 and tries == 0,
            stream=bool(kwargs.get("stream")),
            status=status_of(error),
            reason=reason or reason_of(error, self.include_messages),
            settle=settle_time(self.settle, error, tries, metadata),
        )

    def _workload_of(self, group: str, metadata: Mapping[str, Any]) -> str:
        if isinstance(self.workload, Mapping):
            named = self.workload.get(group)
        elif self.workload is None:
            named = metadata.get("workload") or (metadata.get("requester_metadata") or {}).get("workload")
        else:
            try:
                named = self.workload(group, metadata)
            except Exception:
                log.warning("The workload function failed for the model group %s: its name is used.", group)
                named = None
        return slug(str(named or group))

    def _put(self, signal: Signal) -> None:
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._begin()  # After a fork there is a queue here, but no thread.
        try:
            self._queue.put_nowait(signal)
        except queue.Full:
            self.dropped += 1
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="observatory_logger", daemon=True)
                    self._thread.start()

    # The thread.

    def _work(self) -> None:
        requests = Requests()
        next_post = time.monotonic() + self.interval
        while not self._closing.is_set():
            self._collect(requests, wait=0.1)
            if time.monotonic() >= next_post:
                self._post(requests)
                next_post = time.monotonic() + self.interval
        while self._collect(requests, wait=0.0):
            pass
        requests.settle(time.monotonic(), leaving=True)
        self._post(requests)
        self.shipper.ship_all(self._closing_deadline)

    def _post(self, requests: "Requests") -> None:
        self._report_drops()
        try:
            self.shipper.take(requests)
            self.shipper.ship()
        except Exception:
            log.exception("events could not be posted: they are tried again")

    def _collect(self, requests: "Requests", wait: float) -> int:
        """Move what waits in the queue into `requests`; at most a batch, so that posts are not kept waiting."""
        taken = 0
        try:
            while taken < BATCH:
                requests.take(self._queue.get(timeout=wait) if wait else self._queue.get_nowait(), time.monotonic())
                taken, wait = taken + 1, 0.0
        except queue.Empty:
            pass
        except Exception:
            log.exception("a signal could not be counted")
            taken += 1
        requests.settle(time.monotonic())
        return taken

    def _report_drops(self) -> None:
        if self.dropped > self._reported:
            lost, self._reported = self.dropped - self._reported, self.dropped
            log.warning(
                "%d signals were dropped because the queue of %d was full: figures of these requests are missing. "
                "Raise queue_size if this repeats.",
                lost,
                self.queue_size,
            )

    def close(self, timeout: float = 5.0) -> bool:
        """Post what is left, for at most `timeout` seconds. True where nothing was left behind. Call it once."""
        thread = self._thread
        if thread is None or self._process != os.getpid():
            return True
        self._closing_deadline = time.monotonic() + timeout
        self._closing.set()
        thread.join(timeout + 1.0)
        return not thread.is_alive() and not self.shipper.waiting


@dataclass(slots=True)
class Request:
    """What is known so far of one request that a client made to the router."""

    workload: str
    primary: str
    began: float
    attempt: tuple[str, int] | None = None
    status: Status | None = None
    reason: str = ""
    tried: str | None = None
    answered_by: str | None = None
    ends_at: float | None = None
    seen_at: float = 0.0


@dataclass(slots=True)
class Requests:
    """Signals in, traffic counts and events out. Knows no clock and no network: times are given to it."""

    open: dict[str, Request] = field(default_factory=dict)
    done: OrderedDict[str, None] = field(default_factory=OrderedDict)
    traffic: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    events: list[dict[str, Any]] = field(default_factory=list)

    def take(self, signal: Signal, now: float) -> None:
        if signal.first and (signal.key in self.open or signal.key in self.done):
            self._finish(signal.key)  # The client uses one trace id for several requests.
            self.done.pop(signal.key, None)
        if signal.key in self.done:
            return
        request = self.open.get(signal.key) or self._begin(signal)
        request.seen_at = now
        getattr(self, "_" + signal.kind)(signal, request, now)

    def settle(self, now: float, leaving: bool = False) -> None:
        """Finish requests that nothing more is to be expected of; on leaving, all whose outcome is known."""
        for key, request in list(self.open.items()):
            ends_at = request.seen_at + FORGET_SECONDS if request.ends_at is None else request.ends_at
            if leaving or ends_at <= now:
                self._finish(key)

    def _begin(self, signal: Signal) -> Request:
        request = Request(signal.workload, signal.primary, signal.at)
        self.open[signal.key] = request
        self.traffic[signal.workload, signal.primary, int(signal.at // 60) * 60] += 1
        return request

    def _started(self, signal: Signal, request: Request, now: float) -> None:
        request.attempt, request.ends_at = signal.attempt, None
        if signal.model != request.primary:
            request.tried = request.tried or signal.model

    def _refused(self, signal: Signal, request: Request, now: float) -> None:
        if signal.model == request.primary:
            request.status, request.reason = signal.status, signal.reason
        else:
            request.tried = request.tried or signal.model
        if request.answered_by == signal.model:
            request.answered_by = None  # A stream that broke off after it had begun.
        if request.attempt in (None, signal.attempt):
            request.attempt, request.ends_at = None, now + signal.settle

    def _answered(self, signal: Signal, request: Request, now: float) -> None:
        request.answered_by, request.attempt = signal.model, None
        if signal.model == request.primary or request.status is not None:
            self._finish(signal.key)
        else:
            request.ends_at = now + signal.settle  # Why the primary was left comes with the fallback's own hook.

    def _fallback_answered(self, signal: Signal, request: Request, now: float) -> None:
        # In a chain the hook runs once a hop, the last hop first: the first to come names the model that answered.
        request.answered_by = request.answered_by or signal.model
        self._primary_error(signal, request)
        if signal.stream:
            request.ends_at = now + STREAM_SECONDS
        elif request.status is not None:
            self._finish(signal.key)
        else:
            request.ends_at = now + signal.settle

    def _fallback_failed(self, signal: Signal, request: Request, now: float) -> None:
        request.tried = request.tried or signal.model
        self._primary_error(signal, request)
        request.attempt, request.ends_at = None, now + signal.settle

    def _primary_error(self, signal: Signal, request: Request) -> None:
        if request.status is None and signal.reason:
            request.status, request.reason = signal.status, signal.reason

    def _finish(self, key: str) -> None:
        request = self.open.pop(key, None)
        if request is None:
            return
        self.done[key] = None
        if len(self.done) > REMEMBERED_KEYS:
            self.done.popitem(last=False)
        left_primary = request.answered_by not in (None, request.primary)
        unanswered = request.answered_by is None and request.status is not None and request.attempt is None
        if left_primary or unanswered:
            self.events.append(event_of(request))


def event_of(request: Request) -> dict[str, Any]:
    """The event as the product takes it. It happened when the request began: so it lies in its own traffic's minute."""
    return {
        "id": uuid.uuid4().hex,
        "occurred_at": datetime.fromtimestamp(request.began, UTC).isoformat(),
        "workload": request.workload,
        "primary": request.primary[:128],
        "fallback": (request.answered_by or request.tried or "")[:128] or None,
        "status": "unavailable" if request.status is None else request.status,
        "reason": request.reason or "the primary was not tried",
        "outcome": "served" if request.answered_by else "failed",
    }


class Shipper:
    """Posts in batches; tries again what the product could not take now, and never what it refused."""

    def __init__(self, address: str, key: str, environment: str, timeout: float) -> None:
        self.address = address.rstrip("/")
        self.key = key
        self.environment = environment
        self.timeout = timeout
        self.process = uuid.uuid4().hex
        self.events: list[dict[str, Any]] = []
        self.counts: list[dict[str, Any]] = []
        self.number = 0
        self.failures = 0
        self.not_before = 0.0
        self.lost = 0

    @property
    def waiting(self) -> bool:
        return bool(self.events or self.counts)

    def take(self, requests: Requests) -> None:
        self.events += [event | {"environment": self.environment} for event in requests.events]
        self.counts += [self.count_of(*cell, number) for cell, number in requests.traffic.items()]
        requests.events.clear()
        requests.traffic.clear()
        for waiting in (self.events, self.counts):
            excess = len(waiting) - PENDING_LIMIT
            if excess > 0:
                del waiting[:excess]
                self.give_up(excess, "more was waiting than is kept")

    def count_of(self, workload: str, model: str, start: int, requests: int) -> dict[str, Any]:
        # Counts add up, so a minute may be told in several parts; the number keeps their ids apart.
        self.number += 1
        name = f"{self.process} {workload} {model} {start} {self.number}"
        return {
            "id": hashlib.sha256(name.encode()).hexdigest()[:32],
            "workload": workload,
            "environment": self.environment,
            "model": model[:128],
            "start": datetime.fromtimestamp(start, UTC).isoformat(),
            "seconds": 60,
            "requests": requests,
        }

    def ship(self) -> None:
        """Post what waits, traffic first: so the product never sees more events than requests."""
        for path, name, waiting in (("traffic", "counts", self.counts), ("events", "events", self.events)):
            while waiting and time.monotonic() >= self.not_before:
                if not self.post(path, {name: waiting[:BATCH]}, min(BATCH, len(waiting))):
                    return
                del waiting[:BATCH]

    def ship_all(self, deadline: float) -> None:
        while self.waiting and time.monotonic() < deadline:
            self.timeout = min(self.timeout, max(0.1, deadline - time.monotonic()))
            self.ship()
            if self.waiting:
                time.sleep(max(0.0, min(self.not_before, deadline) - time.monotonic()))
        if self.waiting:
            self.give_up(len(self.events) + len(self.counts), "the process ended before the product took them")

    def post(self, path: str, body: Mapping[str, Any], items: int) -> bool:
        """True where this batch is done with: taken, or refused for good."""
        request = urllib.request.Request(  # noqa: S310 - the address is the user's own setting
            f"{self.address}/api/v1/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                self.taken(json.loads(answer.read() or b"{}"))
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 429 and error.code < 500:
                    self.give_up(items, f"the product answered {error.code} to /api/v1/{path}: {short(error.read())}")
                    return True
                self.wait(error.headers.get("Retry-After"), f"it answered {error.code}")
                return False
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.wait(None, f"{type(error).__name__}: {error}")
            return False
        return True

    def taken(self, answer: Mapping[str, Any]) -> None:
        self.failures = 0
        refused = answer.get("rejected") or []
        if refused:
            self.give_up(len(refused), f"the product refused them, the first one so: {json.dumps(refused[0])[:300]}")

    def wait(self, retry_after: str | None, why: str) -> None:
        pause = seconds(retry_after, limit=300.0) or BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS) - 1)]
        self.failures += 1
        self.not_before = time.monotonic() + pause
        log.log(
            logging.WARNING if self.failures == 1 else logging.DEBUG,
            "%s cannot take events now (%s). They wait here, and are sent again in %.1f s.",
            self.address,
            why,
            pause,
        )

    def give_up(self, items: int, why: str) -> None:
        self.lost += items
        log.warning("%d events or counts were lost: %s", items, why)


def router_metadata(kwargs: Mapping[str, Any], params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The metadata that the router wrote into: its place depends on the kind of call. None: there was no router."""
    for bucket in (params, kwargs):
        for name in ("metadata", "litellm_metadata"):
            metadata = bucket.get(name)
            if isinstance(metadata, Mapping) and metadata.get("model_group"):
                return metadata
    return None


def request_key(kwargs: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """What all attempts of one request share. In a proxy that is the call's id: its trace id may be a whole session's.
    Outside of one each attempt has a call id of its own, and the router gives the request a trace id."""
    call = kwargs.get("litellm_call_id")
    if call and (params.get("proxy_server_request") or kwargs.get("proxy_server_request")):
        return str(call)
    return str(kwargs.get("litellm_trace_id") or params.get("litellm_trace_id") or call or "")


def settle_time(settle: float, error: BaseException | None, tries: int, metadata: Mapping[str, Any]) -> float:
    """How long to wait for a further attempt after this failure."""
    if error is None or tries >= int(metadata.get("max_retries") or 0):
        return settle
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = seconds(headers.get("retry-after"), RETRY_AFTER_LIMIT)
    return max(settle, asked or 0.0, RETRY_WAIT_SECONDS) + settle


TIMEOUTS = frozenset({"APITimeoutError", "TimeoutException", "TimeoutError", "Timeout"})
CUT_CONNECTIONS = frozenset({"APIConnectionError", "TransportError", "ConnectionError", "ClientError"})


def status_of(error: BaseException | None) -> Status:
    """The status of the event that an exception of LiteLLM stands for: what the provider answered, if it did.

    LiteLLM gives a number to everything: 408 to its own timeout, 500 to a refused or cut connection. So its exception's
    cause decides where there is one (openai, httpx, aiohttp), else its class, and only then its number.
    """
    outermost = error
    for cause in causes(error):
        names = {base.__name__ for base in type(cause).__mro__}
        answered = getattr(cause, "status_code", None) or getattr(getattr(cause, "response", None), "status_code", None)
        if names & TIMEOUTS and not is_answer(cause):
            return "timeout"
        if names & CUT_CONNECTIONS and not is_answer(cause):
            return "connection_error"
        if is_answer(cause) and isinstance(answered, int) and 100 <= answered <= 599:
            return answered
    while isinstance(getattr(outermost, "original_exception", None), BaseException):
        outermost = outermost.original_exception  # type: ignore[union-attr]
    names = {base.__name__ for base in type(outermost).__mro__}
    if names & TIMEOUTS:
        return "timeout"
    if "APIConnectionError" in names:
        return "connection_error"
    code = str(getattr(outermost, "status_code", ""))
    return int(code) if re.fullmatch("[1-5][0-9][0-9]", code) else "unavailable"


def is_answer(error: BaseException) -> bool:
    return any(base.__name__ in ("APIStatusError", "HTTPStatusError") for base in type(error).__mro__)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exceptions of other libraries behind one of LiteLLM's, nearest first.

    The walk ends at the next public exception of LiteLLM: that is the attempt before, in whose handling this one arose.
    """
    public = 0
    for _ in range(12):
        if error is None:
            return
        inner = getattr(error, "original_exception", None)
        if type(error).__module__ == "litellm.exceptions":
            public += not isinstance(inner, BaseException)
            if public > 1:
                return
        elif not type(error).__module__.startswith("litellm"):
            yield error
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def reason_of(error: BaseException | None, include_message: bool = False) -> str:
    """A short text for people: class, provider and the provider's code; the message only where it was asked for."""
    if error is None:
        return ""
    inner = getattr(error, "original_exception", None)
    error = inner if isinstance(inner, BaseException) else error
    details = [getattr(error, name, None) for name in ("llm_provider", "status_code", "code", "type")]
    tokens = [str(detail) for detail in details if detail and re.fullmatch(r"[\w.:-]{1,64}", str(detail))]
    text = type(error).__name__ + (f" ({', '.join(dict.fromkeys(tokens))})" if tokens else "")
    if include_message:
        text += f": {short(str(getattr(error, 'message', None) or error).partition(chr(10))[0])}"
    return text[:500]


def short(text: str | bytes) -> str:
    return (text.decode(errors="replace") if isinstance(text, bytes) else text)[:300]


def seconds(text: str | None, limit: float) -> float | None:
    """Retry-After in seconds; its other form, a date, is rare enough to be left to the usual backoff."""
    return min(float(text), limit) if text and re.fullmatch(r"\d+(\.\d+)?", text) else None


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower())[:64].strip("-") or "unnamed"


@functools.cache
def handler_from_environment() -> ObservatoryLogger:
    address, key = os.environ.get("OBSERVATORY_URL"), os.environ.get("OBSERVATORY_KEY")
    if not address or not key:
        raise RuntimeError("Set OBSERVATORY_URL and OBSERVATORY_KEY to the address of the observatory and to a key.")
    return ObservatoryLogger(address, key, environment=os.environ.get("OBSERVATORY_ENVIRONMENT", "production"))


def __getattr__(name: str) -> Any:
    """`handler`, for a proxy's configuration, is made when it is asked for: not everybody who imports this needs it."""
    if name == "handler":
        return handler_from_environment()
    raise AttributeError(name)
