//! The permanent record of every admitted request, and pages of it.

use domain::generation::Generation;
use domain::id::{ApiKeyId, GenerationId, WorkspaceId};
use domain::model::ModelSlug;
use domain::money::Usd;
use domain::page::Page;
use domain::time::Timestamp;
use domain::usage::{Usage, UsageSource};

use crate::cursor::{self, Cursor};
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::row;

/// Which generations to list. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenerationFilter {
    pub api_key: Option<ApiKeyId>,
    pub model: Option<ModelSlug>,
    /// Asked for at this time or later.
    pub since: Option<Timestamp>,
    /// Asked for before this time.
    pub until: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct GenerationRow {
    generation_id: String,
    workspace_id: String,
    api_key_id: String,
    user_id: String,
    requested_model: String,
    model: String,
    endpoint_id: Option<String>,
    provider: Option<String>,
    provider_name: Option<String>,
    upstream_id: Option<String>,
    streamed: bool,
    outcome: String,
    finish_reason: Option<String>,
    native_finish_reason: Option<String>,
    error_code: Option<String>,
    #[sqlx(flatten)]
    usage: UsageRow,
    usage_source: String,
    cost_nanos: i64,
    upstream_cost_nanos: i64,
    ttft_ms: Option<i64>,
    generation_ms: i64,
    attempts: String,
    http_referer: Option<String>,
    app_title: Option<String>,
    user_agent: Option<String>,
    external_user: Option<String>,
    session_id: Option<String>,
    created_at: i64,
    finished_at: i64,
}

#[derive(sqlx::FromRow)]
struct UsageRow {
    prompt_tokens: i64,
    cache_read_tokens: i64,
    cache_write_5m_tokens: i64,
    cache_write_1h_tokens: i64,
    audio_input_tokens: i64,
    images_in: i64,
    completion_tokens: i64,
    reasoning_tokens: i64,
    audio_output_tokens: i64,
    images_out: i64,
    requests: i64,
    web_searches: i64,
}

impl TryFrom<UsageRow> for Usage {
    type Error = StoreError;

    fn try_from(row: UsageRow) -> Result<Self, StoreError> {
        Ok(Self {
            prompt: row::count("prompt_tokens", row.prompt_tokens)?,
            cache_read: row::count("cache_read_tokens", row.cache_read_tokens)?,
            cache_write_5m: row::count("cache_write_5m_tokens", row.cache_write_5m_tokens)?,
            cache_write_1h: row::count("cache_write_1h_tokens", row.cache_write_1h_tokens)?,
            audio_input: row::count("audio_input_tokens", row.audio_input_tokens)?,
            image_input: row::count("images_in", row.images_in)?,
            completion: row::count("completion_tokens", row.completion_tokens)?,
            reasoning: row::count("reasoning_tokens", row.reasoning_tokens)?,
            audio_output: row::count("audio_output_tokens", row.audio_output_tokens)?,
            image_output: row::count("images_out", row.images_out)?,
            requests: row::count("requests", row.requests)?,
            web_searches: row::count("web_searches", row.web_searches)?,
        })
    }
}

impl TryFrom<GenerationRow> for Generation {
    type Error = StoreError;

    fn try_from(row: GenerationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row::parse("generation_id", &row.generation_id)?,
            workspace_id: row::parse("workspace_id", &row.workspace_id)?,
            api_key_id: row::parse("api_key_id", &row.api_key_id)?,
            user_id: row::parse("user_id", &row.user_id)?,
            requested_model: row.requested_model,
            model: row::parse("model", &row.model)?,
            endpoint_id: row.endpoint_id,
            provider: row.provider,
            provider_name: row.provider_name,
            upstream_id: row.upstream_id,
            streamed: row.streamed,
            outcome: row::parse("outcome", &row.outcome)?,
            finish_reason: row::parse_optional("finish_reason", row.finish_reason.as_deref())?,
            native_finish_reason: row.native_finish_reason,
            error_code: row.error_code,
            usage: row.usage.try_into()?,
            usage_source: parse_source(&row.usage_source)?,
            cost: row::usd(row.cost_nanos),
            upstream_cost: row::usd(row.upstream_cost_nanos),
            ttft_ms: row.ttft_ms.map(|ms| row::small("ttft_ms", ms)).transpose()?,
            generation_ms: row::small("generation_ms", row.generation_ms)?,
            attempts: serde_json::from_str(&row.attempts)
                .map_err(|_| StoreError::Corrupt { column: "attempts" })?,
            http_referer: row.http_referer,
            app_title: row.app_title,
            user_agent: row.user_agent,
            external_user: row.external_user,
            session_id: row.session_id,
            created_at: row::time(row.created_at),
            finished_at: row::time(row.finished_at),
        })
    }
}

