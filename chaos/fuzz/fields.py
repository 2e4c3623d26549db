"""What the fields of events and of counts are fuzzed with: forms that are right, at the edge, and wrong."""

from hypothesis import strategies as st

from chaos.fuzz.values import At, Fresh, Raw, Values, texts, whole

# --- Times ---------------------------------------------------------------------------------------------
FORMS = (
    "{:%Y-%m-%dT%H:%M:%S.%f}+00:00",
    "{:%Y-%m-%dT%H:%M:%S}Z",
    "{:%Y-%m-%d %H:%M:%S.%f}z",
    "{:%Y-%m-%dt%H:%M:%S.%f}499-00:00",
    "{:%Y-%m-%dT%H:%M:%S.9999999}Z",
)
DAY = 86_400.0
NOW = st.floats(-3600, 0) | st.sampled_from((0.0, -60.0, -3600.0))
LONG_AGO = st.floats(-29 * DAY, 590) | st.sampled_from((-30 * DAY + 60, 590.0))
# Refused or not by a hair, by the clock of whoever looks.
EDGE = st.sampled_from((-30 * DAY, -30 * DAY - 1, -30 * DAY + 1, 599.0, 600.0, 601.0, -31 * DAY, 3600.0, -1e9, 1e9))
FIXED: tuple[str, ...] = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-02-30T00:00:00Z")
FIXED += (
    "1970-01-01T00:00:00Z",
    "2026-11-17T14:00:60Z",
    "2026-11-17T14:00:00",
    "2026-11-17",
    "now",
    "0",
    "２０２６-11-17T14:00:00Z",
)
ODD_TIMES = (
    st.builds(At, EDGE)
    | st.sampled_from(FIXED)
    | st.builds(At, NOW, st.sampled_from(("{:%Y-%m-%dT%H:%M:%S}+23:59", "{:%Y-%m-%dT%H:%M:%S}", "{:%Y%m%dT%H%M%S}Z")))
)
TIMES = st.builds(At, NOW) | st.builds(At, NOW | LONG_AGO, st.sampled_from(FORMS))

# --- Fields --------------------------------------------------------------------------------------------
# Few, so that many meet at the same rollup cells, over all shards.
WORKLOADS = tuple(f"fuzz-{n}" for n in range(12))
SLUGS = st.sampled_from(("a", "-", ".", "..", "a" * 64, "0", "chat-tools")) | st.text("az09-_.", min_size=1, max_size=8)
COSTS = st.sampled_from((0, 1e-10, 1e9, 0.1, "0.1", "1e-400", "1E+9", Raw("0.00000000005"), Raw("1e-999"), Raw("-0.0")))
ODD_COSTS = ("NaN", "sNaN123", "Infinity", "-1", "1_0", " 1", "1e1000000000000000000000", 1e300, "")
MILLISECONDS = whole(0, 86_400_000) | st.sampled_from((0.5, 1.5, 86_399_999.5, Raw("1e3"), Raw("8.64e7")))
TOKENS = whole(0, 10**12)
FEATURES = st.lists(texts(64, 1), max_size=16)
PAIRS = st.dictionaries(texts(64, 1), texts(256), max_size=16)
SAMPLE = st.fixed_dictionaries({}, optional={name: texts(16_384) for name in ("input", "output", "primary_output")})

REQUIRED: dict[str, Values] = {
    "workload": st.sampled_from(WORKLOADS) | SLUGS,
    "primary": texts(128, 1),
    "fallback": st.none() | texts(128, 1),
    "status": st.sampled_from((100, 429, 503, 599, "529", "timeout", "connection_error", "unavailable")),
    "reason": texts(500, 1),
}
IDENTITY: dict[str, Values] = {"id": st.just(Fresh()), "occurred_at": TIMES}
OPTIONAL: dict[str, Values] = {
    "environment": st.sampled_from(("production", "staging")) | SLUGS,
    "outcome": st.sampled_from(("served", "failed", "blocked")),
    "error_code": texts(128, 1),
    "attempts": whole(1, 100),
    "user_visible": st.booleans(),
    "user_notified": st.booleans(),
    "tier": SLUGS,
    "payload_class": SLUGS,
    "provider_features": FEATURES,
    "request_id": texts(128),
    "trace_id": texts(128),
    "primary_latency_ms": MILLISECONDS,
    "fallback_latency_ms": MILLISECONDS,
    "input_tokens": TOKENS,
    "cached_input_tokens": TOKENS,
    "output_tokens": TOKENS,
    "cost_usd": COSTS,
    "sample": SAMPLE,
    "attributes": PAIRS,
}
COUNT: dict[str, Values] = {
    "workload": REQUIRED["workload"],
    "start": TIMES,
    "seconds": whole(1, 3600),
    "requests": TOKENS,
}
COUNT_OPTIONAL: dict[str, Values] = {"environment": OPTIONAL["environment"], "model": texts(128, 1)}
# Wrong in the way of the field; all else gets anything at all.
ODD: dict[str, Values] = {
    "workload": st.sampled_from(("", "A", "a b", "a\n", "a" * 65, "\u00e4", "a/b", "\0")),
    "status": st.sampled_from((99, 600, "099", "5xx", "٥٠٠", 500.5, True, "", " 500", "500\n")),
    "id": texts(64) | st.sampled_from(("a" * 65, "same", "\u200b", "\xa0")),
    "occurred_at": ODD_TIMES,
    "start": ODD_TIMES,
    "cost_usd": st.sampled_from(ODD_COSTS),
    "attributes": st.sampled_from(({"": ""}, {"a": 1}, {"a" * 65: ""}, {"a": "b" * 257}, {"a": None})),
    "sample": st.sampled_from(({"in": ""}, {"input": 5}, {"input": "\u00e4" * 8193}, {"input": "a" * 16_385})),
}
