//! An answer of so many chunks in the form of each provider, piece by piece as it is sent.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use domain::generation::FinishReason;
use domain::usage::Usage;
use protocol::chat::event::{ChatEvent, Delta};

/// The text of a chunk: about a token.
const WORD: &str = " harbour";

/// None for a dialect that nobody has written an answer for.
pub(crate) fn answer(dialect: &str, chunks: u32) -> Option<Vec<Vec<u8>>> {
    Some(match dialect {
        "openai_compatible" | "azure_openai" => chat(chunks),
        "openai_responses" => responses(chunks),
        "anthropic" => anthropic(chunks),
        "google" | "vertex" => gemini(chunks),
        "bedrock" => bedrock(chunks),
        "cohere" => cohere(chunks),
        _ => return None,
    })
}

/// The short request among the seeds of the fuzz targets.
pub(crate) fn request(dialect: &str) -> std::io::Result<Vec<u8>> {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds");
    std::fs::read(format!("{seeds}/{dialect}/plain.json"))
}

/// What a decoder makes of such an answer.
pub(crate) fn events(chunks: u32) -> Vec<ChatEvent> {
    let mut events = vec![ChatEvent::Started {
        upstream_id: Some("chatcmpl-1".to_owned()),
        upstream_model: Some("model".to_owned()),
        system_fingerprint: None,
        service_tier: None,
    }];
    events.extend(
        (0..chunks).map(|_| ChatEvent::Delta { choice: 0, delta: Delta::Content(WORD.to_owned()) }),
    );
    events.push(ChatEvent::Finished {
        choice: 0,
        reason: FinishReason::Stop,
        native_reason: Some("stop".to_owned()),
        stop_sequence: None,
    });
    events.push(ChatEvent::Usage(Usage { prompt: 20, completion: 64, ..Usage::default() }));
    events
}

/// A beginning, the same piece so many times, and an end.
fn stream(first: &[&str], piece: &str, chunks: u32, last: &[&str]) -> Vec<Vec<u8>> {
    let middle = (0..chunks).map(|_| piece);
    let all = first.iter().copied().chain(middle).chain(last.iter().copied());
    all.map(|piece| piece.as_bytes().to_vec()).collect()
}

fn chat(chunks: u32) -> Vec<Vec<u8>> {
    const HEAD: &str = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","system_fingerprint":"fp_1","choices":[{"index":0,"#;
    let first = format!(
        r#"{HEAD}"delta":{{"role":"assistant","content":""}},"logprobs":null,"finish_reason":null}}]}}"#
    );
    let piece = format!(
        r#"{HEAD}"delta":{{"content":"{WORD}"}},"logprobs":null,"finish_reason":null}}]}}"#
    );
    let end = format!(r#"{HEAD}"delta":{{}},"logprobs":null,"finish_reason":"stop"}}]}}"#);
    let usage = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":64,"total_tokens":84}}"#;
    let event = |text: &str| format!("{text}\n\n");
    stream(
        &[&event(&first)],
        &event(&piece),
        chunks,
        &[&event(&end), &event(usage), "data: [DONE]\n\n"],
    )
}

/// A named event of a stream whose data say their name too.
fn event(data: &str) -> String {
    let name = data.split('"').nth(3).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}

fn responses(chunks: u32) -> Vec<Vec<u8>> {
    let text = WORD.repeat(chunks as usize);
    let item = format!(
        r#"{{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{{"type":"output_text","annotations":[],"text":"{text}"}}]}}"#
    );
    let first = [
        event(
            r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1700000000,"status":"in_progress","model":"m","output":[],"usage":null}}"#,
        ),
        event(
            r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
        ),
        event(
            r#"{"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"text":""}}"#,
        ),
    ];
    let piece = event(&format!(
        r#"{{"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"{WORD}","logprobs":[]}}"#
    ));
    let last = [
        event(&format!(
            r#"{{"type":"response.output_text.done","sequence_number":67,"item_id":"msg_1","output_index":0,"content_index":0,"text":"{text}","logprobs":[]}}"#
        )),
        event(&format!(
            r#"{{"type":"response.output_item.done","sequence_number":68,"output_index":0,"item":{item}}}"#
        )),
        event(&format!(
            r#"{{"type":"response.completed","sequence_number":69,"response":{{"id":"resp_1","object":"response","created_at":1700000000,"status":"completed","model":"m","output":[{item}],"usage":{{"input_tokens":20,"input_tokens_details":{{"cached_tokens":0}},"output_tokens":64,"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":84}}}}}}"#
        )),
    ];
    let (first, last) = (first.each_ref().map(String::as_str), last.each_ref().map(String::as_str));
    stream(&first, &piece, chunks, &last)
}

