-- Typed columns only for what a statement here filters or joins on; the rest is one opaque JSON body.

CREATE TABLE store (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch TEXT NOT NULL
) STRICT;
INSERT INTO store (only_row, epoch) VALUES (1, lower(hex(randomblob(16))));

CREATE TABLE service (
    service TEXT PRIMARY KEY,
    generation INTEGER NOT NULL CHECK (generation > 0),
    state TEXT NOT NULL
) STRICT;

-- Consumed events stay: their keys refuse a second delivery for ever, and seq is never used twice.
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    key TEXT NOT NULL,
    actor TEXT NOT NULL,
    body TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    consumed INTEGER NOT NULL DEFAULT 0 CHECK (consumed IN (0, 1)),
    UNIQUE (service, key)
) STRICT;
CREATE INDEX inbox_waiting ON inbox (service, seq) WHERE consumed = 0;

CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    lane TEXT NOT NULL,
    body TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'leased', 'done', 'dead')),
    lease_until_ms INTEGER CHECK ((state = 'leased') = (lease_until_ms IS NOT NULL)),
    lease_owner TEXT CHECK (state <> 'leased' OR lease_owner IS NOT NULL),
    attempts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT
) STRICT;
-- The moment from which a performer may take the row: when it is due, or when its lease lapses.
CREATE INDEX outbox_ready ON outbox (lane, coalesce(lease_until_ms, due_ms), id)
    WHERE state IN ('due', 'leased');
CREATE INDEX outbox_pending ON outbox (service, id) WHERE state IN ('due', 'leased');

CREATE TABLE fact (
    service TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (service, kind, key)
) STRICT;

CREATE TABLE plan (
    digest TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TRIGGER plan_keeps_its_rows BEFORE DELETE ON plan
BEGIN SELECT raise(ABORT, 'plans are immutable'); END;
CREATE TRIGGER plan_keeps_its_text BEFORE UPDATE ON plan
BEGIN SELECT raise(ABORT, 'plans are immutable'); END;

-- seq counts from 1 without a gap within a service.
CREATE TABLE journal (
    service TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    kind TEXT NOT NULL,
    release TEXT,
    subject TEXT,
    body TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (service, seq)
) STRICT;
CREATE INDEX journal_release ON journal (service, release, seq) WHERE release IS NOT NULL;
CREATE INDEX journal_subject ON journal (service, subject, seq) WHERE subject IS NOT NULL;
CREATE TRIGGER journal_keeps_its_rows BEFORE DELETE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_keeps_its_text BEFORE UPDATE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

-- Where each chain ends: without it a journal that lost its last rows would still look whole.
CREATE TABLE journal_head (
    service TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
