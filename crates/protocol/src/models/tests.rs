use std::sync::Arc;

use domain::catalog::{
    Auth, Cancellation, DataPolicy, Endpoint, Modality, Model, Provider, Quirks, Serving,
};
use domain::pricing::{Price, PriceSheet, Unit};

use super::{EndpointsReply, ModelList, ProviderList};

fn provider() -> Provider {
    Provider {
        slug: "groq".into(),
        name: "Groq".into(),
        dialect: "openai_compatible".into(),
        base_url: "https://api.groq.com/openai/v1".into(),
        auth: Auth::Bearer,
        credential_env: Some("GROQ_API_KEY".into()),
        quirks: Quirks::default(),
        data_policy: DataPolicy::default(),
        cancellation: Cancellation::Stops,
        regions: vec![],
        headquarters: Some("US".into()),
        datacenters: vec!["US".into()],
        terms_url: Some("https://groq.com/terms".into()),
        privacy_url: None,
        status_url: None,
        serving: Serving::Live,
    }
}

fn model() -> Model {
    let prices = PriceSheet::default()
        .with(Unit::Prompt, Price::parse_per_million("0.05").unwrap())
        .with(Unit::Completion, Price::parse_per_million("0.08").unwrap())
        .with(Unit::CacheRead, Price::parse_per_million("0.025").unwrap());
    let endpoint = Endpoint {
        id: "meta-llama/llama-3.1-8b-instruct@groq".into(),
        model: "meta-llama/llama-3.1-8b-instruct".parse().unwrap(),
        provider: Arc::new(provider()),
        tag: "groq".into(),
        upstream_model: "llama-3.1-8b-instant".into(),
        context_length: 131_072,
        max_prompt_tokens: None,
        max_completion_tokens: Some(8_192),
        quantization: None,
        supported_parameters: vec!["max_tokens".into(), "temperature".into(), "tools".into()],
        prices,
        regions: vec![],
        hidden: false,
        quirks: Quirks::default(),
    };
    let hidden = Endpoint { hidden: true, ..endpoint.clone() };
    Model {
        slug: "meta-llama/llama-3.1-8b-instruct".parse().unwrap(),
        canonical_slug: "meta-llama/llama-3.1-8b-instruct".into(),
        name: "Meta: Llama 3.1 8B Instruct".into(),
        description: "Small and quick.".into(),
        created: 1_721_692_800,
        context_length: 131_072,
        input_modalities: vec![Modality::Text, Modality::Image],
        output_modalities: vec![Modality::Text],
        tokenizer: "Llama3".into(),
        instruct_type: Some("llama3".into()),
        hugging_face_id: Some("meta-llama/Meta-Llama-3.1-8B-Instruct".into()),
        knowledge_cutoff: Some("2023-12-31".into()),
        expiration_date: None,
        open_weights: true,
        endpoints: vec![Arc::new(endpoint), Arc::new(hidden)],
    }
}

#[test]
fn models_endpoints_and_providers_have_their_public_shape() {
    insta::assert_json_snapshot!("models", ModelList::all([&model()]));
    insta::assert_json_snapshot!("endpoints", EndpointsReply::new(&model()));
    insta::assert_json_snapshot!("providers", ProviderList::new([&provider()]));
}
