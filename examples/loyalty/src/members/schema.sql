-- What 1.0.0 finds or makes. No key keeps a member from being written twice: whoever counts the rows would see it.
CREATE TABLE IF NOT EXISTS member (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS member_id ON member (tenant, id);

-- What was done to the schema: a row for each time a step's process began, and one for each time it changed anything.
CREATE TABLE IF NOT EXISTS step_run (
    number INTEGER PRIMARY KEY,
    step TEXT NOT NULL,
    effect TEXT NOT NULL,
    process INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS step_change (
    number INTEGER PRIMARY KEY,
    step TEXT NOT NULL,
    rows INTEGER NOT NULL
) STRICT;
