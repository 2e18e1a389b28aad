//! OpenAI's models at Azure.

use http::{HeaderMap, StatusCode};
use protocol::dialects::chat_completions;
use protocol::error::ErrorType;
use providers::adapter::{Adapter, Target};
use providers::azure_openai::AzureOpenAi;
use providers::error::Retry;
use serde_json::json;

use crate::support::{self, Fixture};

#[test]
fn recorded_answers_become_events() {
    for Fixture { name, body } in support::answers("azure_openai") {
        let events = support::decoded(AzureOpenAi.decoder(), [&body[..]]);
        insta::assert_snapshot!(format!("decode_{name}"), events);
    }
}

#[test]
fn any_cut_gives_the_same_events_and_no_damage_a_panic() {
    support::check_decoder(&AzureOpenAi, &support::answers("azure_openai"));
}

#[test]
fn addresses_are_of_the_new_api_or_of_a_deployment() {
    let mut endpoint = support::endpoint("azure_openai", "https://mine.openai.azure.test");
    let body = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    let request = chat_completions::decode(body.to_string().as_bytes()).unwrap();
    let mut address = |version: Option<&str>| {
        endpoint.quirks.api_version = version.map(str::to_owned);
        let target = Target { endpoint: &endpoint, base_url: &endpoint.provider.base_url };
        AzureOpenAi.encode(&request, &target).unwrap().request.uri().to_string()
    };
    assert_eq!(address(None), "https://mine.openai.azure.test/openai/v1/chat/completions");
    let dated = "https://mine.openai.azure.test/openai/deployments/b-large/chat/completions\
                 ?api-version=2024-10-21";
    assert_eq!(address(Some("2024-10-21")), dated);
}

#[test]
fn a_filtered_prompt_is_told_from_a_bad_request() {
    let body = br#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"violence":{"filtered":true,"severity":"medium"}}}}}"#;
    let error = AzureOpenAi.classify(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
    assert_eq!((error.kind, error.retry), (ErrorType::ContentPolicyViolation, Retry::Other));
    let body = br#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#;
    let error = AzureOpenAi.classify(StatusCode::NOT_FOUND, &HeaderMap::new(), body);
    assert_eq!((error.kind, error.retry), (ErrorType::NotFound, Retry::Other));
}
