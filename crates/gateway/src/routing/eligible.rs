//! Hard filters: who may serve a call at all. Each exclusion says why, in words for the caller.

use domain::catalog::{Endpoint, Modality, Model, PARAMETERS, Serving};
use domain::model::Variant;
use domain::pricing::{Price, Unit};
use domain::routing::{DataCollection, PriceText, ProviderPreferences};
use protocol::chat::request::{ChatRequest, Content, PartKind};
use protocol::error::{ErrorType, PublicError};

use crate::admit::estimate::Estimate;
use crate::error::GatewayError;
use crate::resolve::{ResolvedModel, offers};
use crate::routing::{Ask, Candidate};

/// The constraint of an endpoint that nobody is shown.
pub(crate) const HIDDEN: &str = "hidden";

/// The constraint that a model's kinds of input are.
pub(crate) const MODALITY: &str = "modality";

/// Why an endpoint can't serve a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The constraint, in the vocabulary of `error.availability.excluded_by`.
    pub field: &'static str,
    pub reason: String,
}

/// Everything that a call requires of an endpoint.
pub(crate) struct Requirements<'a> {
    preferences: &'a ProviderPreferences,
    request: &'a ChatRequest,
    estimate: &'a Estimate,
    model: &'a Model,
    variants: &'a [Variant],
    /// Kinds of content in the prompt besides text.
    modalities: Vec<Modality>,
}

/// Parameters that some endpoints of a model may lack: if others have them, those are used.
const SOFT_PARAMETERS: [&str; 3] = ["tools", "response_format", "verbosity"];

impl<'a> Requirements<'a> {
    pub(crate) fn of(ask: Ask<'a>, resolved: &'a ResolvedModel) -> Self {
        Self {
            preferences: &ask.request.provider,
            request: ask.request,
            estimate: ask.estimate,
            model: &resolved.model,
            variants: &resolved.variants,
            modalities: modalities(ask.request),
        }
    }

    /// Checks one endpoint against every filter, in the documented order.
    pub(crate) fn check(&self, endpoint: &Endpoint) -> Result<(), Exclusion> {
        let filters: [fn(&Self, &Endpoint) -> Option<Exclusion>; 10] = [
            Self::hidden,
            Self::variant,
            Self::data_policy,
            Self::allowed_providers,
            Self::quantization,
            Self::max_price,
            Self::context_length,
            Self::output_length,
            Self::modality,
            Self::parameters,
        ];
        filters.iter().find_map(|filter| filter(self, endpoint)).map_or(Ok(()), Err)
    }

    fn hidden(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        let served = self.model.slug == endpoint.model
            && !endpoint.hidden
            && endpoint.provider.serving != Serving::Hidden;
        (!served).then(|| exclude(HIDDEN, "not offered here"))
    }

    fn variant(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        let missing =
            self.variants.iter().find(|variant| !offers(self.model, endpoint, **variant))?;
        Some(exclude(
            "variant",
            match missing {
                Variant::Free => "`:free` asks for an endpoint that costs nothing",
                Variant::Extended => "`:extended` asks for an endpoint with the longest context",
                _ => "`:thinking` asks for an endpoint that can be made to reason",
            },
        ))
    }

    fn data_policy(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        let policy = &endpoint.provider.data_policy;
        if self.preferences.zdr == Some(true) && !policy.zero_data_retention() {
            return Some(exclude("data_policy:zdr", "`provider.zdr` asks for zero data retention"));
        }
        let denied = self.preferences.data_collection == Some(DataCollection::Deny);
        (denied && (policy.training || policy.publishes)).then(|| {
            exclude(
                "data_policy:training",
                "`provider.data_collection` is `deny` and the provider trains on prompts",
            )
        })
    }

    fn allowed_providers(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        let names = |list: &[String]| list.iter().any(|slug| matches(slug, endpoint));
        let preferences = self.preferences;
        if preferences.ignore.as_deref().is_some_and(names) {
            return Some(exclude("allowed_providers", "`provider.ignore` leaves the provider out"));
        }
        if preferences.only.as_deref().is_some_and(|only| !only.is_empty() && !names(only)) {
            return Some(exclude(
                "allowed_providers",
                "`provider.only` does not list the provider",
            ));
        }
        let ordered = preferences.order.as_deref().unwrap_or_default();
        let outside = !ordered.is_empty() && !names(ordered);
        (outside && preferences.allow_fallbacks == Some(false)).then(|| {
            exclude(
                "allowed_providers",
                "`provider.order` does not list the provider and `allow_fallbacks` is false",
            )
        })
    }

    fn quantization(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        // An empty list states no preference.
        let wanted = self.preferences.quantizations.as_deref().filter(|list| !list.is_empty())?;
        let has = endpoint.quantization.as_deref().unwrap_or("unknown");
        (!wanted.iter().any(|name| name == has))
            .then(|| exclude("quantization", "`provider.quantizations` does not list it"))
    }

    fn max_price(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        let bounds = self.preferences.max_price.as_ref()?;
        let too_dear = bounds.iter().any(|(name, bound)| match price_bound(name, bound) {
            Some((unit, bound)) => endpoint.prices.price(unit) > bound,
            None => false,
        });
        too_dear.then(|| exclude("max_price", "`provider.max_price` is lower than its price"))
    }

    fn context_length(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        let prompt = self.estimate.context_tokens();
        let limit = endpoint.max_prompt_tokens.unwrap_or(endpoint.context_length);
        (prompt > u64::from(limit))
            .then(|| exclude("context_length", "the prompt is longer than its context"))
    }

