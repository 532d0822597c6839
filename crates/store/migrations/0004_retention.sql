-- What is over is dropped when it is old: plans that nobody has applied, events that were consumed, effects that have ended. From here
-- on the key of an event refuses a second delivery for as long as the event is kept; the newest stays, so that seq is never used twice.

ALTER TABLE plan ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE plan ADD COLUMN applied INTEGER NOT NULL DEFAULT 0 CHECK (applied IN (0, 1));
DROP TRIGGER plan_keeps_its_rows;
DROP TRIGGER plan_keeps_its_text;
-- Of the plans of an earlier version: those of a release that was ever applied stay, whichever of them it was, and where the journal
-- does not go back to its beginning, all do.
UPDATE plan SET
    at_ms = max(
        coalesce((SELECT fact.body->>'$.at' FROM fact
                  WHERE fact.service = plan.service AND kind = 'plan-input' AND key = digest), 0),
        coalesce((SELECT max(at_ms) FROM inbox), 0)),
    applied = service IN (SELECT service FROM journal_checkpoint) OR EXISTS
        (SELECT 1 FROM journal
         WHERE journal.service = plan.service AND kind = 'applied' AND release = plan.body->>'$.release.version');
CREATE TRIGGER plan_keeps_its_rows BEFORE DELETE ON plan WHEN OLD.applied = 1
BEGIN SELECT raise(ABORT, 'plans that were applied are immutable'); END;
CREATE TRIGGER plan_keeps_its_text BEFORE UPDATE OF digest, service, body ON plan
BEGIN SELECT raise(ABORT, 'plans are immutable'); END;
CREATE TRIGGER plan_stays_applied BEFORE UPDATE OF applied ON plan WHEN NEW.applied < OLD.applied
BEGIN SELECT raise(ABORT, 'plans that were applied are immutable'); END;

CREATE INDEX plan_unapplied ON plan (service, at_ms, digest) WHERE applied = 0;
CREATE INDEX inbox_consumed ON inbox (service, at_ms, seq) WHERE consumed = 1;
CREATE INDEX outbox_ended ON outbox (service, lane, due_ms, id) WHERE state IN ('done', 'dead');
