use domain::api_key::{ApiKey, KeyHash, LimitReset, SpendLimit};
use domain::generation::{Attempt, FinishReason, Generation, Outcome};
use domain::id::{ApiKeyId, GenerationId, UserId, WorkspaceId};
use domain::ledger_entry::Balance;
use domain::money::Usd;
use domain::random::Counting;
use domain::time::Timestamp;
use domain::usage::{Usage, UsageSource};

use super::{Credits, GenerationRecord, HasPaid, KeyRecord, Reply, Spent};

const NOW: Timestamp = Timestamp::from_seconds(1_795_348_800);

/// As it goes over the wire, so that exact numbers are seen as numbers.
fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn generation() -> Generation {
    let random = Counting::new();
    Generation {
        id: GenerationId::new(NOW, &random),
        workspace_id: WorkspaceId::new(NOW, &random),
        api_key_id: ApiKeyId::new(NOW, &random),
        user_id: UserId::new(NOW, &random),
        requested_model: "a/b:nitro".into(),
        model: "a/b".parse().unwrap(),
        endpoint_id: Some("a/b@groq".into()),
        provider: Some("groq".into()),
        provider_name: Some("Groq".into()),
        upstream_id: Some("chatcmpl-1".into()),
        streamed: true,
        outcome: Outcome::Finished,
        finish_reason: Some(FinishReason::Stop),
        native_finish_reason: Some("stop".into()),
        error_code: None,
        usage: Usage {
            prompt: 90,
            cache_read: 10,
            completion: 40,
            reasoning: 10,
            requests: 1,
            ..Usage::default()
        },
        usage_source: UsageSource::Provider,
        cost: Usd::from_nanos(3_150_001),
        upstream_cost: Usd::from_nanos(3_150_001),
        ttft_ms: Some(120),
        generation_ms: 900,
        attempts: vec![Attempt {
            endpoint_id: "a/b@groq".into(),
            provider: "groq".into(),
            provider_name: "Groq".into(),
            status: Some(200),
            latency_ms: 118,
            error: None,
        }],
        http_referer: Some("https://example.com".into()),
        app_title: None,
        user_agent: None,
        external_user: None,
        session_id: None,
        created_at: NOW,
        finished_at: NOW,
    }
}

fn key(limit: Option<SpendLimit>) -> ApiKey {
    let random = Counting::new();
    ApiKey {
        id: ApiKeyId::new(NOW, &random),
        workspace_id: WorkspaceId::new(NOW, &random),
        creator: UserId::new(NOW, &random),
        hash: KeyHash::from_digest([7; 32]),
        name: "Laptop".into(),
        label: "sk-ep-v1-abc…wxyz".into(),
        disabled: false,
        limit,
        created_at: NOW,
        updated_at: None,
        last_used_at: None,
    }
}

#[test]
fn generations_have_their_public_shape() {
    insta::assert_snapshot!(pretty(&Reply { data: GenerationRecord::new(&generation()) }));
}

#[test]
fn amounts_are_exact_numbers() {
    let balance = Balance {
        credits: Usd::from_nanos(i64::MAX),
        used: Usd::from_nanos(100_000_001),
        pending: Usd::ZERO,
    };
    let json = serde_json::to_string(&Reply { data: Credits::new(&balance) }).unwrap();
    let expected = r#"{"data":{"total_credits":9223372036.854775807,"total_usage":0.100000001}}"#;
    assert_eq!(json, expected);
}

#[test]
fn keys_show_what_is_left_of_their_limit() {
    let limit = SpendLimit { amount: Usd::from_dollars(2), reset: LimitReset::Daily };
    let spent = Spent {
        total: Usd::from_dollars(9),
        daily: Usd::from_nanos(500_000_000),
        weekly: Usd::from_dollars(3),
        monthly: Usd::from_dollars(9),
    };
    let record = KeyRecord::new(&key(Some(limit)), &spent, HasPaid::Yes);
    insta::assert_snapshot!(pretty(&record));
    let unlimited = KeyRecord::new(&key(None), &spent, HasPaid::No);
    assert!(unlimited.limit.is_none() && unlimited.budgets.is_empty() && unlimited.is_free_tier);
}