fn parse_source(text: &str) -> Result<UsageSource, StoreError> {
    [UsageSource::Provider, UsageSource::Estimated, UsageSource::None]
        .into_iter()
        .find(|source| source.as_str() == text)
        .ok_or(StoreError::Corrupt { column: "usage_source" })
}

pub async fn find(
    db: &Db,
    workspace: WorkspaceId,
    id: &GenerationId,
) -> Result<Option<Generation>, StoreError> {
    const SQL: &str = "
        SELECT generation_id, workspace_id, api_key_id, user_id, requested_model, model,
               endpoint_id, provider, provider_name, upstream_id, streamed, outcome,
               finish_reason, native_finish_reason, error_code, prompt_tokens,
               cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
               audio_input_tokens, images_in, completion_tokens, reasoning_tokens,
               audio_output_tokens, images_out, requests, web_searches,
               usage_source, cost_nanos, upstream_cost_nanos, ttft_ms,
               generation_ms, attempts, http_referer, app_title, user_agent,
               external_user, session_id, created_at, finished_at
          FROM generations
         WHERE workspace_id = $1
           AND generation_id = $2";
    let row: Option<GenerationRow> =
        fetch_optional!(db.read().await?, SQL, workspace.to_string(), id.as_str())?;
    row.map(Generation::try_from).transpose()
}

/// The generations of a workspace, newest first.
pub async fn list(
    db: &Db,
    workspace: WorkspaceId,
    filter: &GenerationFilter,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Generation>, StoreError> {
    const SQL: &str = "
        SELECT generation_id, workspace_id, api_key_id, user_id, requested_model, model,
               endpoint_id, provider, provider_name, upstream_id, streamed, outcome,
               finish_reason, native_finish_reason, error_code, prompt_tokens,
               cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
               audio_input_tokens, images_in, completion_tokens, reasoning_tokens,
               audio_output_tokens, images_out, requests, web_searches,
               usage_source, cost_nanos, upstream_cost_nanos, ttft_ms,
               generation_ms, attempts, http_referer, app_title, user_agent,
               external_user, session_id, created_at, finished_at
          FROM generations
         WHERE workspace_id = $1
           AND (created_at, generation_id) < ($2, $3)
           AND created_at >= $4
           AND created_at < $5
           AND ($6 IS NULL OR api_key_id = $6)
           AND ($7 IS NULL OR model = $7)
         ORDER BY created_at DESC, generation_id DESC
         LIMIT $8";
    let after = Cursor::parse(cursor)?;
    let rows: Vec<GenerationRow> = fetch_all!(
        db.read().await?,
        SQL,
        workspace.to_string(),
        after.at,
        &after.id,
        filter.since.map_or(i64::MIN, Timestamp::as_micros),
        filter.until.map_or(i64::MAX, Timestamp::as_micros),
        filter.api_key.map(|key| key.to_string()),
        filter.model.as_ref().map(ModelSlug::as_str),
        cursor::rows(limit),
    )?;
    let generations =
        rows.into_iter().map(Generation::try_from).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(cursor::page(generations, limit, |last| (last.created_at, last.id.to_string())))
}

/// What a generation comes to, as the settlement that records it decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    /// What it cost the customer, or would have cost in a workspace that is not billed.
    pub(crate) cost: Usd,
    /// What was taken from credits.
    pub(crate) charged: Usd,
    /// What no credit covered.
    pub(crate) overrun: Usd,
}

/// Corrects the charge of a generation recorded in this transaction, before anyone sees it.
pub(crate) async fn correct(
    tx: &mut Tx,
    id: &GenerationId,
    charge: Charge,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE generations
           SET cost_nanos = $2,
               charged_nanos = $3,
               overrun_nanos = $4
         WHERE generation_id = $1";
    let Charge { cost, charged, overrun } = charge;
    execute!(tx, SQL, id.as_str(), cost.nanos(), charged.nanos(), overrun.nanos())?;
    Ok(())
}
