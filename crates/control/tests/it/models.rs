use crate::world::{World, settings, shipped};

#[tokio::test]
async fn models_are_found_by_words() {
    let world = World::with(settings(), shipped()).await;
    let models = world.control.models();
    let all = models.catalog().models().len();
    assert_eq!(models.search("").len(), all);
    assert_eq!(models.search("  ").len(), all);
    let found = models.search("LLAMA 3.3");
    let named: Vec<&str> = found.iter().map(|model| model.slug.as_str()).collect();
    // The second is only described so: its description names its successor.
    assert_eq!(named, ["meta-llama/llama-3.3-70b-instruct", "meta-llama/llama-3.1-70b-instruct"]);
    assert!(models.search("no such thing").is_empty());
    assert!(models.search("llama").is_sorted_by(|a, b| {
        let is_named = |model: &domain::catalog::Model| model.slug.as_str().contains("llama");
        is_named(a) != is_named(b) || a.created >= b.created
    }));
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
