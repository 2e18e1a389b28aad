//! Balance, statement and top-ups.

use domain::id::TransferId;
use domain::ledger_entry::{Balance, LedgerEntry};
use domain::money::Usd;
use domain::page::Page;
use ledger::posting::{self, Payment, Stamp};
use store::ledger::transfers::{self, Posted};

use crate::activity::PAGE_MAX;
use crate::error::ControlError;
use crate::permission::{Action, require};
use crate::{Actor, Control};

/// The name under which sandbox money enters the books.
const SANDBOX: &str = "sandbox";
const TOP_UP_MIN: Usd = Usd::from_dollars(1);
const REQUEST_ID_BYTES_MAX: usize = 100;

/// The verbs of a workspace's credit.
pub struct Credits<'a> {
    control: &'a Control,
}

impl<'a> Credits<'a> {
    pub(crate) const fn new(control: &'a Control) -> Self {
        Self { control }
    }

    pub async fn balance(&self, actor: &Actor) -> Result<Balance, ControlError> {
        require(actor, Action::ReadCredits)?;
        self.read_balance(actor).await
    }

    /// Every movement of the workspace's credit, newest first.
    pub async fn history(
        &self,
        actor: &Actor,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<LedgerEntry>, ControlError> {
        require(actor, Action::ReadCredits)?;
        let (db, limit) = (self.control.db(), limit.clamp(1, PAGE_MAX));
        Ok(transfers::statement(db, actor.workspace_id, cursor, limit).await?)
    }

    /// Adds credit that nobody paid for, to try things out. The same `request_id` adds it once.
    pub async fn sandbox_top_up(
        &self,
        actor: &Actor,
        amount: Usd,
        request_id: &str,
    ) -> Result<Balance, ControlError> {
        if !self.control.settings().sandbox_top_up {
            return Err(ControlError::NotFound);
        }
        require(actor, Action::AddCredits)?;
        let most = self.control.settings().sandbox_top_up_max;
        if amount < TOP_UP_MIN || amount > most {
            let message = format!("use an amount from ${TOP_UP_MIN} to ${most}");
            return Err(ControlError::invalid("amount", message));
        }
        let plain = |byte: u8| byte.is_ascii_graphic();
        if request_id.is_empty()
            || request_id.len() > REQUEST_ID_BYTES_MAX
            || !request_id.bytes().all(plain)
        {
            let message = format!("use 1 to {REQUEST_ID_BYTES_MAX} visible ASCII characters");
            return Err(ControlError::invalid("request_id", message));
        }
        self.post_top_up(actor, amount, request_id).await?;
        self.read_balance(actor).await
    }

    async fn post_top_up(
        &self,
        actor: &Actor,
        amount: Usd,
        request_id: &str,
    ) -> Result<(), ControlError> {
        let now = self.control.now();
        let stamp = Stamp { id: TransferId::new(now, self.control.random()), at: now };
        // Another workspace may use the same request id and mean something else.
        let event = format!("{}:{request_id}", actor.workspace_id);
        let payment = Payment { processor: SANDBOX, event: &event };
        let transfer = posting::top_up(stamp, actor.workspace_id, amount, payment)
            .map_err(|error| ControlError::invalid("amount", error.to_string()))?;
        let posted = transfers::post(self.control.db(), &[transfer]).await?;
        tracing::info!(
            workspace.id = %actor.workspace_id,
            amount_nanos = amount.nanos(),
            new = posted.contains(&Posted::New),
            "Added sandbox credit"
        );
        Ok(())
    }

    async fn read_balance(&self, actor: &Actor) -> Result<Balance, ControlError> {
        Ok(store::ledger::accounts::balance(self.control.db(), actor.workspace_id).await?)
    }
}
