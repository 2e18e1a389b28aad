//! `providers/<slug>.toml`: who a provider is, how it is spoken to and, optionally, what it serves.

use domain::catalog::{Auth, Cancellation, DataPolicy, Quirks};
use domain::model::ModelSlug;

use super::endpoint_file::EndpointText;
use super::fields::Fields;
use super::model_file::{ModelFacts, read_facts};
use super::quirk_fields::read_quirks;
use super::{At, Place, check, endpoint_file};

const DIALECT_DEFAULT: &str = "openai_compatible";

/// A provider as it was written.
#[derive(Debug)]
pub(super) struct ProviderText {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) dialect: String,
    /// None when it was missing or wrong, which was reported.
    pub(super) base_url: Option<String>,
    pub(super) auth: Auth,
    pub(super) credential_env: Option<String>,
    pub(super) quirks: Quirks,
    pub(super) data_policy: DataPolicy,
    pub(super) cancellation: Cancellation,
    pub(super) regions: Vec<String>,
    pub(super) headquarters: Option<String>,
    pub(super) datacenters: Vec<String>,
    pub(super) terms_url: Option<String>,
    pub(super) privacy_url: Option<String>,
    pub(super) status_url: Option<String>,
    pub(super) entries: Vec<Entry>,
    pub(super) place: Place,
}

/// A `[[models]]` of a provider: an endpoint, and what the model is in case nobody else says.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) model: ModelSlug,
    pub(super) facts: ModelFacts,
    pub(super) endpoint: EndpointText,
}

pub(super) fn read(
    slug: &str,
    layer: usize,
    fields: &Fields<'_>,
    dialects: &[&str],
) -> ProviderText {
    let place = fields.place().clone();
    let auth = read_auth(fields);
    let credential_env = fields.checked("credential_env", check::environment_variable);
    check_credential(&auth, credential_env.as_deref(), fields);
    fields.required_text("base_url");
    let this = At { value: slug.to_owned(), place: place.clone() };
    let entries = fields.tables("models", |fields| read_entry(&this, layer, fields));
    ProviderText {
        slug: slug.to_owned(),
        name: fields.checked("name", check::line).unwrap_or_else(|| slug.to_owned()),
        dialect: fields
            .checked("dialect", |text| check::one_of(text, dialects))
            .unwrap_or_else(|| DIALECT_DEFAULT.to_owned()),
        base_url: fields.checked("base_url", check::base_url),
        data_policy: fields.table("data_policy", read_data_policy).unwrap_or(unstated(&auth)),
        auth,
        credential_env,
        quirks: fields.table("quirks", read_quirks).unwrap_or_default(),
        cancellation: fields.checked("cancellation", cancellation).unwrap_or_default(),
        regions: fields.checked_list("regions", check::region).unwrap_or_default(),
        headquarters: fields.checked("headquarters", check::country),
        datacenters: fields.checked_list("datacenters", check::country).unwrap_or_default(),
        terms_url: fields.checked("terms_url", check::page_url),
        privacy_url: fields.checked("privacy_url", check::page_url),
        status_url: fields.checked("status_url", check::page_url),
        entries: entries.into_iter().flatten().collect(),
        place,
    }
}

/// `auth = "bearer"`, `"none"`, `"google_oauth"`, `{ header = "x-api-key" }`,
/// `{ query = "key" }` or `{ aws = { service = "bedrock", region = "us-east-1" } }`.
fn read_auth(fields: &Fields<'_>) -> Auth {
    if fields.is_text("auth") {
        let word = |text: &str| match text {
            "bearer" => Ok(Auth::Bearer),
            "none" => Ok(Auth::None),
            "google_oauth" => Ok(Auth::GoogleOauth),
            _ => Err(format!(
                "must be \"bearer\", \"none\", \"google_oauth\", {{ header = … }}, \
                 {{ query = … }} or {{ aws = … }}, not `{text}`"
            )),
        };
        return fields.checked("auth", word).unwrap_or(Auth::Bearer);
    }
    let table = fields.table("auth", |fields| {
        let header = fields.checked("header", check::header_name);
        let query = fields.checked("query", check::member);
        let aws = fields.table("aws", read_aws).flatten();
        match (header, query, aws) {
            (Some(name), None, None) => Some(Auth::Header { name }),
            (None, Some(name), None) => Some(Auth::Query { name }),
            (None, None, Some(auth)) => Some(auth),
            _ => {
                let reason = "`auth` must have one of `header`, `query` and `aws`";
                fields.report(fields.place(), reason);
                None
            }
        }
    });
    table.flatten().unwrap_or(Auth::Bearer)
}

fn read_aws(fields: &Fields<'_>) -> Option<Auth> {
    fields.required_text("service");
    fields.required_text("region");
    let service = fields.checked("service", check::region);
    let region = fields.checked("region", check::region);
    Some(Auth::Aws { service: service?, region: region? })
}

fn check_credential(auth: &Auth, credential_env: Option<&str>, fields: &Fields<'_>) {
    let stated = credential_env.is_some() || fields.text("credential_env").is_some();
    match auth {
        Auth::None if stated => {
            fields.report(fields.place(), "`credential_env` has no use with `auth = \"none\"`");
        }
        Auth::Bearer
        | Auth::Header { .. }
        | Auth::Query { .. }
        | Auth::Aws { .. }
        | Auth::GoogleOauth
            if !stated =>
        {
            fields.report(
                fields.place(),
                "missing `credential_env`; or say `auth = \"none\"` if no credential is needed",
            );
        }
        Auth::None
        | Auth::Bearer
        | Auth::Header { .. }
        | Auth::Query { .. }
        | Auth::Aws { .. }
        | Auth::GoogleOauth => {}
    }
}

fn read_entry(provider: &At<String>, layer: usize, fields: &Fields<'_>) -> Option<Entry> {
    let provider = At { value: provider.value.clone(), place: fields.place().clone() };
    fields.required_text("model");
    let model = fields.checked("model", |text| {
        text.parse::<ModelSlug>().map_err(|_| format!("must be `author/name`, not `{text}`"))
    });
    let facts = read_facts(fields);
    let endpoint = endpoint_file::read(Some(provider), layer, fields);
    Some(Entry { model: model?, facts, endpoint: endpoint? })
}

fn read_data_policy(fields: &Fields<'_>) -> DataPolicy {
    let retention_days = fields.count("retention_days").map(|days| days.value);
    let retains = fields.flag("retains");
    if retention_days.is_some() && retains == Some(false) {
        fields.report(fields.place(), "`retention_days` contradicts `retains = false`");
    }
    DataPolicy {
        training: fields.flag("training").unwrap_or_default(),
        retains: retains.unwrap_or(retention_days.is_some()),
        retention_days,
        publishes: fields.flag("publishes").unwrap_or_default(),
    }
}

/// What is assumed of a provider that does not say: the worst, unless it is the operator's own.
fn unstated(auth: &Auth) -> DataPolicy {
    match auth {
        Auth::None => DataPolicy::default(),
        Auth::Bearer
        | Auth::Header { .. }
        | Auth::Query { .. }
        | Auth::Aws { .. }
        | Auth::GoogleOauth => {
            DataPolicy { training: true, retains: true, retention_days: None, publishes: false }
        }
    }
}

fn cancellation(text: &str) -> Result<Cancellation, String> {
    match text {
        "stops" => Ok(Cancellation::Stops),
        "bills_whole" => Ok(Cancellation::BillsWhole),
        _ => Err(format!("must be \"stops\" or \"bills_whole\", not `{text}`")),
    }
}
