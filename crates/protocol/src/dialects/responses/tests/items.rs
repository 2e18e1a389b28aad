//! Items of the input to messages.

use serde_json::{Value, json};

use super::{read, refusal};
use crate::chat::request::{Content, Role};
use crate::chat::view::{PartView, Source};

fn with_input(input: Value) -> Value {
    let mut body = json!({ "model": "a/b" });
    body["input"] = input;
    body
}

#[test]
fn text_is_a_message_and_instructions_come_first() {
    let mut body = with_input(json!("Hello"));
    body["instructions"] = json!("Be brief.");
    let request = read(&body).request;
    let said: Vec<_> =
        request.messages.iter().map(|it| (it.role, it.plain_text().into_owned())).collect();
    assert_eq!(said, [(Role::System, "Be brief.".into()), (Role::User, "Hello".into())]);
}

#[test]
fn items_need_neither_id_nor_status_nor_type() {
    let request = read(&with_input(json!([
        { "role": "developer", "content": "Be kind." },
        { "type": "message", "role": "system", "content": [{ "type": "input_text", "text": "!" }] },
        { "role": "user", "content": [{ "type": "input_text", "text": "Hi" }], "id": "msg_1" },
        { "role": "assistant", "content": [
            { "type": "output_text", "text": "Hel", "annotations": [], "logprobs": [] },
            { "type": "output_text", "text": "lo" }] },
        { "role": "user", "content": "Go on" }])))
    .request;
    let roles: Vec<_> = request.messages.iter().map(|it| it.role).collect();
    let expected = [Role::Developer, Role::System, Role::User, Role::Assistant, Role::User];
    assert_eq!(roles, expected);
    assert!(matches!(&request.messages[2].content, Content::Text(text) if text == "Hi"));
    assert!(matches!(&request.messages[3].content, Content::Text(text) if text == "Hello"));
}

