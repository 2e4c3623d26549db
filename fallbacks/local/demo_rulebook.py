"""The demo's rulebook: its policies, verified and enabled, in force since before its week of events."""

from datetime import datetime, timedelta

from fallbacks import catalogue, enablement, policies, versions
from fallbacks.drafts import model_draft, policy_draft
from fallbacks.local.demo_policies import FIRST, MODELS, VERSIONS
from fallbacks.models import CatalogueModel, PolicyVersion, Verification

# Logins of the demo.
ENGINEER, REVIEWER = "engineer", "reviewer"
VERIFIED = timedelta(days=8, hours=4)
ENABLED = timedelta(days=8)
WORKLOADS = tuple(dict.fromkeys(policy["workload"] for _, policy in VERSIONS))


def is_empty() -> bool:
    """Tell whether there is neither a model nor a policy."""
    return not CatalogueModel.objects.exists() and not PolicyVersion.objects.exists()


def load(now: datetime) -> None:
    """Put all of it in force. `code-assistant` is verified and not enabled: its users get no fallback."""
    with policies.changing_policies_of(WORKLOADS) as moment:
        for model in MODELS:
            catalogue.store(model_draft(model, model["name"]), ENGINEER, now - FIRST)
        models = catalogue.models()
        for age, policy in VERSIONS:
            policies.store(policy_draft(policy, policy["workload"], models), ENGINEER, moment, since=now - age)
    for stored in versions.latest_of(WORKLOADS):
        for number, name in enumerate(sorted(stored.policy.payload_classes)):
            Verification.objects.create(
                workload_id=stored.workload_id,
                name=f"demo-{name}",
                primary=stored.policy.primary,
                fallback=stored.policy.fallback or "",
                payload_class=name,
                passed=True,
                details="32 of 32 requests answered in the same shape",
                received_at=now - VERIFIED + number * timedelta(minutes=7),
                sent_by="key demo",
            )
    for workload in ("support-chat", "batch-extraction", "image-understanding"):
        enablement.enable(workload, REVIEWER, since=now - ENABLED)
