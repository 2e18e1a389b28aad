//! Passwords: argon2id, off the async threads and never more at once than there are cores for.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use domain::random::Random;
use domain::secret::Secret;
use std::sync::Arc;
use tokio::sync::Semaphore;

use crate::error::ControlError;

/// Fewer characters than this can be guessed.
pub(crate) const LENGTH_MIN: usize = 10;
/// Longer ones are an attempt to keep us busy.
const BYTES_MAX: usize = 1_024;
/// Guessing is estimated from so many characters.
const GUESSED_LENGTH_MAX: usize = 100;
/// Each hash under way takes 19 MiB and a core for some 20 milliseconds.
const HASHES_AT_ONCE_MAX: usize = 4;
/// Beyond this many waiting, callers are told to come back.
const WAITING_MAX: usize = 64;

/// The hash of a password that nobody has. Verified for addresses that have no account, so that
/// the time of the answer does not tell whether they have one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$\
    y3o6RlwLpoPlyTzXn0Zl4MSEdcoQB1TJMNNtAAvdKH8";

pub(crate) struct Passwords {
    random: Arc<dyn Random>,
    waiting: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(random: Arc<dyn Random>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            random,
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            hashing: Arc::new(Semaphore::new(cores.min(HASHES_AT_ONCE_MAX))),
        }
    }

    /// The argon2id hash of a new password, in PHC form.
    pub(crate) async fn hash(&self, password: &Secret<String>) -> Result<String, ControlError> {
        let mut salt = [0_u8; 16];
        self.random.fill(&mut salt);
        let password = password.clone();
        self.run(move || {
            Argon2::default()
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .map(|hash| hash.to_string())
        })
        .await?
        .map_err(|error| {
            tracing::error!(%error, "A password could not be hashed");
            ControlError::Unavailable
        })
    }

    /// Whether this is the password of `hash`. Without a hash it takes as long and says no.
    pub(crate) async fn verify(
        &self,
        password: &Secret<String>,
        hash: Option<&str>,
    ) -> Result<bool, ControlError> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let password = password.clone();
        let matches = self
            .run(move || {
                let verifier: &dyn PasswordVerifier<str> = &Argon2::default();
                verifier.verify_password(password.expose().as_bytes(), &hash).is_ok()
            })
            .await?;
        Ok(matches && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ControlError> {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(ControlError::Throttled { retry_after_seconds: 1 });
        };
        // The permit moves into the work: a caller who leaves does not free the core it keeps busy.
        let permit = Arc::clone(&self.hashing)
            .acquire_owned()
            .await
            .map_err(|_| ControlError::Unavailable)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|error| {
            tracing::error!(%error, "Hashing a password did not end");
            ControlError::Unavailable
        })
    }
}

/// Refuses a new password that is too easily guessed.
pub(crate) fn check(password: &Secret<String>, email: &str) -> Result<(), ControlError> {
    let text = password.expose();
    let refuse = |message: String| Err(ControlError::invalid("password", message));
    if text.chars().count() < LENGTH_MIN {
        return refuse(format!("use a password of at least {LENGTH_MIN} characters"));
    }
    if text.len() > BYTES_MAX {
        return refuse(format!("use a password of at most {BYTES_MAX} bytes"));
    }
    // How long a guesser who knows the usual lists, keyboards and dates would need. What comes
    // after the first hundred characters makes no password worse.
    let beginning: String = text.chars().take(GUESSED_LENGTH_MAX).collect();
    let guess = zxcvbn::zxcvbn(&beginning, &[email, "entrepot"]);
    if guess.score() < zxcvbn::Score::Two {
        let why = guess.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        let why = why.map_or_else(String::new, |why| format!(" {why}"));
        return refuse(format!(
            "this password is among the first that are tried.{why} Use several unrelated words, \
             or let your browser suggest one"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::phc::PasswordHash;
    use domain::random::Counting;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new(Arc::new(Counting::new()));
        let hash = passwords.hash(&secret("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash(&secret("correct horse")).await.unwrap());
        assert!(passwords.verify(&secret("correct horse"), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&secret("correct horsf"), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&secret("correct horse"), None).await.unwrap());
        assert!(!passwords.verify(&secret("correct horse"), Some("garbage")).await.unwrap());
    }

    #[test]
    fn nobody_costs_as_much_to_verify_as_somebody() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let somebody = Argon2::default()
            .hash_password_with_salt(b"correct horse", b"sixteen bytes ab")
            .unwrap();
        assert_eq!(nobody.params.to_string(), somebody.params.to_string());
        assert_eq!(nobody.algorithm, somebody.algorithm);
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|output| output.as_bytes().len());
        assert_eq!(length(&nobody), length(&somebody));
    }

    #[test]
    fn guessable_passwords_are_refused_with_the_remedy() {
        let message = |text: &str| {
            check(&secret(text), "someone@example.com").err().map(|error| error.public_message())
        };
        assert_eq!(
            message("nine char").as_deref(),
            Some("use a password of at least 10 characters")
        );
        assert_eq!(message("ten chars!"), None);
        assert_eq!(message("ééééééééé").as_deref(), message("nine char").as_deref());
        assert!(message("aaaaaaaaaaaaa").is_some());
        for guessed in ["Someone@example.com", "password1234", "qwertyuiop12", "1234567890"] {
            assert!(message(guessed).is_some_and(|text| text.contains("first that are tried")));
        }
        assert!(message(&"ab".repeat(600)).is_some());
    }
}
