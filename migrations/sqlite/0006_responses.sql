-- Responses that their callers asked to keep (`store: true`), and nothing else that was said here.
-- They are forgotten after a while, or when their workspace deletes them.

CREATE TABLE stored_responses (
    response_id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    -- The response that this one continues. It may have been deleted since.
    previous_response_id TEXT,
    -- JSON: the items of this request alone, without those that came before.
    input TEXT NOT NULL,
    -- JSON: the response as it was sent, with its output.
    response TEXT NOT NULL,
    -- Of both.
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX stored_responses_by_expiry ON stored_responses (expires_at);
