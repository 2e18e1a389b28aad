//! Decides what the files mean together.
//!
//! - A provider file replaces the one of the same slug in an earlier source, entries included.
//! - A model file adds to the one of the same slug in an earlier source: the facts it states
//!   replace those stated earlier, and an endpoint replaces the earlier one of the same tag.
//! - A `[[models]]` entry of a provider is an endpoint like any other. What it says about the
//!   model counts where no model file says it.

use domain::catalog::{Auth, Catalog, Endpoint, Modality, Model, Provider, Quirks, Serving};
use domain::model::ModelSlug;
use domain::pricing::{Price, PriceSheet, Unit};
use domain::secret::Secret;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::endpoint_file::EndpointText;
use super::model_file::{ModelFacts, ModelText};
use super::provider_file::ProviderText;
use super::{Loaded, Place, Problems, Without, check, placeholder};

/// What local servers commonly take. An endpoint that takes more or less lists its own.
const PARAMETERS_DEFAULT: [&str; 11] = [
    "frequency_penalty",
    "max_tokens",
    "presence_penalty",
    "response_format",
    "seed",
    "stop",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];

/// The context of a model that only a provider's entry describes and that says none.
const CONTEXT_DEFAULT: u32 = 8_192;

pub(super) struct Join<'a> {
    pub(super) credential: &'a dyn Fn(&str) -> Option<String>,
    pub(super) without: &'a Without,
    /// The slugs of providers whose files could not be read, which is problem enough.
    pub(super) unread: BTreeSet<String>,
    /// The slugs of the known adapters.
    pub(super) dialects: &'a [&'a str],
    pub(super) problems: &'a Problems,
}

/// A model as it has been put together so far.
struct Draft {
    /// Of the first file that mentions it.
    place: Place,
    /// From model files.
    stated: ModelFacts,
    /// From providers' entries.
    mentioned: ModelFacts,
    has_file: bool,
    endpoints: Vec<EndpointText>,
}

