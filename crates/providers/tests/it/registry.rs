//! The slice of adapters is what it says it is.

use providers::ADAPTERS;
use providers::adapter::Adapter;

#[test]
fn adapters_are_unique_sorted_and_have_fixtures() {
    let slugs: Vec<&str> = ADAPTERS.iter().map(|adapter| adapter.slug()).collect();
    let mut sorted = slugs.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(slugs, sorted);
    for slug in slugs {
        assert_eq!(providers::find(slug).map(Adapter::slug), Some(slug));
        let fixtures = format!("{}/tests/it/fixtures/{slug}", env!("CARGO_MANIFEST_DIR"));
        assert!(
            std::fs::read_dir(&fixtures).is_ok_and(|mut dir| dir.next().is_some()),
            "{fixtures}"
        );
    }
    assert!(providers::find("esperanto").is_none());
}
