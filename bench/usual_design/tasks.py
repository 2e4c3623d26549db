"""One task an event: it stores the event and adds one to each of its counts."""

from datetime import datetime
from typing import Any

from celery import shared_task
from django.db import transaction
from django.db.models import F

from bench.usual_design.models import UsualCount, UsualEvent, UsualWorkload


@shared_task(name="usual.record")
def record(data: dict[str, Any]) -> None:
    """Store one event."""
    moment = datetime.fromisoformat(data.pop("occurred_at"))
    workload, _ = UsualWorkload.objects.get_or_create(slug=data.pop("workload"))
    with transaction.atomic():
        event, new = UsualEvent.objects.get_or_create(
            event_id=data.pop("id"), defaults={**data, "workload": workload, "occurred_at": moment}
        )
        if not new:
            return
        minute = moment.replace(second=0, microsecond=0)
        hour = minute.replace(minute=0)
        for step, bucket in (("minute", minute), ("hour", hour), ("day", hour.replace(hour=0))):
            cell, _ = UsualCount.objects.get_or_create(
                workload=workload, step=step, bucket=bucket, environment=event.environment
            )
            UsualCount.objects.filter(pk=cell.pk).update(events=F("events") + 1)
