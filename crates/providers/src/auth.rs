//! How a credential is attached to a request.

use bytes::Bytes;
use domain::catalog::Auth;
use domain::secret::Secret;
use domain::time::Timestamp;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::error::EncodeError;
use crate::sigv4;

/// Adds the credential in the place that the provider expects, marked sensitive. Comes last: a
/// signature covers the address, the body and `now`.
pub fn attach(
    request: &mut http::Request<Bytes>,
    auth: &Auth,
    credential: &Secret<String>,
    now: Timestamp,
) -> Result<(), EncodeError> {
    let sensitive = |text: &str, name: &str| {
        let mut value =
            HeaderValue::from_str(text).map_err(|_| EncodeError::Header(name.to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    };
    match auth {
        Auth::Aws { service, region } if credential.expose().contains(':') => {
            sigv4::sign(request, service, region, credential, now)?;
        }
        // A token that was minted for the credential stands in its place.
        Auth::Bearer | Auth::GoogleOauth | Auth::Aws { .. } => {
            let value = sensitive(&format!("Bearer {}", credential.expose()), "authorization")?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Auth::Header { name } => {
            let value = sensitive(credential.expose(), name)?;
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| EncodeError::Header(name.clone()))?;
            request.headers_mut().insert(name, value);
        }
        Auth::Query { name } => {
            let uri = request.uri().to_string();
            let separator = if uri.contains('?') { '&' } else { '?' };
            let with_key = format!("{uri}{separator}{name}={}", credential.expose());
            *request.uri_mut() =
                with_key.parse().map_err(|_| EncodeError::Address("with its key".to_owned()))?;
        }
        Auth::None => {}
    }
    Ok(())
}
