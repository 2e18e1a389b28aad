//! Signing up and in, passwords, and who somebody is.

use domain::id::{UserId, WorkspaceId};
use domain::secret::Secret;
use domain::user::User;
use domain::workspace::{Billing, Workspace};
use store::StoreError;
use store::error::Constraint;

use crate::error::ControlError;
use crate::throttle::network;
use crate::{Actor, Control, password};

const NAME_CHARACTERS_MAX: usize = 80;
/// The longest address that mail can be sent to (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;
const EMAIL_LOCAL_BYTES_MAX: usize = 64;

/// The verbs of a person's own account.
pub struct Accounts<'a> {
    pub(crate) control: &'a Control,
}

/// What a stranger says about themselves.
#[derive(Debug, Clone)]
pub struct SignUp {
    pub email: String,
    /// What to call them; the part of the address before the `@` when it is blank.
    pub name: String,
    pub password: Secret<String>,
}

/// An account that an operator makes.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub password: Secret<String>,
    pub is_operator: bool,
}

/// Who came in, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    pub user: User,
    pub workspace: Workspace,
}

impl<'a> Accounts<'a> {
    pub(crate) const fn new(control: &'a Control) -> Self {
        Self { control }
    }

    /// Makes an account with a workspace of its own. `client` is the address it comes from.
    pub async fn sign_up(&self, sign_up: SignUp, client: &str) -> Result<SignedIn, ControlError> {
        if !self.control.settings().sign_up {
            return Err(ControlError::Denied);
        }
        let SignUp { email, name, password } = sign_up;
        let new = checked(NewUser { email, name, password, is_operator: false })?;
        self.control.throttles().sign_up.attempt(&network(client), self.control.now())?;
        self.insert(new).await
    }

    /// Makes an account on an operator's behalf: not throttled, and sign-up may be closed.
    pub async fn create_user(&self, new: NewUser) -> Result<SignedIn, ControlError> {
        self.insert(checked(new)?).await
    }

    /// Whether these are the email and password of somebody.
    ///
    /// An unknown address gets the same answer after the same work as a wrong password.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &Secret<String>,
        client: &str,
    ) -> Result<SignedIn, ControlError> {
        let wrong =
            || ControlError::invalid("password", "the email address or the password is wrong");
        // An address that cannot have an account is treated like one that has none.
        let email = check_email(email).unwrap_or_default();
        let throttles = self.control.throttles();
        let (client, now) = (network(client), self.control.now());
        throttles.address.attempt(&client, now)?;
        throttles.account.attempt(&email, now)?;

        let found = store::users::find_by_email(self.control.db(), &email).await?;
        let hash = found.as_ref().map(|found| found.password_hash.as_str());
        if !self.control.passwords().verify(password, hash).await? {
            return Err(wrong());
        }
        let Some(found) = found else {
            return Err(wrong());
        };
        throttles.address.forgive(&client);
        throttles.account.forgive(&email);
        let workspace = self.workspace_of(found.user.id).await?.ok_or(ControlError::NotFound)?.0;
        Ok(SignedIn { user: found.user, workspace })
    }

    /// Replaces the actor's password. The sessions of other browsers are ended by
    /// [`Accounts::end_other_sessions`].
    pub async fn change_password(
        &self,
        actor: &Actor,
        current: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), ControlError> {
        password::check(new, &actor.email)?;
        // Whoever finds an open browser must not be able to guess at leisure.
        let throttle = &self.control.throttles().account;
        throttle.attempt(&actor.email, self.control.now())?;
        let db = self.control.db();
        let hash = store::users::find_password(db, actor.user_id).await?;
        if !self.control.passwords().verify(current, hash.as_deref()).await? {
            return Err(ControlError::invalid("current", "the current password is wrong"));
        }
        throttle.forgive(&actor.email);
        let hash = self.control.passwords().hash(new).await?;
        if !store::users::set_password(db, actor.user_id, &hash, self.control.now()).await? {
            return Err(ControlError::NotFound);
        }
        tracing::info!(user.id = %actor.user_id, "Changed a password");
        Ok(())
    }

    /// Signs the actor out everywhere but in the session that is named.
    pub async fn end_other_sessions(
        &self,
        actor: &Actor,
        keep: Option<&str>,
    ) -> Result<(), ControlError> {
        store::sessions::delete_for_user(self.control.db(), actor.user_id, keep).await?;
        Ok(())
    }

    /// Somebody as an actor in their workspace; none when they are gone.
    pub async fn actor(&self, id: UserId) -> Result<Option<Actor>, ControlError> {
        let Some(user) = store::users::find(self.control.db(), id).await? else {
            return Ok(None);
        };
        Ok(self.workspace_of(id).await?.map(|(workspace, role)| Actor {
            user_id: user.id,
            workspace_id: workspace.id,
            role,
            name: user.name,
            email: user.email,
            is_operator: user.is_operator,
        }))
    }

    /// The first of a person's workspaces, which is the one made with their account.
    async fn workspace_of(
        &self,
        id: UserId,
    ) -> Result<Option<(Workspace, domain::workspace::Role)>, ControlError> {
        let list = store::workspaces::list_for_user(self.control.db(), id).await?;
        Ok(list.into_iter().next())
    }

    pub(crate) async fn insert(&self, new: NewUser) -> Result<SignedIn, ControlError> {
        let control = self.control;
        let password_hash = control.passwords().hash(&new.password).await?;
        let now = control.now();
        let user = User {
            id: UserId::new(now, control.random()),
            email: new.email,
            name: new.name,
            is_operator: new.is_operator,
            created_at: now,
        };
        let workspace = Workspace {
            id: WorkspaceId::new(now, control.random()),
            name: format!("{}’s workspace", user.name),
            owner: user.id,
            billing: Billing::Prepaid,
            created_at: now,
        };
        let row = store::users::NewUser {
            user: user.clone(),
            password_hash,
            workspace: workspace.clone(),
        };
        match store::users::insert(control.db(), &row).await {
            Ok(()) => {
                tracing::info!(user.id = %user.id, workspace.id = %workspace.id, "Signed up");
                Ok(SignedIn { user, workspace })
            }
            Err(StoreError::Conflict(Constraint::UserEmail)) => Err(ControlError::Conflict {
                message: "there is already an account with this email address; sign in instead"
                    .to_owned(),
            }),
            Err(other) => Err(other.into()),
        }
    }
}

