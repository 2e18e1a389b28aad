-- What lets several instances and repeated requests agree.

-- Replies kept for requests that carry an `Idempotency-Key`. While the first is under way
-- there is no status yet.
CREATE TABLE idempotent_replies (
    scope TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER,
    body BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, idempotency_key),
    CHECK ((status IS NULL) = (body IS NULL))
) STRICT;

CREATE INDEX idempotent_replies_by_expiry ON idempotent_replies (expires_at);

-- One instance runs each job. A lock that is not renewed lapses.
CREATE TABLE job_locks (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;
