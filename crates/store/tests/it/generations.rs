use domain::generation::{Generation, Outcome};
use domain::page::Page;
use domain::time::Timestamp;
use domain::usage::UsageSource;
use store::StoreError;
use store::generations::{GenerationFilter, find, list};
use store::ledger::settle::SettledGeneration;

use crate::fixture::{Fixture, NOW, fixtures, new_key, new_user, seconds};

/// Records generations that cost nothing.
async fn record(fixture: &Fixture, generations: &[Generation]) {
    let settled: Vec<_> = generations
        .iter()
        .map(|generation| SettledGeneration { generation: generation.clone(), draws: Vec::new() })
        .collect();
    let done = fixture.settle(&settled).await;
    assert_eq!(done.recorded, u64::try_from(generations.len()).unwrap());
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_made() {
    for fixture in fixtures().await {
        let full = Generation { upstream_cost: domain::money::Usd::ZERO, ..fixture.generation(0) };
        let bare = Generation {
            endpoint_id: None,
            provider: None,
            provider_name: None,
            upstream_id: None,
            streamed: false,
            outcome: Outcome::Failed,
            finish_reason: None,
            native_finish_reason: None,
            error_code: Some("provider_unavailable".to_owned()),
            usage: domain::usage::Usage::default(),
            usage_source: UsageSource::None,
            ttft_ms: None,
            attempts: Vec::new(),
            http_referer: None,
            app_title: None,
            user_agent: None,
            external_user: None,
            session_id: None,
            ..Generation { id: fixture.generation(0).id, ..full.clone() }
        };
        record(&fixture, &[full.clone(), bare.clone()]).await;
        for expected in [full, bare] {
            let found = find(fixture.db(), fixture.workspace.id, &expected.id).await.unwrap();
            assert_eq!(found, Some(expected));
        }
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_record_belongs_to_its_workspace() {
    for fixture in fixtures().await {
        let generation = fixture.generation(0);
        record(&fixture, std::slice::from_ref(&generation)).await;
        let other = new_user(&*fixture.random, "bob@example.com").workspace.id;
        assert_eq!(find(fixture.db(), other, &generation.id).await.unwrap(), None);
        let page = list(fixture.db(), other, &GenerationFilter::default(), None, 10).await.unwrap();
        assert_eq!(page.items, []);
    }
}

#[tokio::test]
async fn a_null_character_does_not_keep_a_batch_from_being_settled() {
    for fixture in fixtures().await {
        let generation = Generation {
            external_user: Some("a\0b".to_owned()),
            session_id: Some("\0".to_owned()),
            ..fixture.generation(0)
        };
        record(&fixture, std::slice::from_ref(&generation)).await;
        let found =
            find(fixture.db(), fixture.workspace.id, &generation.id).await.unwrap().unwrap();
        assert_eq!(found.external_user.as_deref(), Some("ab"));
        assert_eq!(found.session_id.as_deref(), Some(""));
    }
}

fn ids(page: &Page<Generation>) -> Vec<String> {
    page.items.iter().map(|generation| generation.id.to_string()).collect()
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest_without_gap_or_overlap() {
    for fixture in fixtures().await {
        // Two at each moment, so that pages end between equal times.
        let generations: Vec<_> = (0..11)
            .map(|n| Generation { created_at: NOW.plus(seconds(n / 2)), ..fixture.generation(0) })
            .collect();
        record(&fixture, &generations).await;
        let mut expected = generations;
        expected.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        let expected: Vec<_> =
            expected.iter().map(|generation| generation.id.to_string()).collect();

        let (db, ws, all) = (fixture.db(), fixture.workspace.id, GenerationFilter::default());
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = list(db, ws, &all, cursor.as_deref(), 3).await.unwrap();
            assert!(page.items.len() <= 3);
            seen.extend(ids(&page));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
        let refused = list(db, ws, &all, Some("x'; --"), 3).await;
        assert!(matches!(refused, Err(StoreError::InvalidCursor)));
    }
}

#[tokio::test]
async fn filters_narrow_the_list() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        let other_key = new_key(&*fixture.random, fixture.user.id, ws);
        let one = fixture.generation(0);
        let two = Generation {
            api_key_id: other_key.id,
            created_at: NOW.plus(seconds(10)),
            ..fixture.generation(0)
        };
        let three = Generation {
            model: "acme/small".parse().unwrap(),
            created_at: NOW.plus(seconds(20)),
            ..fixture.generation(0)
        };
        record(&fixture, &[one.clone(), two.clone(), three.clone()]).await;
        let at = |s| -> Option<Timestamp> { Some(NOW.plus(seconds(s))) };
        let all = GenerationFilter::default();
        for (filter, expected) in [
            (all.clone(), vec![&three, &two, &one]),
            (GenerationFilter { api_key: Some(other_key.id), ..all.clone() }, vec![&two]),
            (GenerationFilter { model: Some(three.model.clone()), ..all.clone() }, vec![&three]),
            (GenerationFilter { since: at(10), ..all.clone() }, vec![&three, &two]),
            (GenerationFilter { until: at(10), ..all.clone() }, vec![&one]),
            (GenerationFilter { since: at(1), until: at(20), ..all.clone() }, vec![&two]),
        ] {
            let page = list(db, ws, &filter, None, 10).await.unwrap();
            let expected: Vec<_> = expected.iter().map(|g| g.id.to_string()).collect();
            assert_eq!(ids(&page), expected, "{filter:?}");
        }
    }
}