/// A new account with its email and name in their final form.
fn checked(new: NewUser) -> Result<NewUser, ControlError> {
    let email = check_email(&new.email)?;
    let name = check_name(&new.name, &email)?;
    password::check(&new.password, &email)?;
    Ok(NewUser { email, name, ..new })
}

/// The address in lower case, without spaces around it.
///
/// Whether mail arrives there is found out by sending some; this refuses what cannot be meant.
fn check_email(text: &str) -> Result<String, ControlError> {
    let refuse =
        || ControlError::invalid("email", "use an email address such as `you@example.com`");
    let email = text.trim().to_lowercase();
    if email.len() > EMAIL_BYTES_MAX || email.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refuse());
    }
    let (local, domain) = email.rsplit_once('@').ok_or_else(refuse)?;
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let valid_local = !local.is_empty()
        && local.len() <= EMAIL_LOCAL_BYTES_MAX
        && !local.contains(['@', '"', '<', '>', '(', ')', ',', ';', ':', '\\', '[', ']'])
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    if valid_local && domain.contains('.') && domain.split('.').all(is_label) {
        Ok(email)
    } else {
        Err(refuse())
    }
}

fn check_name(text: &str, email: &str) -> Result<String, ControlError> {
    let name = match text.trim() {
        "" => email.split('@').next().unwrap_or_default(),
        name => name,
    };
    if name.chars().count() > NAME_CHARACTERS_MAX {
        let message = format!("use a name of at most {NAME_CHARACTERS_MAX} characters");
        return Err(ControlError::invalid("name", message));
    }
    if name.chars().any(char::is_control) {
        return Err(ControlError::invalid("name", "use a name without control characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised() {
        for (text, email) in [
            (" Someone@Example.COM ", "someone@example.com"),
            ("demo@entrepot.localhost", "demo@entrepot.localhost"),
            ("a.b+tag@sub.example.org", "a.b+tag@sub.example.org"),
            ("jürgen@bücher.example", "jürgen@bücher.example"),
        ] {
            assert_eq!(check_email(text).as_deref(), Ok(email));
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@b",
            "a@@example.com",
            "a b@example.com",
            "a@exa mple.com",
            "a@-example.com",
            "a@example..com",
            ".a@example.com",
            "a\u{0}@example.com",
            "<a@example.com>",
            &long,
        ] {
            assert!(check_email(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_blank_name_is_taken_from_the_address() {
        assert_eq!(check_name("  ", "ada@example.com").as_deref(), Ok("ada"));
        assert_eq!(check_name(" Ada L ", "ada@example.com").as_deref(), Ok("Ada L"));
        assert!(check_name(&"x".repeat(81), "ada@example.com").is_err());
        assert!(check_name("a\nb", "ada@example.com").is_err());
    }
}
