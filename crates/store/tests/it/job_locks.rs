use domain::id::NodeId;
use store::job_locks::{try_lock, unlock};

use crate::fixture::{NOW, fixtures, seconds};

#[tokio::test]
async fn one_node_holds_a_lock_until_it_lapses() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let (one, two) = (fixture.node, NodeId::new(NOW, &*fixture.random));
        let until = NOW.plus(seconds(10));
        assert!(try_lock(db, "audit", one, until, NOW).await.unwrap());
        assert!(try_lock(db, "audit", one, until, NOW).await.unwrap(), "renewing");
        assert!(!try_lock(db, "audit", two, until, NOW).await.unwrap());
        assert!(try_lock(db, "prune", two, until, NOW).await.unwrap());
        unlock(db, "audit", two).await.unwrap();
        assert!(!try_lock(db, "audit", two, until, NOW).await.unwrap());
        assert!(try_lock(db, "audit", two, until.plus(seconds(10)), until).await.unwrap());
        unlock(db, "audit", two).await.unwrap();
        assert!(try_lock(db, "audit", one, until, NOW).await.unwrap());
    }
}
