//! Payloads about the caller: `/generation`, `/key`, `/credits`.

use domain::api_key::{ApiKey, LimitReset};
use domain::generation::{FinishReason, Generation, Outcome};
use domain::ledger_entry::Balance;
use domain::money::Usd;
use domain::usage::UsageSource;
use serde::{Serialize, Serializer};

/// An amount as an exact JSON number: every digit, no exponent, no binary rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dollars(pub Usd);

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::value::RawValue::from_string(self.0.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// What nearly every read answers with.
#[derive(Debug, Clone, Serialize)]
pub struct Reply<T> {
    pub data: T,
}

/// `GET /credits`.
#[derive(Debug, Clone, Serialize)]
pub struct Credits {
    pub total_credits: Dollars,
    pub total_usage: Dollars,
}

impl Credits {
    pub const fn new(balance: &Balance) -> Self {
        Self { total_credits: Dollars(balance.credits), total_usage: Dollars(balance.used) }
    }
}

/// `GET /generation`.
#[derive(Debug, Clone, Serialize)]
pub struct GenerationRecord {
    pub id: String,
    pub upstream_id: Option<String>,
    pub total_cost: Dollars,
    pub cache_discount: Option<Dollars>,
    /// Only where the caller's own credential was used.
    pub upstream_inference_cost: Option<Dollars>,
    pub created_at: String,
    pub model: String,
    pub app_id: Option<u64>,
    pub streamed: Option<bool>,
    pub cancelled: Option<bool>,
    pub provider_name: Option<String>,
    /// Milliseconds to the first token.
    pub latency: Option<u32>,
    pub moderation_latency: Option<u32>,
    /// Milliseconds.
    pub generation_time: Option<u32>,
    pub finish_reason: Option<&'static str>,
    pub native_finish_reason: Option<String>,
    pub tokens_prompt: Option<u64>,
    pub tokens_completion: Option<u64>,
    pub native_tokens_prompt: Option<u64>,
    pub native_tokens_completion: Option<u64>,
    pub native_tokens_completion_images: Option<u64>,
    pub native_tokens_reasoning: Option<u64>,
    pub native_tokens_cached: Option<u64>,
    pub num_media_prompt: Option<u64>,
    pub num_input_audio_prompt: Option<u64>,
    pub num_media_completion: Option<u64>,
    pub num_search_results: Option<u64>,
    pub num_fetches: Option<u64>,
    pub web_search_engine: Option<String>,
    pub origin: String,
    pub usage: Dollars,
    pub is_byok: bool,
    pub external_user: Option<String>,
    pub api_type: Option<&'static str>,
    pub router: Option<String>,
    pub preset_id: Option<String>,
    pub data_region: &'static str,
    pub service_tier: Option<String>,
    pub http_referer: Option<String>,
    pub user_agent: Option<String>,
    pub session_id: Option<String>,
    pub request_id: Option<String>,
    pub response_cache_source_id: Option<String>,
    pub workspace_id: Option<String>,
    pub provider_responses: Option<Vec<ProviderResponse>>,
}

/// One try at one endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderResponse {
    pub endpoint_id: String,
    pub provider_name: String,
    pub status: Option<u16>,
    /// Milliseconds.
    pub latency: u32,
    pub is_byok: bool,
}

impl GenerationRecord {
    pub fn new(generation: &Generation) -> Self {
        let counted = generation.usage_source != UsageSource::None;
        let count = |number: u64| counted.then_some(number);
        let usage = &generation.usage;
        Self {
            id: generation.id.to_string(),
            upstream_id: generation.upstream_id.clone(),
            total_cost: Dollars(generation.cost),
            cache_discount: None,
            upstream_inference_cost: None,
            created_at: generation.created_at.to_rfc3339(),
            model: generation.model.to_string(),
            app_id: None,
            streamed: Some(generation.streamed),
            cancelled: Some(generation.outcome == Outcome::Cancelled),
            provider_name: generation.provider_name.clone(),
            latency: generation.ttft_ms,
            moderation_latency: None,
            generation_time: Some(generation.generation_ms),
            finish_reason: generation.finish_reason.map(FinishReason::as_str),
            native_finish_reason: generation.native_finish_reason.clone(),
            tokens_prompt: count(usage.prompt_total()),
            tokens_completion: count(usage.completion_total()),
            native_tokens_prompt: count(usage.prompt_total()),
            native_tokens_completion: count(usage.completion_total()),
            native_tokens_completion_images: count(usage.image_output),
            native_tokens_reasoning: count(usage.reasoning),
            native_tokens_cached: count(usage.cache_read),
            num_media_prompt: count(usage.image_input),
            num_input_audio_prompt: None,
            num_media_completion: count(usage.image_output),
            num_search_results: count(usage.web_searches),
            num_fetches: None,
            web_search_engine: None,
            origin: generation.http_referer.clone().unwrap_or_default(),
            usage: Dollars(generation.cost),
            is_byok: false,
            external_user: generation.external_user.clone(),
            api_type: Some("completions"),
            router: None,
            preset_id: None,
            data_region: "global",
            service_tier: None,
            http_referer: generation.http_referer.clone(),
            user_agent: generation.user_agent.clone(),
            session_id: generation.session_id.clone(),
            request_id: None,
            response_cache_source_id: None,
            workspace_id: Some(generation.workspace_id.to_string()),
            provider_responses: Some(provider_responses(generation)),
        }
    }
}

