//! Why a generation was refused or failed: one variant per public answer.

use domain::catalog::Purpose;
use domain::generation::Attempt;
use domain::money::Usd;
use protocol::error::{ErrorType, PublicError};
use providers::error::{Retry, UpstreamError};
use serde_json::{Map, Value, json};

use crate::ports::PortError;

/// Whose fault it is: decides how it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Client,
    Upstream,
    Us,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    #[error("no API key was given")]
    KeyMissing,
    #[error("the API key is unknown")]
    KeyUnknown,
    #[error("the API key is disabled")]
    KeyDisabled,
    #[error("the request is invalid: {}", .0.message)]
    Invalid(Box<PublicError>),
    #[error("no model was named")]
    ModelMissing,
    #[error("`{0}` is not a valid model ID")]
    ModelUnknown(String),
    #[error("`{model}` is not asked here")]
    WrongEndpoint { model: String, does: Purpose, asked: Purpose },
    #[error("nobody may serve the request")]
    NoEndpoint(Box<NoEndpoint>),
    #[error("the credit does not cover the request")]
    CreditShort(Short),
    #[error("the key's limit does not cover the request")]
    LimitReached(Short),
    #[error("too many generations are under way")]
    Busy,
    #[error("the caller left before the answer began")]
    CallerGone,
    #[error("the answer broke off: {}", .0.message)]
    Broken(Box<PublicError>),
    #[error("every attempt failed")]
    Upstream(Box<UpstreamFailure>),
    #[error("the request took too long")]
    Deadline,
    #[error(transparent)]
    Unavailable(PortError),
    #[error("the task that served the request ended early")]
    Lost,
}

/// How far a fund falls short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    pub needed: Usd,
    pub available: Usd,
    /// The output bound that was asked for, if one was, and the largest that can be paid.
    pub output: Option<OutputShort>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputShort {
    pub requested: u32,
    pub affordable: u64,
}

/// Which constraint removed how many endpoints.
#[derive(Debug, Clone)]
pub struct NoEndpoint {
    pub requested_models: Vec<String>,
    pub total: usize,
    /// `(constraint in the public vocabulary, sentence, endpoints that it removed)`.
    pub removed: Vec<(&'static str, String, usize)>,
}

/// The last failure, with those before it.
#[derive(Debug, Clone)]
pub struct UpstreamFailure {
    pub model: String,
    pub provider_name: String,
    pub error: UpstreamError,
    pub attempts: Vec<Attempt>,
}

impl GatewayError {
    pub fn fault(&self) -> Fault {
        match self {
            Self::KeyMissing
            | Self::KeyUnknown
            | Self::KeyDisabled
            | Self::Invalid(_)
            | Self::ModelMissing
            | Self::ModelUnknown(_)
            | Self::WrongEndpoint { .. }
            | Self::NoEndpoint(_)
            | Self::CreditShort(_)
            | Self::LimitReached(_)
            | Self::CallerGone => Fault::Client,
            Self::Upstream(_) | Self::Broken(_) | Self::Deadline => Fault::Upstream,
            Self::Busy | Self::Unavailable(_) | Self::Lost => Fault::Us,
        }
    }

    /// The stable code that records and metrics use.
    pub fn code(&self) -> &'static str {
        self.to_public().error_type.as_str()
    }

    /// What the caller is told.
    pub fn to_public(&self) -> PublicError {
        match self {
            Self::KeyMissing => PublicError::new(
                ErrorType::Authentication,
                "No API key was given. Send it in the header `Authorization: Bearer sk-ep-v1-…`.",
            ),
            Self::KeyUnknown => PublicError::new(
                ErrorType::Authentication,
                "This API key is not known here. Check it, or create one on the Keys page.",
            ),
            Self::KeyDisabled => PublicError::new(
                ErrorType::Authentication,
                "This API key is disabled. Enable it on the Keys page, or use another.",
            ),
            Self::Invalid(error) | Self::Broken(error) => (**error).clone(),
            Self::ModelMissing => PublicError::new(
                ErrorType::InvalidRequest,
                "`model` is required. GET /api/v1/models lists what can be asked for.",
            )
            .with_metadata("field", "model"),
            Self::ModelUnknown(slug) => unknown_model(slug),
            Self::WrongEndpoint { model, does, asked } => wrong_endpoint(model, *does, *asked),
            Self::NoEndpoint(none) => none.to_public(),
            Self::CreditShort(short) => {
                short.to_public("credits", "Add credit on the Credits page")
            }
            Self::LimitReached(short) => {
                short.to_public("of this key's limit", "Raise the key's limit on the Keys page")
            }
            Self::Busy => {
                let mut error = PublicError::new(
                    ErrorType::ProviderOverloaded,
                    "Too many requests are under way on this server. Try again in a second.",
                );
                error.retry_after = Some(1);
                error
            }
            Self::CallerGone => PublicError {
                status: 499,
                ..PublicError::new(ErrorType::Unmapped, "Request cancelled.")
            },
            Self::Upstream(failure) => failure.to_public(),
            Self::Deadline => PublicError::new(
                ErrorType::Timeout,
                "No provider answered in time. Try again, or ask for another model.",
            ),
            Self::Unavailable(_) => {
                let mut error = PublicError {
                    status: 503,
                    ..PublicError::new(
                        ErrorType::Server,
                        "This server cannot reach its database. Nothing was charged; try again \
                         in a few seconds.",
                    )
                };
                error.retry_after = Some(2);
                error
            }
            Self::Lost => {
                PublicError::new(ErrorType::Server, "Internal error. Nothing was charged.")
            }
        }
    }
}

