"""No enablement without a request that somebody else approved, whoever writes: the database looks itself.

Rows of before 0012, whose routes nobody had to ask for, stay: a trigger looks at what is written, and at no old row.
"""

from django.db import migrations


NEEDS_APPROVAL = """
CREATE FUNCTION enablement_needs_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  asked record;
BEGIN
  -- Held until the end of the transaction: nobody takes the approval back between this look and the commit.
  SELECT r.*, u.username AS decider INTO asked FROM route_request r LEFT JOIN fallbacks_user u ON u.id = r.decided_by_id
    WHERE r.id = NEW.request_id FOR SHARE OF r;
  -- That who approved is not who asked is what route_request_approved_by_another sees to.
  IF NOT FOUND OR asked.state <> 'approved' THEN
    RAISE EXCEPTION 'an enablement needs an approved request: ask on the route''s page, and let somebody else approve'
      USING ERRCODE = 'check_violation';
  END IF;
  IF (asked.workload_id, asked."primary", asked.fallback) IS DISTINCT FROM (NEW.workload_id, NEW."primary", NEW.fallback)
  THEN
    RAISE EXCEPTION 'request % is of another workload, primary or fallback: ask for this route', asked.id
      USING ERRCODE = 'check_violation';
  END IF;
  IF asked.decider IS DISTINCT FROM NEW.approved_by THEN
    RAISE EXCEPTION 'request % was approved by %: approved_by must say so', asked.id, asked.decider
      USING ERRCODE = 'check_violation';
  END IF;
  IF asked.decided_at IS NULL OR NEW.since < asked.decided_at THEN
    RAISE EXCEPTION 'request % was approved at %: users get the route from then on, and not before',
      asked.id, asked.decided_at USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER enablement_made BEFORE INSERT ON enablement
  FOR EACH ROW EXECUTE FUNCTION enablement_needs_approval();
-- Not where these stay: rows without a request are ended by whoever saves them whole.
CREATE TRIGGER enablement_changed BEFORE UPDATE ON enablement FOR EACH ROW
  WHEN ((OLD.workload_id, OLD."primary", OLD.fallback, OLD.since, OLD.approved_by, OLD.request_id) IS DISTINCT FROM
        (NEW.workload_id, NEW."primary", NEW.fallback, NEW.since, NEW.approved_by, NEW.request_id))
  EXECUTE FUNCTION enablement_needs_approval();

CREATE FUNCTION enablement_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an enablement is not made longer: ask on the route''s page, and let somebody else approve'
    USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER enablement_longer BEFORE UPDATE ON enablement FOR EACH ROW
  WHEN (coalesce(NEW.until, 'infinity') > coalesce(OLD.until, 'infinity')
        OR coalesce(NEW.expires_at, 'infinity') > coalesce(OLD.expires_at, 'infinity'))
  EXECUTE FUNCTION enablement_only_ends();

CREATE FUNCTION route_request_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM enablement WHERE request_id = OLD.id) THEN
    RAISE EXCEPTION 'an enablement goes back to request %, which stays as it was approved: suspend the route instead',
      OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER route_request_changed BEFORE UPDATE ON route_request FOR EACH ROW
  WHEN ((OLD.id, OLD.workload_id, OLD."primary", OLD.fallback, OLD.state, OLD.asked_by_id, OLD.decided_by_id)
        IS DISTINCT FROM
        (NEW.id, NEW.workload_id, NEW."primary", NEW.fallback, NEW.state, NEW.asked_by_id, NEW.decided_by_id)
        -- Earlier may be: no enablement then begins before its approval.
        OR coalesce(NEW.decided_at, 'infinity') > coalesce(OLD.decided_at, 'infinity'))
  EXECUTE FUNCTION route_request_stays();
-- Always: as for the audit log, no setting of a session leaves them out.
ALTER TABLE enablement ENABLE ALWAYS TRIGGER enablement_made, ENABLE ALWAYS TRIGGER enablement_changed,
  ENABLE ALWAYS TRIGGER enablement_longer;
ALTER TABLE route_request ENABLE ALWAYS TRIGGER route_request_changed
"""
AS_BEFORE = """
DROP FUNCTION enablement_needs_approval, enablement_only_ends, route_request_stays CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [
        ("fallbacks", "0012_reviews_routes_and_audit"),
    ]

    operations = [
        migrations.RunSQL(NEEDS_APPROVAL, AS_BEFORE),
    ]
