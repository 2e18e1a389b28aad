use store::idempotency::{Begun, Reply, Request, abandon, begin, delete_expired, finish};

use crate::fixture::{NOW, fixtures, seconds};

const REQUEST: Request<'_> = Request { scope: "key_1 POST /keys", key: "k", hash: "h" };

#[tokio::test]
async fn a_request_runs_once_and_is_answered_the_same_again() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let end = NOW.plus(seconds(60));
        assert_eq!(begin(db, REQUEST, NOW, end).await.unwrap(), Begun::First);
        assert_eq!(begin(db, REQUEST, NOW, end).await.unwrap(), Begun::InProgress);
        let reply = Reply { status: 201, body: vec![0, 1, 255] };
        finish(db, REQUEST, &reply).await.unwrap();
        assert_eq!(begin(db, REQUEST, NOW, end).await.unwrap(), Begun::Answered(reply.clone()));
        // A reply that was given stays as it is.
        finish(db, REQUEST, &Reply { status: 500, body: Vec::new() }).await.unwrap();
        abandon(db, REQUEST).await.unwrap();
        assert_eq!(begin(db, REQUEST, NOW, end).await.unwrap(), Begun::Answered(reply));
    }
}

#[tokio::test]
async fn a_key_stands_for_one_request_in_its_scope() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let end = NOW.plus(seconds(60));
        begin(db, REQUEST, NOW, end).await.unwrap();
        let other_body = Request { hash: "other", ..REQUEST };
        assert_eq!(begin(db, other_body, NOW, end).await.unwrap(), Begun::Mismatch);
        let other_scope = Request { scope: "key_2 POST /keys", ..other_body };
        assert_eq!(begin(db, other_scope, NOW, end).await.unwrap(), Begun::First);
    }
}

#[tokio::test]
async fn an_abandoned_or_expired_claim_counts_for_nothing() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let end = NOW.plus(seconds(60));
        begin(db, REQUEST, NOW, end).await.unwrap();
        abandon(db, REQUEST).await.unwrap();
        assert_eq!(begin(db, REQUEST, NOW, end).await.unwrap(), Begun::First);
        finish(db, REQUEST, &Reply { status: 200, body: Vec::new() }).await.unwrap();
        let later = end.plus(seconds(60));
        let other_body = Request { hash: "other", ..REQUEST };
        assert_eq!(begin(db, other_body, end, later).await.unwrap(), Begun::First);
        assert_eq!(delete_expired(db, end).await.unwrap(), 0);
        assert_eq!(delete_expired(db, later).await.unwrap(), 1);
    }
}
