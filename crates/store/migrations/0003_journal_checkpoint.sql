-- Where a journal begins that was compacted: the last row that was dropped, and the row of the journal that tells of it. What is older
-- lies in the file that it was exported to.
CREATE TABLE journal_checkpoint (
    service TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    told_by INTEGER NOT NULL CHECK (told_by > seq)
) STRICT;

-- Rows go behind a checkpoint only.
DROP TRIGGER journal_keeps_its_rows;
CREATE TRIGGER journal_keeps_its_rows BEFORE DELETE ON journal
WHEN OLD.seq > coalesce((SELECT seq FROM journal_checkpoint WHERE service = OLD.service), 0)
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