    fn output_length(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        let wanted = self.estimate.output_bound?;
        (wanted > endpoint.output_tokens_max())
            .then(|| exclude("context_length", "`max_tokens` is more than it can produce"))
    }

    fn modality(&self, _: &Endpoint) -> Option<Exclusion> {
        let missing =
            self.modalities.iter().find(|kind| !self.model.input_modalities.contains(kind))?;
        Some(exclude(MODALITY, &format!("the model does not take {} input", missing.as_str())))
    }

    fn parameters(&self, endpoint: &Endpoint) -> Option<Exclusion> {
        if self.preferences.require_parameters != Some(true) {
            return None;
        }
        let missing = self
            .request
            .parameters
            .iter()
            .map(|(name, _)| name.as_str())
            .find(|name| PARAMETERS.contains(name) && !endpoint.supports(name))?;
        Some(exclude(
            "require_parameters",
            &format!("it does not support `{missing}` and `provider.require_parameters` is set"),
        ))
    }

    /// Leaves only endpoints that support the soft parameters of the request, if there are any.
    pub(crate) fn prefer_supporting(
        &self,
        candidates: &mut Vec<Candidate>,
        excluded: &mut Vec<(String, Exclusion)>,
    ) {
        for name in SOFT_PARAMETERS {
            let supports = |candidate: &Candidate| candidate.endpoint.supports(name);
            if self.request.parameter(name).is_some() && candidates.iter().any(supports) {
                let without = candidates.extract_if(.., |candidate| !supports(candidate));
                excluded.extend(without.map(|candidate| {
                    let reason = format!("others of this model support `{name}`, it does not");
                    (candidate.endpoint.id.clone(), exclude("parameters", &reason))
                }));
            }
        }
    }
}

pub(crate) fn exclude(field: &'static str, reason: &str) -> Exclusion {
    Exclusion { field, reason: reason.to_owned() }
}

/// Whether a slug names an endpoint: the provider's slug names all its endpoints, a longer one
/// exactly one.
pub(crate) fn matches(slug: &str, endpoint: &Endpoint) -> bool {
    slug.eq_ignore_ascii_case(&endpoint.provider.slug)
        || slug.eq_ignore_ascii_case(&endpoint.tag)
        || slug.eq_ignore_ascii_case(&endpoint.provider.name)
}

/// `max_price` counts tokens by the million and everything else by the piece.
fn price_bound(name: &str, text: &PriceText) -> Option<(Unit, Price)> {
    let (unit, per_million) = match name {
        "prompt" => (Unit::Prompt, true),
        "completion" => (Unit::Completion, true),
        "audio" => (Unit::AudioInput, true),
        "request" => (Unit::Request, false),
        "image" => (Unit::ImageInput, false),
        _ => return None,
    };
    let price = if per_million {
        Price::parse_per_million(&text.0)
    } else {
        Price::parse_per_unit(&text.0)
    };
    price.ok().map(|price| (unit, price))
}

const fn modality_of(kind: &PartKind) -> Option<Modality> {
    match kind {
        PartKind::Text { .. } => None,
        PartKind::Image => Some(Modality::Image),
        PartKind::Audio => Some(Modality::Audio),
        PartKind::Video => Some(Modality::Video),
        PartKind::File => Some(Modality::File),
    }
}

/// Where a part stands: the name of a list, the place in it, and the part's own.
type Place = (&'static str, usize, usize);

/// Every part that is no text, with where it stands.
fn media(request: &ChatRequest) -> impl Iterator<Item = (Modality, Place)> {
    request.contents().flat_map(|(list, at, content)| {
        let parts = match content {
            Content::Parts(parts) => parts.as_slice(),
            Content::None | Content::Text(_) => &[],
        };
        let kinds = parts.iter().enumerate();
        kinds.filter_map(move |(part, kind)| Some((modality_of(&kind.kind)?, (list, at, part))))
    })
}

pub(crate) fn modalities(request: &ChatRequest) -> Vec<Modality> {
    let mut found = Vec::new();
    for (modality, _) in media(request) {
        if !found.contains(&modality) {
            found.push(modality);
        }
    }
    found
}

/// The refusal of a prompt with something in it that no model asked for takes.
pub(crate) fn not_taken(ask: Ask<'_>) -> GatewayError {
    let models = || ask.resolved.models.iter().map(|resolved| &resolved.model);
    let nobody_takes =
        |kind: &Modality| models().all(|model| !model.input_modalities.contains(kind));
    // Two models may each lack something else: then the first thing that one of them lacks.
    let found = media(ask.request)
        .find(|(kind, _)| nobody_takes(kind))
        .or_else(|| media(ask.request).next());
    let (kind, (list, at, part)) = found.unwrap_or((Modality::Text, ("messages", 0, 0)));
    let field = ask.request.place_of(list, at, part);
    let names: Vec<&str> = models().map(|model| model.slug.as_str()).collect();
    let text = format!(
        "`{field}` is {kind} input, which {names} does not take. Leave it out, or ask a model \
         that takes it: GET /api/v1/models?input_modalities={kind} lists them.",
        kind = kind.as_str(),
        names = names.join(", "),
    );
    GatewayError::Invalid(Box::new(
        PublicError::new(ErrorType::InvalidRequest, text).with_metadata("field", field),
    ))
}