impl Join<'_> {
    pub(super) fn join(
        &self,
        providers: Vec<ProviderText>,
        models: Vec<ModelText>,
        version: u64,
    ) -> Loaded {
        let mut by_slug: BTreeMap<String, ProviderText> = BTreeMap::new();
        for provider in providers {
            by_slug.insert(provider.slug.clone(), provider);
        }
        let drafts = self.drafts(models, &mut by_slug);

        let mut credentials = HashMap::new();
        let providers: BTreeMap<String, Arc<Provider>> = by_slug
            .into_values()
            .map(|text| (text.slug.clone(), Arc::new(self.provider(text, &mut credentials))))
            .collect();
        let models = drafts
            .into_iter()
            .filter_map(|(slug, draft)| self.model(slug, draft, &providers))
            // What nobody can be asked for does not exist, as far as anybody can tell.
            .filter(|model| model.endpoints.iter().any(|endpoint| !endpoint.hidden))
            .collect();
        let shown = providers
            .into_values()
            .filter(|provider| provider.serving != Serving::Hidden)
            .collect();
        let version = version ^ self.serving_fingerprint(&credentials);
        Loaded { catalog: Catalog::new(models, shown, version), credentials }
    }

    fn drafts(
        &self,
        models: Vec<ModelText>,
        providers: &mut BTreeMap<String, ProviderText>,
    ) -> BTreeMap<ModelSlug, Draft> {
        let mut drafts: BTreeMap<ModelSlug, Draft> = BTreeMap::new();
        for model in models {
            let draft = drafts.entry(model.slug).or_insert_with(|| Draft::new(model.place));
            draft.has_file = true;
            draft.stated = model.facts.or(std::mem::take(&mut draft.stated));
            for endpoint in model.endpoints {
                self.add_endpoint(draft, endpoint);
            }
        }
        for provider in providers.values_mut() {
            for entry in std::mem::take(&mut provider.entries) {
                let place = entry.endpoint.place.clone();
                let draft = drafts.entry(entry.model).or_insert_with(|| Draft::new(place));
                draft.mentioned = std::mem::take(&mut draft.mentioned).or(entry.facts);
                self.add_endpoint(draft, entry.endpoint);
            }
        }
        drafts
    }

    fn add_endpoint(&self, draft: &mut Draft, endpoint: EndpointText) {
        let same = draft.endpoints.iter_mut().find(|other| other.tag.value == endpoint.tag.value);
        match same {
            None => draft.endpoints.push(endpoint),
            Some(other) if other.layer == endpoint.layer => {
                let reason = format!(
                    "another endpoint of this model has the tag `{}` ({}:{}); give one a suffix",
                    endpoint.tag.value,
                    other.place.file.display(),
                    other.place.line,
                );
                self.problems.report(&endpoint.place, reason);
            }
            Some(other) if other.layer < endpoint.layer => *other = endpoint,
            Some(_) => {}
        }
    }

    fn provider(
        &self,
        text: ProviderText,
        credentials: &mut HashMap<String, Secret<String>>,
    ) -> Provider {
        // Without an address there is a problem, and no catalog is made.
        let written = text.base_url.as_deref().unwrap_or_default();
        let filled = self.filled(written, &text.place);
        let serving = self.serving(&text, filled.is_some(), credentials);
        self.check_dialect(&text.quirks, &text.place);
        Provider {
            name: text.name,
            dialect: text.dialect,
            base_url: filled.unwrap_or_else(|| written.to_owned()),
            auth: text.auth,
            credential_env: text.credential_env,
            quirks: text.quirks,
            data_policy: text.data_policy,
            cancellation: text.cancellation,
            regions: text.regions,
            headquarters: text.headquarters,
            datacenters: text.datacenters,
            terms_url: text.terms_url,
            privacy_url: text.privacy_url,
            status_url: text.status_url,
            serving,
            slug: text.slug,
        }
    }

    /// An address with what the environment says for its placeholders; none while that is
    /// incomplete.
    fn filled(&self, base_url: &str, place: &Place) -> Option<String> {
        let value = |name: &str| {
            let value = (self.credential)(name).filter(|value| !value.trim().is_empty())?;
            if placeholder::is_value(value.trim()) {
                return Some(value.trim().to_owned());
            }
            let reason = format!(
                "the environment variable `{name}` holds characters that no part of an address has"
            );
            self.problems.report(place, reason);
            None
        };
        placeholder::fill(base_url, value).ok()
    }

    fn serving(
        &self,
        text: &ProviderText,
        has_address: bool,
        credentials: &mut HashMap<String, Secret<String>>,
    ) -> Serving {
        if text.auth == Auth::None && has_address {
            return Serving::Live;
        }
        let name = text.credential_env.as_deref().unwrap_or_default();
        let credential = (self.credential)(name).unwrap_or_default();
        let credential = credential.trim();
        if !credential.is_empty() && has_address {
            // A key of Google's is a JSON document, with spaces.
            let is_plain = |b: u8| b.is_ascii_graphic() || text.auth == Auth::GoogleOauth;
            if !credential.bytes().all(is_plain) {
                let reason = format!(
                    "the environment variable `{name}` holds characters that no credential has"
                );
                self.problems.report(&text.place, reason);
            }
            credentials.insert(text.slug.clone(), Secret::new(credential.to_owned()));
            return Serving::Live;
        }
        match self.without {
            Without::Sandbox { base_url } => {
                let base_url = base_url.trim_end_matches('/');
                let address = placeholder::stood_in(text.base_url.as_deref().unwrap_or_default());
                let path = check::path(&address);
                Serving::Sandbox { base_url: format!("{base_url}/{}{path}", text.slug) }
            }
            Without::Hidden => Serving::Hidden,
        }
    }

    fn model(
        &self,
        slug: ModelSlug,
        draft: Draft,
        providers: &BTreeMap<String, Arc<Provider>>,
    ) -> Option<Model> {
        let facts = draft.stated.or(draft.mentioned);
        let context_length = match facts.context_length {
            Some(tokens) => tokens,
            None if draft.has_file => {
                self.problems.report(&draft.place, "missing `context_length`");
                return None;
            }
            None => CONTEXT_DEFAULT,
        };
        if draft.endpoints.is_empty() {
            self.problems.report(&draft.place, "missing `[[endpoints]]`; somebody must serve it");
        }
        let endpoints = draft
            .endpoints
            .into_iter()
            .filter_map(|text| self.endpoint(&slug, context_length, text, providers))
            .map(Arc::new)
            .collect();
        Some(Model {
            canonical_slug: facts.canonical_slug.unwrap_or_else(|| slug.to_string()),
            name: facts.name.unwrap_or_else(|| format!("{}: {}", slug.author(), slug.name())),
            description: facts.description.unwrap_or_default(),
            created: facts.released.unwrap_or_default(),
            context_length,
            input_modalities: facts.input_modalities.unwrap_or_else(|| vec![Modality::Text]),
            output_modalities: facts.output_modalities.unwrap_or_else(|| vec![Modality::Text]),
            tokenizer: facts.tokenizer.unwrap_or_else(|| "Other".to_owned()),
            instruct_type: facts.instruct_type,
            hugging_face_id: facts.hugging_face_id,
            knowledge_cutoff: facts.knowledge_cutoff,
            expiration_date: facts.expiration_date,
            open_weights: facts.open_weights.unwrap_or_default(),
            endpoints,
            slug,
        })
    }

    fn check_dialect(&self, quirks: &Quirks, place: &Place) {
        if let Some(dialect) = &quirks.dialect
            && let Err(reason) = check::one_of(dialect, self.dialects)
        {
            self.problems.report(place, format!("`quirks.dialect` {reason}"));
        }
    }

    fn endpoint(
        &self,
        model: &ModelSlug,
        context_default: u32,
        text: EndpointText,
        providers: &BTreeMap<String, Arc<Provider>>,
    ) -> Option<Endpoint> {
        let Some(provider) = providers.get(&text.provider.value) else {
            if self.unread.contains(&text.provider.value) {
                return None;
            }
            let reason = format!(
                "there is no provider `{0}`; add `providers/{0}.toml`",
                text.provider.value
            );
            self.problems.report(&text.provider.place, reason);
            return None;
        };
        let context_length = text.context_length.as_ref().map_or(context_default, |at| at.value);
        for (name, bound) in [
            ("max_prompt_tokens", &text.max_prompt_tokens),
            ("max_completion_tokens", &text.max_completion_tokens),
        ] {
            if let Some(bound) = bound.as_ref().filter(|bound| bound.value > context_length) {
                let reason = format!("`{name}` is more than the context of {context_length}");
                self.problems.report(&bound.place, reason);
            }
        }
        self.check_dialect(&text.quirks, &text.place);
        let mut supported_parameters = text
            .parameters
            .unwrap_or_else(|| PARAMETERS_DEFAULT.iter().map(ToString::to_string).collect());
        supported_parameters.sort_unstable();
        Some(Endpoint {
            id: format!("{model}@{}", text.tag.value),
            model: model.clone(),
            prices: self.prices(text.prices, provider, &text.place),
            tag: text.tag.value,
            upstream_model: text.upstream_model,
            context_length,
            max_prompt_tokens: text.max_prompt_tokens.map(|at| at.value),
            max_completion_tokens: text.max_completion_tokens.map(|at| at.value),
            quantization: text.quantization,
            supported_parameters,
            regions: text.regions.unwrap_or_else(|| provider.regions.clone()),
            hidden: text.hidden || provider.serving == Serving::Hidden,
            quirks: text.quirks,
            provider: Arc::clone(provider),
        })
    }

    /// Nothing is free by omission, unless it is the operator's own server.
    fn prices(&self, mut sheet: PriceSheet, provider: &Provider, place: &Place) -> PriceSheet {
        for unit in [Unit::Prompt, Unit::Completion] {
            if sheet.stated(unit).is_some() {
                continue;
            }
            if provider.auth == Auth::None {
                sheet.set(unit, Price::FREE);
            } else {
                let reason = format!("missing `prices.{unit}`; write 0 if it costs nothing");
                self.problems.report(place, reason);
            }
        }
        sheet
    }

    /// Which providers are live is part of what a snapshot is.
    fn serving_fingerprint(&self, credentials: &HashMap<String, Secret<String>>) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let live: BTreeSet<&String> = credentials.keys().collect();
        let mut hasher = DefaultHasher::new();
        live.hash(&mut hasher);
        match self.without {
            Without::Sandbox { base_url } => base_url.hash(&mut hasher),
            Without::Hidden => 0_u8.hash(&mut hasher),
        }
        hasher.finish()
    }
}

impl Draft {
    fn new(place: Place) -> Self {
        Self {
            place,
            stated: ModelFacts::default(),
            mentioned: ModelFacts::default(),
            has_file: false,
            endpoints: Vec::new(),
        }
    }
}
