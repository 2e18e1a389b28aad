//! An account to try things with, made when there is nobody yet.

use domain::id::TransferId;
use domain::money::Usd;
use domain::random::Random;
use domain::secret::Secret;
use ledger::posting::{self, Stamp};

use crate::Actor;
use crate::accounts::{Accounts, NewUser};
use crate::error::ControlError;
use crate::keys::NewKey;
use domain::workspace::Role;

const EMAIL: &str = "demo@entrepot.localhost";
const CREDIT: Usd = Usd::from_dollars(5);

/// What to print once, at the first start.
#[derive(Debug, Clone)]
pub struct Demo {
    pub email: String,
    pub password: Secret<String>,
    pub key: Secret<String>,
}

impl Accounts<'_> {
    /// Makes the demo account with a key and $5 of credit; none when somebody has an account.
    pub async fn create_demo(&self) -> Result<Option<Demo>, ControlError> {
        let control = self.control;
        if store::users::count(control.db()).await? > 0 {
            return Ok(None);
        }
        let password = random_password(control.random());
        let signed_in = self
            .create_user(NewUser {
                email: EMAIL.to_owned(),
                name: "Demo".to_owned(),
                password: password.clone(),
                is_operator: true,
            })
            .await?;
        let actor = Actor {
            user_id: signed_in.user.id,
            workspace_id: signed_in.workspace.id,
            role: Role::Owner,
            name: signed_in.user.name,
            email: signed_in.user.email,
            is_operator: true,
        };
        let now = control.now();
        let stamp = Stamp { id: TransferId::new(now, control.random()), at: now };
        let occasion = format!("demo:{}", actor.workspace_id);
        let grant = posting::grant(stamp, actor.workspace_id, CREDIT, (&occasion, "Demo credit"))
            .map_err(|error| ControlError::invalid("amount", error.to_string()))?;
        store::ledger::transfers::post(control.db(), &[grant]).await?;
        let key = NewKey { name: "Demo key".to_owned(), limit: None };
        let created = control.keys().create(&actor, key).await?;
        Ok(Some(Demo { email: actor.email, password, key: created.secret }))
    }
}

/// Twenty characters of 32, which is 100 bits; none looks like another.
fn random_password(random: &dyn Random) -> Secret<String> {
    const ALPHABET: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't',
        'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    let mut bytes = [0_u8; 20];
    random.fill(&mut bytes);
    let text = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).collect();
    Secret::new(text)
}