fn provider_responses(generation: &Generation) -> Vec<ProviderResponse> {
    generation
        .attempts
        .iter()
        .map(|attempt| ProviderResponse {
            endpoint_id: attempt.endpoint_id.clone(),
            provider_name: attempt.provider_name.clone(),
            status: attempt.status,
            latency: attempt.latency_ms,
            is_byok: false,
        })
        .collect()
}

/// What a key has spent, in each of its windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    pub total: Usd,
    pub daily: Usd,
    pub weekly: Usd,
    pub monthly: Usd,
}

/// `GET /key`.
#[derive(Debug, Clone, Serialize)]
pub struct KeyRecord {
    pub label: String,
    pub limit: Option<Dollars>,
    pub limit_remaining: Option<Dollars>,
    pub limit_reset: Option<&'static str>,
    pub include_byok_in_limit: bool,
    pub usage: Dollars,
    pub usage_daily: Dollars,
    pub usage_weekly: Dollars,
    pub usage_monthly: Dollars,
    pub byok_usage: Dollars,
    pub byok_usage_daily: Dollars,
    pub byok_usage_weekly: Dollars,
    pub byok_usage_monthly: Dollars,
    pub is_free_tier: bool,
    pub is_management_key: bool,
    pub is_provisioning_key: bool,
    pub creator_user_id: Option<String>,
    pub organization_id: Option<String>,
    pub workspace_id: Option<String>,
    pub expires_at: Option<String>,
    pub allowed_data_regions: Vec<&'static str>,
    pub budgets: Vec<Budget>,
    pub effective_budget: Option<Budget>,
    pub free_model_daily_requests: FreeRequests,
    pub rate_limit: RateLimit,
}

#[derive(Debug, Clone, Serialize)]
pub struct Budget {
    pub scope: &'static str,
    pub budget_id: Option<String>,
    pub guardrail_id: Option<String>,
    pub limit_usd: Dollars,
    pub spend_usd: Dollars,
    pub remaining_usd: Dollars,
    pub reset_interval: Option<&'static str>,
    pub resets_at: Option<String>,
    pub include_byok: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct FreeRequests {
    pub limit: u64,
    pub remaining: u64,
    pub used: u64,
}

/// Kept for clients that still read it: requests are bounded by credit, not by rate.
#[derive(Debug, Clone, Serialize)]
pub struct RateLimit {
    pub requests: i64,
    pub interval: &'static str,
    pub note: &'static str,
}

impl KeyRecord {
    /// A key, what it spent, and whether its workspace ever added credit.
    pub fn new(key: &ApiKey, spent: &Spent, has_paid: HasPaid) -> Self {
        let budget = key.limit.map(|limit| {
            let spend = match limit.reset {
                LimitReset::Never => spent.total,
                LimitReset::Daily => spent.daily,
                LimitReset::Weekly => spent.weekly,
                LimitReset::Monthly => spent.monthly,
            };
            Budget {
                scope: "key_limit",
                budget_id: None,
                guardrail_id: None,
                limit_usd: Dollars(limit.amount),
                spend_usd: Dollars(spend),
                remaining_usd: Dollars(limit.amount.saturating_sub(spend).max(Usd::ZERO)),
                reset_interval: reset_name(limit.reset),
                resets_at: None,
                include_byok: false,
            }
        });
        Self {
            label: key.label.clone(),
            limit: budget.as_ref().map(|budget| budget.limit_usd),
            limit_remaining: budget.as_ref().map(|budget| budget.remaining_usd),
            limit_reset: budget.as_ref().and_then(|budget| budget.reset_interval),
            include_byok_in_limit: false,
            usage: Dollars(spent.total),
            usage_daily: Dollars(spent.daily),
            usage_weekly: Dollars(spent.weekly),
            usage_monthly: Dollars(spent.monthly),
            byok_usage: Dollars(Usd::ZERO),
            byok_usage_daily: Dollars(Usd::ZERO),
            byok_usage_weekly: Dollars(Usd::ZERO),
            byok_usage_monthly: Dollars(Usd::ZERO),
            is_free_tier: has_paid == HasPaid::No,
            is_management_key: false,
            is_provisioning_key: false,
            creator_user_id: Some(key.creator.to_string()),
            organization_id: None,
            workspace_id: Some(key.workspace_id.to_string()),
            expires_at: None,
            allowed_data_regions: vec!["global"],
            budgets: budget.clone().into_iter().collect(),
            effective_budget: budget,
            free_model_daily_requests: FreeRequests { limit: 0, remaining: 0, used: 0 },
            rate_limit: RateLimit {
                requests: -1,
                interval: "10s",
                note: "requests are bounded by credit, not by rate",
            },
        }
    }
}

/// Whether credit was ever added to a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HasPaid {
    Yes,
    No,
}

const fn reset_name(reset: LimitReset) -> Option<&'static str> {
    match reset {
        LimitReset::Never => None,
        LimitReset::Daily | LimitReset::Weekly | LimitReset::Monthly => Some(reset.as_str()),
    }
}

#[cfg(test)]
mod tests;
