//! OpenAI's models at Azure: the same bodies at other addresses.
//!
//! Without further quirks it is the API at `/openai/v1`, which names the deployment in the body.
//! With `api_version` it is the older one, which has the deployment in the address.

use http::{HeaderMap, StatusCode};
use protocol::chat::request::{ChatRequest, PartKind};

use crate::adapter::{Adapter, Decoder, Encoded, Target};
use crate::error::{EncodeError, UpstreamError};
use crate::openai_compatible::{OpenAiCompatible, classify, encode};
use crate::quirks::Effective;

/// Azure OpenAI.
#[derive(Debug, Clone, Copy)]
pub struct AzureOpenAi;

impl Adapter for AzureOpenAi {
    fn slug(&self) -> &'static str {
        "azure_openai"
    }

    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
        let base = target.base_url.trim_end_matches('/');
        let deployment = &target.endpoint.upstream_model;
        let version = Effective::of(target.endpoint).api_version();
        encode::encode(request, target, &|path| match version {
            Some(version) => {
                format!("{base}/openai/deployments/{deployment}{path}?api-version={version}")
            }
            None => format!("{base}/openai/v1{path}"),
        })
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        OpenAiCompatible.decoder()
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }

    fn fetches(&self, kind: &PartKind, _url: &str, target: &Target<'_>) -> bool {
        encode::fetches(kind, target)
    }
}