#[test]
fn parallel_calls_are_one_message_and_each_result_its_own() {
    let call = |id: &str| json!({ "type": "function_call", "call_id": id, "name": "find", "arguments": "" });
    let result = |id: &str, output: Value| {
        let mut item = json!({ "type": "function_call_output", "call_id": id });
        item["output"] = output;
        item
    };
    let image = json!([{ "type": "input_text", "text": "see" },
        { "type": "input_image", "image_url": "https://a.example/b.png", "detail": "low" }]);
    let request = read(&with_input(json!([
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": "Looking." },
        call("a"), call("b"), result("b", json!("two")), result("a", image),
        call("c"), result("c", json!([]))])))
    .request;
    let roles: Vec<_> = request.messages.iter().map(|it| it.role).collect();
    let (assistant, tool) = (Role::Assistant, Role::Tool);
    assert_eq!(roles, [Role::User, assistant, tool, tool, assistant, tool]);
    let calls = request.messages[1].tool_calls();
    assert_eq!(calls.iter().map(|call| &*call.id).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(calls[0].arguments, "{}");
    assert_eq!(request.messages[2].tool_call_id().as_deref(), Some("b"));
    assert_eq!(request.messages[2].plain_text(), "two");
    let Content::Parts(parts) = &request.messages[3].content else { panic!() };
    assert!(matches!(parts[1].view(), PartView::Image { source: Source::Url(_), .. }));
    assert!(matches!(&request.messages[5].content, Content::Text(text) if text.is_empty()));
}

#[test]
fn parts_take_the_form_of_chat_completions() {
    let request = read(&with_input(json!([{ "role": "user", "content": [
        { "type": "input_text", "text": "a", "cache_control": { "type": "ephemeral" } },
        { "type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=" },
        { "type": "input_image", "file_id": "file-1", "detail": "auto" },
        { "type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0=" },
        { "type": "input_file", "filename": "b.pdf", "file_data": "JVBERi0=" },
        { "type": "input_file", "file_url": "https://a.example/c.pdf" },
        { "type": "input_file", "file_id": "file-2" },
        { "type": "input_audio", "input_audio": { "data": "UklGRg==", "format": "wav" } },
        { "type": "input_video", "video_url": "https://a.example/d.mp4" }] }])))
    .request;
    let Content::Parts(parts) = &request.messages[0].content else { panic!() };
    assert!(parts[0].cache_mark().is_some());
    let source = |index: usize| match parts[index].view() {
        PartView::Image { source, .. }
        | PartView::File { source, .. }
        | PartView::Video(source) => match source {
            Source::Url(url) => format!("url {url}"),
            Source::Inline { media_type, base64 } => format!("{media_type} {base64}"),
            Source::Id(id) => format!("id {id}"),
        },
        view => panic!("{view:?}"),
    };
    assert_eq!(source(1), "image/png iVBORw0KGgo=");
    assert_eq!(source(2), "id file-1");
    assert_eq!(source(3), "application/pdf JVBERi0=");
    assert_eq!(source(4), "application/pdf JVBERi0=");
    assert_eq!(source(5), "url https://a.example/c.pdf");
    assert_eq!(source(6), "id file-2");
    assert!(matches!(parts[7].view(), PartView::Audio { .. }));
    assert_eq!(source(8), "url https://a.example/d.mp4");
}

#[test]
fn what_is_not_known_is_for_upstreams_of_this_dialect() {
    let body = with_input(json!([
        { "role": "user", "content": "Hi" },
        { "type": "web_search_call", "id": "ws_1", "status": "completed" },
        { "type": "from_the_future", "x": [1, 2] }]));
    let request = read(&body).request;
    assert_eq!(request.messages.len(), 1);
    let native = request.native.unwrap();
    assert_eq!(native.unconverted, ["input[1]", "input[2]"]);
    assert_eq!(
        serde_json::from_str::<Value>(native.member("input").unwrap().get()).unwrap(),
        body["input"]
    );
}

#[test]
fn wrong_items_are_refused_by_their_path() {
    let user = json!({ "role": "user", "content": "Hi" });
    let part = |part: Value| json!([{ "role": "user", "content": [part] }]);
    for (input, field) in [
        (json!(7), "input"),
        (json!(""), "input"),
        (json!([]), "input"),
        (json!(["Hi"]), "input[0]"),
        (json!([{}]), "input[0].type"),
        (json!([{ "role": "tool", "content": "x" }]), "input[0].role"),
        (json!([{ "type": "message", "content": "x" }]), "input[0].role"),
        (json!([{ "role": "user" }]), "input[0].content"),
        (json!([{ "role": "user", "content": [] }]), "input[0].content"),
        (json!([{ "role": "user", "content": 7 }]), "input[0].content"),
        (part(json!("x")), "input[0].content[0]"),
        (part(json!({ "type": "output_image" })), "input[0].content[0].type"),
        (part(json!({ "type": "input_text" })), "input[0].content[0].text"),
        (part(json!({ "type": "refusal", "refusal": "x" })), "input[0].content[0].type"),
        (part(json!({ "type": "input_image" })), "input[0].content[0].image_url"),
        (
            part(json!({ "type": "input_image", "image_url": "ftp://x" })),
            "input[0].content[0].image_url",
        ),
        (
            part(json!({ "type": "input_image", "image_url": "data:image/png;base64,AAAA" })),
            "input[0].content[0].image_url",
        ),
        (
            part(json!({ "type": "input_image", "image_url": "https://x/y", "detail": "huge" })),
            "input[0].content[0].detail",
        ),
        (part(json!({ "type": "input_file" })), "input[0].content[0]"),
        (
            part(json!({ "type": "input_file", "file_data": "data:x" })),
            "input[0].content[0].file_data",
        ),
        (part(json!({ "type": "input_audio" })), "input[0].content[0].input_audio"),
        (
            json!([{ "role": "system", "content": [{ "type": "input_image" }] }]),
            "input[0].content[0].type",
        ),
        (
            json!([user, { "type": "function_call", "name": "f", "arguments": "{}" }]),
            "input[1].call_id",
        ),
        (
            json!([user, { "type": "function_call", "call_id": "a", "name": "", "arguments": "" }]),
            "input[1].name",
        ),
        (
            json!([user, { "type": "function_call", "call_id": "a", "name": "f", "arguments": {} }]),
            "input[1].arguments",
        ),
        (
            json!([user, { "type": "function_call_output", "call_id": "a", "output": "x" }]),
            "input[1].call_id",
        ),
        (json!([user, { "type": "item_reference", "id": "msg_1" }]), "input[1].id"),
        (json!([user, { "type": "reasoning", "summary": "x" }]), "input[1].summary"),
        (json!([user, { "type": "reasoning", "summary": [{}] }]), "input[1].summary[0].text"),
    ] {
        let (named, envelope) = refusal(&with_input(input.clone()));
        assert_eq!(named, field, "{input} {envelope}");
        assert_eq!(envelope["error"]["code"], 400, "{envelope}");
    }
}
