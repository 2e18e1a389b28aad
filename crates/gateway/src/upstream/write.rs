//! Writes a call's request for one endpoint. Nothing has been sent yet: an endpoint that cannot
//! be sent the request has not failed, and counts as no attempt.

use protocol::chat::request::ChatRequest;
use protocol::error::{ErrorType, PublicError};
use providers::adapter::{Encoded, Target};
use providers::error::EncodeError;

use crate::admit::Call;
use crate::error::{GatewayError, NoEndpoint};
use crate::routing::Candidate;

/// The request as this endpoint wants it; `inlined` is what it is to be sent, where that isn't
/// the caller's request as it is.
pub(super) fn write(
    call: &mut Call,
    candidate: &Candidate,
    inlined: Option<&ChatRequest>,
) -> Result<Encoded, EncodeError> {
    let endpoint = &candidate.endpoint;
    let adapter = providers::find(endpoint.dialect())
        .ok_or_else(|| EncodeError::Address("nobody here speaks its dialect".to_owned()))?;
    let target = Target { endpoint, base_url: endpoint.provider.dialled_url() };
    let mut encoded = adapter.encode(inlined.unwrap_or(&call.request), &target)?;
    call.dropped = std::mem::take(&mut encoded.dropped);
    Ok(encoded)
}

/// What the caller is told when no endpoint could be sent the request.
pub(super) fn unsendable(call: &Call, refused: &[(Candidate, EncodeError)]) -> GatewayError {
    let unsupported = refused.iter().find_map(|(candidate, error)| match error {
        EncodeError::Unsupported { parameter } => Some((candidate, parameter)),
        _ => None,
    });
    let Some((candidate, parameter)) = unsupported else {
        return GatewayError::Invalid(Box::new(PublicError::new(
            ErrorType::ProviderUnavailable,
            "No provider of this model can be asked: this server's catalog is wrong about them. \
             Its operator's log says how.",
        )));
    };
    if call.request.provider.require_parameters == Some(true) {
        let sentence =
            format!("it does not support `{parameter}` and `provider.require_parameters` is set");
        return GatewayError::NoEndpoint(Box::new(NoEndpoint {
            requested_models: call
                .resolved
                .models
                .iter()
                .map(|resolved| resolved.model.slug.to_string())
                .collect(),
            total: refused.len(),
            removed: vec![("require_parameters", sentence, refused.len())],
        }));
    }
    let message = format!(
        "`{parameter}` cannot be sent to {}, nor to any other provider of this model: leave it \
         out, or ask another model",
        candidate.endpoint.provider.name
    );
    GatewayError::Invalid(Box::new(
        PublicError::new(ErrorType::InvalidRequest, message)
            .with_metadata("field", parameter.clone()),
    ))
}
