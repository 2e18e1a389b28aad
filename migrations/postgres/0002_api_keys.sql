-- Keys that call inference. Of the secret only its hash is kept.

CREATE TABLE api_keys (
    api_key_id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (workspace_id),
    creator_id TEXT NOT NULL REFERENCES users (user_id),
    key_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    -- The most it may spend in a window, and when the window begins again; both or neither.
    limit_nanos BIGINT CHECK (limit_nanos >= 0),
    limit_reset TEXT CHECK (limit_reset IN ('never', 'daily', 'weekly', 'monthly')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT,
    last_used_at BIGINT,
    -- A deleted key stays as a row, because its generations name it.
    deleted_at BIGINT,
    CHECK ((limit_nanos IS NULL) = (limit_reset IS NULL))
);

CREATE UNIQUE INDEX api_keys_key_hash_key ON api_keys (key_hash) WHERE deleted_at IS NULL;
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, created_at, api_key_id);
