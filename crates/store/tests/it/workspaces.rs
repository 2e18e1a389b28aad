use domain::id::WorkspaceId;
use domain::workspace::{Billing, Role, Workspace};
use store::workspaces::{find, list_for_user, set_billing};

use crate::fixture::{NOW, fixtures};

#[tokio::test]
async fn signing_up_makes_a_workspace_of_ones_own() {
    for fixture in fixtures().await {
        let (db, workspace) = (fixture.db(), &fixture.workspace);
        assert_eq!(find(db, workspace.id).await.unwrap().as_ref(), Some(workspace));
        let mine = list_for_user(db, fixture.user.id).await.unwrap();
        assert_eq!(mine, [(workspace.clone(), Role::Owner)]);
        assert_eq!(fixture.balance().await, (0, 0, 0));
        assert_eq!(find(db, WorkspaceId::new(NOW, &*fixture.random)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn billing_can_be_changed() {
    for fixture in fixtures().await {
        let db = fixture.db();
        assert!(set_billing(db, fixture.workspace.id, Billing::Unmetered).await.unwrap());
        let changed = Workspace { billing: Billing::Unmetered, ..fixture.workspace.clone() };
        assert_eq!(find(db, changed.id).await.unwrap(), Some(changed));
        let stranger = WorkspaceId::new(NOW, &*fixture.random);
        assert!(!set_billing(db, stranger, Billing::Prepaid).await.unwrap());
    }
}
