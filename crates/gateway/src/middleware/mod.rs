//! *Prepare*: what may look at, change, refuse or answer a generation.
//!
//! Policy middleware is always on for whom it concerns; opt-in middleware is what the API calls
//! a *plugin*. To add one: one file here and one line in [`MIDDLEWARE`], whose order is theirs.

mod reasoning_exclude;

use crate::admit::Call;
use crate::error::GatewayError;
use crate::stream::stage::Stage;

/// Something that joins a generation before routing or in the stream.
pub trait Middleware: Send + Sync {
    /// The id that callers and configuration use.
    fn id(&self) -> &'static str;

    /// Runs once, before routing. May change the request or refuse it.
    fn before(&self, _call: &mut Call) -> Result<(), GatewayError> {
        Ok(())
    }

    /// Joins the stream of this call, if it wants to see events.
    fn stage(&self, _call: &Call) -> Option<Box<dyn Stage>> {
        None
    }
}

/// Every middleware, in the order in which it runs.
pub static MIDDLEWARE: &[&dyn Middleware] = &[&reasoning_exclude::ReasoningExclude];

/// Runs every `before` and collects the stages that join.
pub(crate) fn prepare(call: &mut Call) -> Result<(), GatewayError> {
    for middleware in MIDDLEWARE {
        middleware.before(call)?;
        if let Some(stage) = middleware.stage(call) {
            call.stages.push(stage);
        }
    }
    Ok(())
}
