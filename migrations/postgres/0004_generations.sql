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
    streamed BOOLEAN NOT NULL,
    outcome TEXT NOT NULL,
    finish_reason TEXT,
    native_finish_reason TEXT,
    error_code TEXT,
    prompt_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_5m_tokens BIGINT NOT NULL,
    cache_write_1h_tokens BIGINT NOT NULL,
    audio_input_tokens BIGINT NOT NULL,
    images_in BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    audio_output_tokens BIGINT NOT NULL,
    images_out BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    web_searches BIGINT NOT NULL,
    usage_source TEXT NOT NULL,
    -- What it cost the customer. In a workspace that is not billed: what it would have cost.
    cost_nanos BIGINT NOT NULL CHECK (cost_nanos >= 0),
    -- What was taken from credits: equal to the cost, or zero when the workspace is not billed.
    charged_nanos BIGINT NOT NULL CHECK (charged_nanos IN (0, cost_nanos)),
    -- Cost that no credit covered and that we bear.
    overrun_nanos BIGINT NOT NULL CHECK (overrun_nanos >= 0),
    upstream_cost_nanos BIGINT NOT NULL CHECK (upstream_cost_nanos >= 0),
    ttft_ms BIGINT,
    generation_ms BIGINT NOT NULL,
    -- JSON: every try at an endpoint.
    attempts TEXT NOT NULL,
    http_referer TEXT,
    app_title TEXT,
    user_agent TEXT,
    external_user TEXT,
    session_id TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    settled_at BIGINT NOT NULL
);

CREATE INDEX generations_by_workspace ON generations (workspace_id, created_at, generation_id);
CREATE INDEX generations_by_key ON generations (api_key_id, finished_at);
CREATE INDEX generations_by_batch ON generations (batch_id);

-- What each key used on each UTC day, kept by the settlement that records the generations.
-- A generation belongs to the day on which it was asked for.
CREATE TABLE key_usage_daily (
    api_key_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    workspace_id TEXT NOT NULL,
    spent_nanos BIGINT NOT NULL,
    generations BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, day)
);

CREATE INDEX key_usage_daily_by_workspace ON key_usage_daily (workspace_id, day);
