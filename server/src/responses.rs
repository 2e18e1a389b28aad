//! Responses that are kept: written behind the answer, read before the next one.
//!
//! A response is known here before its last bytes leave, so whoever continues it at once finds it.
//! It is in the database a moment later. A process that is killed in between, or a database that
//! stays away, loses it: it is then as if it had not been kept, which the log and a counter say.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::id::WorkspaceId;
use domain::time::Timestamp;
use parking_lot::Mutex;
use store::responses::{ConversationMax, StoredResponse};
use store::{Db, StoreError};
use tokio::sync::Semaphore;

use crate::tasks::Tasks;

/// What may wait to be written, in units of [`UNIT`]: 256 MiB.
const WAITING_MAX: usize = 4_096;
const UNIT: usize = 64 << 10;
/// How often writing is tried, and how long after each failure.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];
/// The most responses that one conversation may be made of.
const CONVERSATION_MAX: u32 = 1_000;

/// The responses that this process keeps and reads.
#[derive(Debug)]
pub struct Responses {
    db: Db,
    tasks: Tasks,
    /// Not in the database yet, or not known to be.
    waiting: Mutex<HashMap<String, Arc<StoredResponse>>>,
    room: Arc<Semaphore>,
}

/// What is known of the responses that one continues.
#[derive(Debug)]
pub(crate) enum Conversation {
    /// Oldest first.
    Whole(Vec<Arc<StoredResponse>>),
    /// One of them is not kept, or not any more.
    Missing(String),
    TooLong,
}

impl Responses {
    pub(crate) fn new(db: Db, tasks: Tasks) -> Self {
        let room = Arc::new(Semaphore::new(WAITING_MAX));
        Self { db, tasks, waiting: Mutex::default(), room }
    }

    /// Keeps a response, without making anyone wait.
    pub(crate) fn keep(self: &Arc<Self>, response: StoredResponse) {
        let units = u32::try_from(response.bytes().div_ceil(UNIT)).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(units) else {
            return lost("Too many responses wait to be kept");
        };
        let response = Arc::new(response);
        self.waiting.lock().insert(response.id.clone(), response.clone());
        let this = self.clone();
        self.tasks.spawn(async move {
            this.write(&response).await;
            drop(room);
        });
    }

    /// Writes down what waits. Whoever deletes it meanwhile takes it out of what waits.
    async fn write(&self, response: &StoredResponse) {
        let mut saved = store::responses::save(&self.db, response).await;
        for pause in PAUSES {
            match &saved {
                Err(error) => tracing::debug!(error = %error, "A response is not kept yet"),
                Ok(()) => break,
            }
            tokio::time::sleep(pause).await;
            saved = store::responses::save(&self.db, response).await;
        }
        let was_deleted = self.waiting.lock().remove(&response.id).is_none();
        if let Err(error) = saved {
            tracing::error!(error = %error, response.id = response.id, "A response was not kept");
            return count_lost();
        }
        if was_deleted {
            let deleted = store::responses::delete(&self.db, response.workspace_id, &response.id);
            if let Err(error) = deleted.await {
                tracing::error!(
                    error = %error,
                    response.id = response.id,
                    "A response that was deleted is kept until it expires"
                );
            }
        }
    }

    pub(crate) async fn find(
        &self,
        workspace: WorkspaceId,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<StoredResponse>>, StoreError> {
        if let Some(found) = self.find_waiting(workspace, id) {
            return Ok(Some(found));
        }
        Ok(store::responses::find(&self.db, workspace, id, now).await?.map(Arc::new))
    }

    /// Forgets a response. False when there is none.
    pub(crate) async fn delete(
        &self,
        workspace: WorkspaceId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let waited = self.find_waiting(workspace, id).is_some();
        if waited {
            self.waiting.lock().remove(id);
        }
        Ok(store::responses::delete(&self.db, workspace, id).await? || waited)
    }

    /// The response `last` and all that it continues, of at most `bytes_max` bytes.
    pub(crate) async fn conversation(
        &self,
        workspace: WorkspaceId,
        last: &str,
        bytes_max: usize,
        now: Timestamp,
    ) -> Result<Conversation, StoreError> {
        let mut found: Vec<Arc<StoredResponse>> = Vec::new();
        let (mut next, mut bytes) = (Some(last.to_owned()), 0_usize);
        while let Some(id) = next.take() {
            let read = if let Some(waiting) = self.find_waiting(workspace, &id) {
                vec![waiting]
            } else {
                let left = bytes_max.saturating_sub(bytes);
                let max = ConversationMax { responses: CONVERSATION_MAX, bytes: left };
                let kept = store::responses::list_conversation(&self.db, workspace, &id, max, now);
                kept.await?.into_iter().map(Arc::new).collect()
            };
            let Some(oldest) = read.last() else { return Ok(Conversation::Missing(id)) };
            next.clone_from(&oldest.previous);
            bytes += read.iter().map(|response| response.bytes()).sum::<usize>();
            found.extend(read);
            let limit = usize::try_from(CONVERSATION_MAX).unwrap_or(usize::MAX);
            if bytes > bytes_max || found.len() > limit || (found.len() == limit && next.is_some())
            {
                return Ok(Conversation::TooLong);
            }
        }
        found.reverse();
        Ok(Conversation::Whole(found))
    }

    fn find_waiting(&self, workspace: WorkspaceId, id: &str) -> Option<Arc<StoredResponse>> {
        let waiting = self.waiting.lock();
        waiting.get(id).filter(|response| response.workspace_id == workspace).cloned()
    }
}

/// A response that was to be kept and is not.
pub(crate) fn lost(why: &'static str) {
    tracing::warn!(reason = why, "A response was not kept");
    count_lost();
}

fn count_lost() {
    metrics::counter!("entrepot_responses_lost_total").increment(1);
}
