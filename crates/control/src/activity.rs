//! What was generated with the workspace's keys.

use domain::generation::Generation;
use domain::id::{ApiKeyId, GenerationId};
use domain::model::ModelSlug;
use domain::page::Page;
use domain::time::Timestamp;
use store::generations::GenerationFilter;

use crate::error::ControlError;
use crate::permission::{Action, require};
use crate::{Actor, Control};

/// The longest page.
pub(crate) const PAGE_MAX: u32 = 200;

/// The verbs of the generation record.
pub struct Activity<'a> {
    control: &'a Control,
}

/// Which generations to list. Absent fields do not narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityFilter {
    pub api_key: Option<ApiKeyId>,
    /// A model slug. What is none matches nothing.
    pub model: Option<String>,
    /// At or after.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl<'a> Activity<'a> {
    pub(crate) const fn new(control: &'a Control) -> Self {
        Self { control }
    }

    /// The workspace's generations, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: ActivityFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Generation>, ControlError> {
        require(actor, Action::ReadActivity)?;
        let Ok(model) = filter.model.map(|text| text.parse::<ModelSlug>()).transpose() else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let filter = GenerationFilter {
            api_key: filter.api_key,
            model,
            since: filter.since,
            until: filter.until,
        };
        let limit = limit.clamp(1, PAGE_MAX);
        let db = self.control.db();
        Ok(store::generations::list(db, actor.workspace_id, &filter, cursor, limit).await?)
    }

    /// One generation of the workspace.
    pub async fn find(
        &self,
        actor: &Actor,
        id: &GenerationId,
    ) -> Result<Option<Generation>, ControlError> {
        require(actor, Action::ReadActivity)?;
        Ok(store::generations::find(self.control.db(), actor.workspace_id, id).await?)
    }
}
