use control::{ModelQuery, ModelSort};
use domain::catalog::Modality;
use domain::pricing::{Price, Unit};

use crate::world::{World, settings, shipped};

#[tokio::test]
async fn models_are_found_by_what_is_asked_of_them() {
    let world = World::with(settings(), shipped()).await;
    let models = world.control.models();
    let slugs = |query: ModelQuery| {
        models.list(&query).into_iter().map(|model| model.slug.to_string()).collect::<Vec<_>>()
    };
    let any = ModelQuery::default;
    let all = models.catalog().models().len();
    assert_eq!(slugs(any()).len(), all);
    assert_eq!(slugs(ModelQuery { q: Some("  ".to_owned()), ..any() }).len(), all);

    let named = slugs(ModelQuery { q: Some("LLAMA 3.3".to_owned()), ..any() });
    // The second is only described so: its description names its successor.
    assert_eq!(named, ["meta-llama/llama-3.3-70b-instruct", "meta-llama/llama-3.1-70b-instruct"]);
    assert!(slugs(ModelQuery { q: Some("no such thing".to_owned()), ..any() }).is_empty());

    let by_author = slugs(ModelQuery { author: Some("anthropic".to_owned()), ..any() });
    assert!(!by_author.is_empty() && by_author.iter().all(|slug| slug.starts_with("anthropic/")));
    let seeing = models.list(&ModelQuery { modality: Some(Modality::Image), ..any() });
    assert!(!seeing.is_empty() && seeing.len() < all);
    let long = models.list(&ModelQuery { context_min: Some(1_000_000), ..any() });
    assert!(!long.is_empty() && long.iter().all(|model| model.context_length >= 1_000_000));
    let price = Price::parse_per_million("0.1").unwrap();
    let cheap = models.list(&ModelQuery { max_price: Some(price), ..any() });
    assert!(!cheap.is_empty() && cheap.len() < all);
    let at_groq = slugs(ModelQuery { provider: Some("groq".to_owned()), ..any() });
    assert!(at_groq.contains(&"meta-llama/llama-3.3-70b-instruct".to_owned()));
    let calling = models.list(&ModelQuery { parameter: Some("tools".to_owned()), ..any() });
    assert!(!calling.is_empty() && calling.len() < all);
    // The conditions hold for the same endpoint: nothing is free at Groq.
    let free = ModelQuery { free: true, ..any() };
    assert!(!slugs(free.clone()).is_empty());
    assert!(slugs(ModelQuery { provider: Some("groq".to_owned()), ..free }).is_empty());
}

#[tokio::test]
async fn models_are_sorted_as_asked() {
    let world = World::with(settings(), shipped()).await;
    let models = world.control.models();
    let sorted = |sort| models.list(&ModelQuery { sort, ..ModelQuery::default() });
    assert!(sorted(ModelSort::Newest).is_sorted_by(|a, b| a.created >= b.created));
    assert!(sorted(ModelSort::Context).is_sorted_by(|a, b| a.context_length >= b.context_length));
    assert!(
        sorted(ModelSort::Name).is_sorted_by(|a, b| a.name.to_lowercase() <= b.name.to_lowercase())
    );
    let prompt = |model: &domain::catalog::Model| {
        let prices = model.cheapest().unwrap().prices;
        [Unit::Prompt, Unit::Completion].map(|unit| prices.price(unit).nanos_per_million())
    };
    let total = |model: &domain::catalog::Model| prompt(model).iter().sum::<i64>();
    assert!(sorted(ModelSort::PriceLow).is_sorted_by(|a, b| total(a) <= total(b)));
    assert!(sorted(ModelSort::PriceHigh).is_sorted_by(|a, b| total(a) >= total(b)));
    for sort in ModelSort::ALL {
        assert_eq!(sort.as_str().parse(), Ok(sort));
    }
}

#[tokio::test]
async fn a_model_and_the_providers_can_be_read() {
    let world = World::with(settings(), shipped()).await;
    let models = world.control.models();
    let found = models.find("openai/gpt-4o-mini").unwrap();
    assert_eq!(found.name, "OpenAI: GPT-4o-mini");
    assert!(models.find("openai/gpt-0").is_none());
    assert!(models.find("").is_none());
    let providers = models.providers();
    assert!(providers.is_sorted_by(|a, b| a.slug < b.slug));
    assert!(providers.iter().any(|provider| provider.slug == "openai"));
}
