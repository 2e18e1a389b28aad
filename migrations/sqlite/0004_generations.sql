-- The permanent record of every admitted request. Prompts and completions are never in it.
-- A record outlives what it names, so it refers to nothing by constraint.

CREATE TABLE generations (
    generation_id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    api_key_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- The settlement that recorded it; ties it to the transfers with this reference.
    batch_id TEXT NOT NULL,
    requested_model TEXT NOT NULL,
    model TEXT NOT NULL,
    endpoint_id TEXT,
    provider TEXT,
    provider_name TEXT,
    upstream_id TEXT,
    streamed INTEGER NOT NULL CHECK (streamed IN (0, 1)),
    outcome TEXT NOT NULL,
    finish_reason TEXT,
    native_finish_reason TEXT,
    error_code TEXT,
    prompt_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    audio_input_tokens INTEGER NOT NULL,
    images_in INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    audio_output_tokens INTEGER NOT NULL,
    images_out INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    usage_source TEXT NOT NULL,
    -- What it cost the customer. In a workspace that is not billed: what it would have cost.
    cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),
    -- What was taken from credits: equal to the cost, or zero when the workspace is not billed.
    charged_nanos INTEGER NOT NULL CHECK (charged_nanos IN (0, cost_nanos)),
    -- Cost that no credit covered and that we bear.
    overrun_nanos INTEGER NOT NULL CHECK (overrun_nanos >= 0),
    upstream_cost_nanos INTEGER NOT NULL CHECK (upstream_cost_nanos >= 0),
    ttft_ms INTEGER,
    generation_ms INTEGER NOT NULL,
    -- JSON: every try at an endpoint.
    attempts TEXT NOT NULL,
    http_referer TEXT,
    app_title TEXT,
    user_agent TEXT,
    external_user TEXT,
    session_id TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    settled_at INTEGER NOT NULL
) STRICT;

CREATE INDEX generations_by_workspace ON generations (workspace_id, created_at, generation_id);
CREATE INDEX generations_by_key ON generations (api_key_id, finished_at);
CREATE INDEX generations_by_batch ON generations (batch_id);

-- What each key used on each UTC day, kept by the settlement that records the generations.
-- A generation belongs to the day on which it was asked for.
CREATE TABLE key_usage_daily (
    api_key_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    spent_nanos INTEGER NOT NULL,
    generations INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    PRIMARY KEY (api_key_id, day)
) STRICT;

CREATE INDEX key_usage_daily_by_workspace ON key_usage_daily (workspace_id, day);
