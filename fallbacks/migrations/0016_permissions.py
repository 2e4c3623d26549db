"""What each role may do, as permissions of its group."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FIGURES = ("see_figures", "see dashboards, events and what reviews say, and export them")
REMARKS = ("read_remarks", "read what reviewers wrote, which may quote what users wrote")
PERMISSIONS = [
    FIGURES,
    REMARKS,
    ("write_policies", "change policies and models"),
    ("make_keys", "make and revoke keys of their own"),
    ("request_routes", "ask that a route be enabled"),
    ("review_samples", "see samples, claim and score them"),
    ("decide_routes", "approve, reject and suspend routes"),
    ("operate", "see where items are, and what to do with what was kept aside"),
    ("read_audit", "read the audit log"),
    ("manage_keys", "see and revoke everybody's keys"),
    ("manage_people", "invite people, change their roles and deactivate them"),
]
GRANTS = {
    "viewer": ["see_figures"],
    "engineer": ["see_figures", "read_remarks", "write_policies", "make_keys", "request_routes"],
    "reviewer": ["see_figures", "read_remarks", "review_samples", "decide_routes"],
    "admin": [name for name, _ in PERMISSIONS],
}


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Django makes permissions after all migrations: those that groups get here have to be there before.
    of_user, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="fallbacks", model="user"
    )
    made = {
        name: apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=of_user, codename=name, defaults={"name": words}
        )[0]
        for name, words in PERMISSIONS
    }
    groups = apps.get_model("auth", "Group").objects
    for role, names in GRANTS.items():
        groups.get_or_create(name=role)[0].permissions.set([made[name] for name in names])


def take_back(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="fallbacks", codename__in=[name for name, _ in PERMISSIONS]
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("fallbacks", "0015_audit_numbers"),
    ]

    operations = [
        migrations.AlterModelOptions(name="user", options={"permissions": PERMISSIONS}),
        migrations.RunPython(grant, take_back),
    ]
