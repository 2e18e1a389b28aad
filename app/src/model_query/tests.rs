use super::*;

fn row(slug: &str, prompt: i64, context: u32) -> ModelRow {
    let name = format!("Maker: {slug}");
    ModelRow {
        search_text: search_text(slug, &name),
        slug: slug.to_owned(),
        name,
        providers: vec!["deepinfra".to_owned(), "together".to_owned()],
        context,
        prompt,
        completion: prompt * 2,
        created: 1_700_000_000,
        free: prompt == 0,
        inputs: 0b11,
        parameters: 1 << 20 | 1,
    }
}

#[test]
fn a_row_survives_its_attribute() {
    let row = row("qwen/qwen3-32b", 100_000_000, 131_072);
    assert_eq!(ModelRow::from_attribute(&row.to_attribute()), Some(row));
    assert_eq!(ModelRow::from_attribute("nonsense"), None);
}

#[test]
fn a_query_survives_its_text() {
    let text = "?q=qwen+%26+co&input=image&provider=together&max_price=0.5&context=32000&free=1&sort=price-low";
    let query = ModelQuery::parse(text);
    assert_eq!(query.words, "qwen & co");
    assert_eq!(query.context_min, 32_000);
    assert_eq!(query.to_query(), text);
    assert_eq!(ModelQuery::default().to_query(), "");
}

#[test]
fn absurd_queries_ask_for_nothing() {
    let query = ModelQuery::parse("context=-1&sort=sideways&x=y&%%%=%zz&max_price=cheap&&=");
    assert_eq!(query.context_min, 0);
    assert_eq!(query.sort, ModelSort::Newest);
    assert!(query.matches(&row("a/b", 1, 1)));
    assert!(ModelQuery::parse(&format!("q={}", "x".repeat(5_000))).words.len() <= 100);
}

#[test]
fn each_condition_narrows() {
    let model = row("qwen/qwen3-32b", 100_000_000, 131_072);
    for (query, expected) in [
        ("", true),
        ("q=QWEN+maker", true),
        ("q=llama", false),
        ("author=qwen", true),
        ("author=meta", false),
        ("provider=together", true),
        ("provider=groq", false),
        ("input=image", true),
        ("input=video", false),
        ("input=smell", false),
        ("parameter=temperature", true),
        ("parameter=top_p", false),
        ("max_price=0.1", true),
        ("max_price=0.09", false),
        ("context=131072", true),
        ("context=131073", false),
        ("free=1", false),
    ] {
        assert_eq!(ModelQuery::parse(query).matches(&model), expected, "{query}");
    }
}

#[test]
fn orders_are_total() {
    let (cheap, dear) = (row("b/cheap", 1, 10), row("a/dear", 9, 99));
    for (sort, expected) in [
        ("price-low", Ordering::Less),
        ("price-high", Ordering::Greater),
        ("context", Ordering::Greater),
        ("name", Ordering::Greater),
        ("newest", Ordering::Greater),
    ] {
        let query = ModelQuery::parse(&format!("sort={sort}"));
        assert_eq!(query.compare(&cheap, &dear), expected, "{sort}");
    }
}
