"""Examples of models, policies, decisions and verifications, for OpenAPI."""

MODEL = {
    "name": "premium-chat",
    "provider": "meridian",
    "family": "openai-chat",
    "request_shapes": ["chat", "chat-tools"],
    "features": ["logprobs", "prompt-cache"],
    "data_region": "eu",
    "billing_account": "meridian-main",
    "input_price": 2.5,
    "cached_input_price": 0.25,
    "output_price": 10,
}
BASELINE = {**MODEL, "name": "baseline-chat", "features": ["logprobs"], "input_price": 0.5}
POLICY = {
    "workload": "support-chat",
    "description": "Chat of the help centre.",
    "owner": "support platform",
    "user_visible": True,
    "primary": "premium-chat",
    "fallback": "baseline-chat",
    "triggers": ["overloaded", "server_error", "timeout", "unavailable"],
    "min_attempts": 2,
    "notice": "paid",
    "message": "A simpler model answers for the moment.",
    "paid_tiers": ["pro", "team"],
    "payload_classes": ["chat", "chat-tools"],
    "permits": [],
    "degraded_above": 0.01,
    "for_minutes": 5,
    "escape_hatch": "Switch the help centre to its contact form.",
    "review": {
        "sample_rate": 0.05,
        "daily_cap": 40,
        "min_reviews": 50,
        "pass_rate": 0.95,
        "criteria": ["correct", "tone"],
        "reviews_required": 1,
        "due_hours": 72,
        "enabled_for_days": 90,
        "auto_suspend": True,
    },
}
POLICY_LISTED = {
    **POLICY,
    "version": 4,
    "updated_at": "2026-11-16T16:30:16Z",
    "route_state": "enabled",
    "enabled": True,
}
POLICY_READ = {**POLICY_LISTED, "models": {"premium-chat": MODEL, "baseline-chat": BASELINE}}
QUESTION = {
    "workload": "support-chat",
    "primary": "premium-chat",
    "status": 529,
    "attempts": 2,
    "tier": "pro",
    "payload_class": "chat",
}
DECISION = {
    "action": "fallback",
    "fallback": "baseline-chat",
    "notify_user": True,
    "message": "A simpler model answers for the moment.",
    "rules": [],
    "because": "baseline-chat may answer for premium-chat: the triggers name overloaded, and the user must be told.",
    "policy_version": 4,
    "error_class": "overloaded",
}
VERIFICATION = {
    "workload": "support-chat",
    "primary": "premium-chat",
    "fallback": "baseline-chat",
    "payload_class": "chat-tools",
    "passed": True,
    "details": "32 of 32 requests",
    "id": "ci-4711",
}
VERIFICATION_READ = {**VERIFICATION, "received_at": "2026-11-17T13:12:44.218Z"}
MODELS_PAGE = {"results": [MODEL], "next": None}
