//! What each role may do, as one table.

use domain::workspace::Role;

use crate::Actor;
use crate::error::ControlError;

/// Something that an actor wants to do in their workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    ListKeys,
    CreateKey,
    UpdateKey,
    DeleteKey,
    ReadCredits,
    AddCredits,
    ReadActivity,
}

impl Action {
    pub const ALL: [Self; 7] = [
        Self::ListKeys,
        Self::CreateKey,
        Self::UpdateKey,
        Self::DeleteKey,
        Self::ReadCredits,
        Self::AddCredits,
        Self::ReadActivity,
    ];
}

/// The table. An owner may do everything; a member uses the workspace and does not administer it.
pub const fn allows(role: Role, action: Action) -> bool {
    match role {
        Role::Owner => true,
        Role::Member => match action {
            Action::ListKeys | Action::CreateKey | Action::ReadCredits | Action::ReadActivity => {
                true
            }
            Action::UpdateKey | Action::DeleteKey | Action::AddCredits => false,
        },
    }
}

/// Refuses what the actor's role does not allow.
pub(crate) fn require(actor: &Actor, action: Action) -> Result<(), ControlError> {
    if allows(actor.role, action) { Ok(()) } else { Err(ControlError::Denied) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_administer_and_members_use() {
        assert!(Action::ALL.into_iter().all(|action| allows(Role::Owner, action)));
        let refused: Vec<Action> =
            Action::ALL.into_iter().filter(|action| !allows(Role::Member, *action)).collect();
        assert_eq!(refused, [Action::UpdateKey, Action::DeleteKey, Action::AddCredits]);
    }
}
