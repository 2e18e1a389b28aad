//! Many callers at once, some of whom leave: the books balance to the nano-dollar afterwards.

use std::time::Duration;

use domain::random::{Counting, Random as _};
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::json;

use crate::app::{Options, TestApp, question};

const STREAMS: usize = 200;

/// Opens a stream and leaves after some pieces; none means that it is read to its end.
async fn stream(app: &TestApp, leave_after: Option<u64>) -> Result<(), String> {
    let mut body = question("test/faulty");
    body["stream"] = json!(true);
    body["max_tokens"] = json!(400);
    let request = app.request(Method::POST, "/api/v1/chat/completions").body(body.to_string());
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    if !response.status().is_success() {
        return Err(response.text().await.unwrap_or_default());
    }
    let mut pieces = response.bytes_stream();
    let mut seen = 0;
    while let Some(piece) = pieces.next().await {
        piece.map_err(|error| format!("{error:?}"))?;
        seen += 1;
        if leave_after.is_some_and(|most| seen > most) {
            return Ok(());
        }
    }
    Ok(())
}

async fn check(options: Options) {
    let app = options
        .with_catalog_file(
            "models/test/faulty.toml",
            &crate::catalog::model_served_by(&[("alpha", "crowd"), ("beta", "crowd")]),
        )
        // Life-like enough that callers leave in the middle.
        .set("ENTREPOT__SANDBOX__SPEED", "20")
        .start()
        .await;
    let random = Counting::new();
    let plans: Vec<Option<u64>> =
        (0..STREAMS).map(|_| Some(random.next_u64() % 24).filter(|most| *most < 20)).collect();
    let results: Vec<_> = futures_util::stream::iter(plans)
        .map(|leave_after| stream(&app, leave_after))
        .buffer_unordered(STREAMS)
        .collect()
        .await;
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed, Vec::<String>::new());

    // Whoever left is noticed at the next piece.
    for _ in 0..600 {
        if app.state.gateway.gauges().active_generations == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.settled().await;
    let actor = app.actor().await;
    let filter = store::generations::GenerationFilter::default();
    let page = store::generations::list(&app.state.db, actor.workspace_id, &filter, None, 500)
        .await
        .unwrap();
    assert_eq!(page.items.len(), STREAMS, "every stream is on record");
    let cost = domain::money::Usd::checked_sum(page.items.iter().map(|item| item.cost)).unwrap();
    let balance = app.balance().await;
    assert_eq!(balance.used, cost, "the balance fell by the sum of the costs");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_streams_balance_on_sqlite() {
    check(Options::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_streams_balance_on_postgres() {
    // Where there is no PostgreSQL, this records that the test was left out.
    if let Some(database) = store::testing::postgres().await {
        check(Options::new().set("DATABASE_URL", database.url())).await;
    }
}
