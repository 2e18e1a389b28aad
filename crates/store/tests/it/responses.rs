use domain::id::WorkspaceId;
use domain::time::Timestamp;
use store::Db;
use store::responses::{
    ConversationMax, StoredResponse, delete, delete_expired, find, list_conversation, save,
};

use crate::fixture::{NOW, fixtures, seconds};

const ROOM: ConversationMax = ConversationMax { responses: 10, bytes: 1_000 };

fn response(workspace: WorkspaceId, id: &str, previous: Option<&str>) -> StoredResponse {
    StoredResponse {
        id: id.to_owned(),
        workspace_id: workspace,
        previous: previous.map(str::to_owned),
        input: "[{\"text\":\"\\u0000é\"}]".to_owned(),
        response: format!("{{\"id\":\"{id}\"}}"),
        created_at: NOW,
        expires_at: NOW.plus(seconds(60)),
    }
}

async fn ids(db: &Db, workspace: WorkspaceId, last: &str, max: ConversationMax) -> Vec<String> {
    let list = list_conversation(db, workspace, last, max, NOW).await.unwrap();
    list.into_iter().map(|response| response.id).collect()
}

fn other_workspace(random: &dyn domain::random::Random) -> WorkspaceId {
    WorkspaceId::new(Timestamp::from_micros(1), random)
}

#[tokio::test]
async fn a_response_is_kept_for_its_workspace_until_it_expires() {
    for fixture in fixtures().await {
        let (db, workspace) = (fixture.db(), fixture.workspace.id);
        let kept = response(workspace, "gen-1", None);
        save(db, &kept).await.unwrap();
        // What is kept stays as it is.
        save(db, &StoredResponse { input: "[]".to_owned(), ..kept.clone() }).await.unwrap();
        assert_eq!(find(db, workspace, "gen-1", NOW).await.unwrap(), Some(kept.clone()));
        let stranger = other_workspace(&*fixture.random);
        assert_eq!(find(db, stranger, "gen-1", NOW).await.unwrap(), None);
        assert_eq!(find(db, workspace, "gen-1", kept.expires_at).await.unwrap(), None);
        assert!(!delete(db, stranger, "gen-1").await.unwrap());
        assert_eq!(delete_expired(db, NOW).await.unwrap(), 0);
        assert_eq!(delete_expired(db, kept.expires_at).await.unwrap(), 1);
        assert_eq!(find(db, workspace, "gen-1", NOW).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_conversation_goes_back_as_far_as_it_is_kept() {
    for fixture in fixtures().await {
        let (db, workspace) = (fixture.db(), fixture.workspace.id);
        for (id, previous) in [("a", None), ("b", Some("a")), ("c", Some("b")), ("d", Some("b"))] {
            save(db, &response(workspace, id, previous)).await.unwrap();
        }
        assert_eq!(ids(db, workspace, "c", ROOM).await, ["c", "b", "a"]);
        assert_eq!(ids(db, workspace, "d", ROOM).await, ["d", "b", "a"]);
        assert!(ids(db, other_workspace(&*fixture.random), "c", ROOM).await.is_empty());
        assert!(ids(db, workspace, "x", ROOM).await.is_empty());

        let two = ConversationMax { responses: 2, ..ROOM };
        assert_eq!(ids(db, workspace, "c", two).await, ["c", "b"]);
        let one_and_a_bit = response(workspace, "c", None).bytes() + 1;
        let small = ConversationMax { bytes: one_and_a_bit, ..ROOM };
        assert_eq!(ids(db, workspace, "c", small).await, ["c", "b"]);

        assert!(delete(db, workspace, "b").await.unwrap());
        assert!(!delete(db, workspace, "b").await.unwrap());
        assert_eq!(ids(db, workspace, "c", ROOM).await, ["c"]);
    }
}

#[tokio::test]
async fn a_conversation_does_not_leave_its_workspace() {
    for fixture in fixtures().await {
        let (db, workspace) = (fixture.db(), fixture.workspace.id);
        let stranger = other_workspace(&*fixture.random);
        save(db, &response(stranger, "theirs", None)).await.unwrap();
        save(db, &response(workspace, "ours", Some("theirs"))).await.unwrap();
        assert_eq!(ids(db, workspace, "ours", ROOM).await, ["ours"]);
    }
}
