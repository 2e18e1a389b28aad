-- People, what they own, and the sessions in which they are signed in.
-- Tables are STRICT: a whole number that overflows must fail, not turn into a float.
-- Times are microseconds since 1970 in UTC.

CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_operator INTEGER NOT NULL CHECK (is_operator IN (0, 1)),
    created_at INTEGER NOT NULL,
    password_changed_at INTEGER NOT NULL
) STRICT;

-- Addresses are stored in lower case.
CREATE UNIQUE INDEX users_email_key ON users (email);

-- The tenant: keys, credits and records belong to a workspace.
CREATE TABLE workspaces (
    workspace_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (user_id),
    billing TEXT NOT NULL CHECK (billing IN ('prepaid', 'unmetered')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE workspace_members (
    workspace_id TEXT NOT NULL REFERENCES workspaces (workspace_id),
    user_id TEXT NOT NULL REFERENCES users (user_id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) STRICT;

CREATE INDEX workspace_members_by_user ON workspace_members (user_id, created_at);

-- The data is opaque; the user is beside it so that all of a person's sessions can be ended.
CREATE TABLE sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL,
    user_id TEXT REFERENCES users (user_id),
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