fn anthropic(chunks: u32) -> Vec<Vec<u8>> {
    let first = [
        event(
            r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":20,"output_tokens":1}}}"#,
        ),
        event(
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
    ];
    let piece = event(&format!(
        r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{WORD}"}}}}"#
    ));
    let last = [
        event(r#"{"type":"content_block_stop","index":0}"#),
        event(
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":64}}"#,
        ),
        event(r#"{"type":"message_stop"}"#),
    ];
    let (first, last) = (first.each_ref().map(String::as_str), last.each_ref().map(String::as_str));
    stream(&first, &piece, chunks, &last)
}

fn gemini(chunks: u32) -> Vec<Vec<u8>> {
    let piece = format!(
        "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{WORD}\"}}],\"role\":\"model\"}},\"index\":0}}],\
         \"usageMetadata\":{{\"promptTokenCount\":20,\"candidatesTokenCount\":32,\"totalTokenCount\":52}},\
         \"modelVersion\":\"m\",\"responseId\":\"r1\"}}\r\n\r\n"
    );
    let last = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\
         \"usageMetadata\":{\"promptTokenCount\":20,\"candidatesTokenCount\":64,\"totalTokenCount\":84},\
         \"modelVersion\":\"m\",\"responseId\":\"r1\"}\r\n\r\n";
    stream(&[], &piece, chunks, &[last])
}

fn cohere(chunks: u32) -> Vec<Vec<u8>> {
    let first = [
        event(
            r#"{"type":"message-start","id":"m1","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
        ),
        event(
            r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
        ),
    ];
    let piece = event(&format!(
        r#"{{"type":"content-delta","index":0,"delta":{{"message":{{"content":{{"text":"{WORD}"}}}}}}}}"#
    ));
    let last = [
        event(r#"{"type":"content-end","index":0}"#),
        event(
            r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":20,"output_tokens":64},"tokens":{"input_tokens":20,"output_tokens":64}}}}"#,
        ),
    ];
    let (first, last) = (first.each_ref().map(String::as_str), last.each_ref().map(String::as_str));
    stream(&first, &piece, chunks, &last)
}

fn bedrock(chunks: u32) -> Vec<Vec<u8>> {
    let first = [frame("messageStart", r#"{"role":"assistant"}"#)];
    let piece = frame(
        "contentBlockDelta",
        &format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{WORD}"}}}}"#),
    );
    let last = [
        frame("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        frame("messageStop", r#"{"stopReason":"end_turn"}"#),
        frame(
            "metadata",
            r#"{"usage":{"inputTokens":20,"outputTokens":64,"totalTokens":84},"metrics":{"latencyMs":1}}"#,
        ),
    ];
    let middle = (0..chunks).map(|_| piece.clone());
    first.into_iter().chain(middle).chain(last).collect()
}

/// One message of AWS's binary event stream.
fn frame(name: &str, payload: &str) -> Vec<u8> {
    let text = |text: &str| HeaderValue::String(text.to_owned().into());
    let message = Message::new(payload.as_bytes().to_vec())
        .add_header(Header::new(":event-type", text(name)))
        .add_header(Header::new(":content-type", text("application/json")))
        .add_header(Header::new(":message-type", text("event")));
    let mut bytes = Vec::new();
    match write_message_to(&message, &mut bytes) {
        Ok(()) => bytes,
        Err(error) => panic!("a message that is too large: {error}"),
    }
}
