"""What removes sessions that are over, and where they were of. The worker calls it and reads none: the key of one that
is not over lets in as its owner.
"""

from django.db import migrations

# It runs as its owner. What a caller calls django_session, a temporary table of theirs, is looked for last.
MAKE = """
DO $make$ BEGIN EXECUTE format($$
CREATE FUNCTION remove_ended_sessions(most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = %I, pg_temp AS $body$
  WITH ended AS (
    DELETE FROM django_session WHERE session_key IN (
      SELECT session_key FROM django_session WHERE expire_date < now() LIMIT most FOR UPDATE SKIP LOCKED
    ) RETURNING 1
  ), places AS (
    DELETE FROM usersessions_usersession WHERE id IN (
      SELECT id FROM usersessions_usersession place
      WHERE NOT EXISTS (SELECT FROM django_session WHERE session_key = place.session_key)
      LIMIT most FOR UPDATE SKIP LOCKED
    ) RETURNING 1
  )
  SELECT (SELECT count(*) FROM ended) + (SELECT count(*) FROM places)
$body$ $$, current_schema()); END $make$;
REVOKE ALL ON FUNCTION remove_ended_sessions(integer) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("fallbacks", "0020_sign_in_resets"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL(MAKE, "DROP FUNCTION remove_ended_sessions(integer)")]