fn unknown_model(slug: &str) -> PublicError {
    let mut error =
        PublicError::new(ErrorType::InvalidRequest, format!("{slug} is not a valid model ID"))
            .with_metadata("field", "model");
    error.details = availability("model_not_found", false, &[slug.to_owned()], None);
    error
}

fn wrong_endpoint(model: &str, does: Purpose, asked: Purpose) -> PublicError {
    let (what, path) = match does {
        Purpose::Chat => ("answers conversations", "/api/v1/chat/completions"),
        Purpose::Embeddings => ("makes embeddings", "/api/v1/embeddings"),
        Purpose::Rerank => ("ranks documents", "/api/v1/rerank"),
    };
    let list = match asked {
        Purpose::Chat => "/api/v1/models",
        Purpose::Embeddings => "/api/v1/embeddings/models",
        Purpose::Rerank => "/api/v1/models?output_modalities=rerank",
    };
    let message = format!(
        "{model} {what}: ask it at POST {path}. GET {list} lists the models that can be asked \
         here."
    );
    let mut error =
        PublicError::new(ErrorType::InvalidRequest, message).with_metadata("field", "model");
    error.details = availability("wrong_endpoint", false, &[model.to_owned()], None);
    error
}

fn availability(
    code: &str,
    retryable: bool,
    requested: &[String],
    constraint: Option<Value>,
) -> Map<String, Value> {
    let mut availability = json!({
        "code": code,
        "retryable": retryable,
        "requested_models": requested,
        "docs_url": "/docs#errors",
    });
    if let (Some(constraint), Some(object)) = (constraint, availability.as_object_mut()) {
        object.insert("constraint".into(), constraint);
    }
    Map::from_iter([("availability".to_owned(), availability)])
}

impl NoEndpoint {
    fn to_public(&self) -> PublicError {
        let models = self.requested_models.join(", ");
        if self.removed.is_empty() {
            let mut error =
                PublicError::new(ErrorType::NotFound, format!("No endpoints found for {models}."));
            error.details = availability("no_endpoints", false, &self.requested_models, None);
            return error;
        }
        let reasons: Vec<String> = self
            .removed
            .iter()
            .map(|(_, sentence, count)| format!("{sentence} ({count} of {})", self.total))
            .collect();
        let mut error = PublicError::new(
            ErrorType::NotFound,
            format!("No endpoint of {models} meets this request: {}.", reasons.join("; ")),
        );
        let first = self
            .removed
            .first()
            .map(|(field, sentence, _)| json!({ "field": field, "detail": sentence }));
        error.details = availability("constraint_filtered", false, &self.requested_models, first);
        if let Some(Value::Object(object)) = error.details.get_mut("availability") {
            let names: Vec<&str> = self.removed.iter().map(|(field, _, _)| *field).collect();
            object.insert("excluded_by".into(), json!(names));
        }
        error
    }
}

impl Short {
    fn to_public(self, what: &str, remedy: &str) -> PublicError {
        let message = match self.output {
            Some(OutputShort { requested, affordable }) if affordable > 0 => format!(
                "This request requires more {what}, or fewer max_tokens. You requested up to \
                 {requested} tokens, but can only afford {affordable}. {remedy}, or lower \
                 `max_tokens`."
            ),
            _ => format!(
                "This request requires more {what}: it may cost ${}, and ${} is available. \
                 {remedy}.",
                self.needed, self.available
            ),
        };
        PublicError::new(ErrorType::PaymentRequired, message)
            .with_metadata("provider_name", Value::Null)
            .with_metadata("needed_usd", self.needed.to_string())
            .with_metadata("available_usd", self.available.to_string())
    }
}

impl UpstreamFailure {
    fn to_public(&self) -> PublicError {
        let mut error = match self.error.kind {
            // What is wrong with our own credential is no concern of the caller's.
            ErrorType::Authentication
            | ErrorType::PaymentRequired
            | ErrorType::PermissionDenied => PublicError::new(
                ErrorType::ProviderUnavailable,
                format!("{} cannot serve this request at the moment.", self.provider_name),
            ),
            kind => PublicError::new(kind, self.error.message.clone()),
        };
        if error.status == 500 {
            error =
                PublicError { status: 502, error_type: ErrorType::ProviderUnavailable, ..error };
        }
        error.metadata.insert("provider_name".into(), self.provider_name.clone().into());
        if let Some(raw) = &self.error.raw {
            error.metadata.insert("raw".into(), raw.clone().into());
        }
        if let Some(code) = &self.error.provider_code {
            error.metadata.insert("provider_code".into(), code.clone().into());
        }
        let previous: Vec<Value> = self
            .attempts
            .iter()
            .rev()
            .skip(1)
            .rev()
            .map(|attempt| {
                json!({
                    "provider": attempt.provider_name,
                    "code": attempt.error,
                    "status": attempt.status,
                })
            })
            .collect();
        if !previous.is_empty() {
            error.metadata.insert("previous_errors".into(), previous.into());
        }
        if let Retry::After(wait) = self.error.retry {
            // Whoever comes back a moment too early is refused again.
            error.retry_after = u32::try_from(wait.as_millis().div_ceil(1_000).max(1)).ok();
        }
        error
    }
}
