"""The demo's rulebook: its policies, in force since before its week of events, and how far their routes are."""

from datetime import datetime

from django.db import transaction

from fallbacks import catalogue, policies
from fallbacks.drafts import model_draft, policy_draft
from fallbacks.local import demo_trials
from fallbacks.local.demo_policies import FIRST, MODELS, VERSIONS
from fallbacks.local.demo_reviews import ENGINEER
from fallbacks.models import CatalogueModel, PolicyVersion

WORKLOADS = tuple(dict.fromkeys(policy["workload"] for _, policy in VERSIONS))


def is_empty() -> bool:
    """Tell whether there is neither a model nor a policy."""
    return not CatalogueModel.objects.exists() and not PolicyVersion.objects.exists()


@transaction.atomic
def load(now: datetime) -> None:
    """Put all of it in force. The route of `code-assistant` waits for an approval: its users get no fallback.

    All or nothing: a demo that was loaded in part would not be loaded again.
    """
    with policies.changing_policies_of(WORKLOADS) as moment:
        for model in MODELS:
            catalogue.store(model_draft(model, model["name"]), ENGINEER, now - FIRST)
        models = catalogue.models()
        for age, policy in VERSIONS:
            policies.store(policy_draft(policy, policy["workload"], models), ENGINEER, moment, since=now - age)
    demo_trials.load(now)
