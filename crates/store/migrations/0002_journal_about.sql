-- What journal rows are found by: one row here for each thing that a row of the journal is about. It leads to rows, and proves nothing.
CREATE TABLE journal_about (
    service TEXT NOT NULL,
    subject TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (service, subject, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO journal_about (service, subject, seq)
    SELECT service, subject, seq FROM journal WHERE subject IS NOT NULL
    UNION
    SELECT journal.service, tenant.value, journal.seq FROM journal, json_each(journal.body, '$.tenants') AS tenant;
DROP INDEX journal_subject;
