//! First calls to copy, with this server's own address in them.

/// The same call in the languages that people ask for.
pub(crate) fn first_call(public_url: &str, model: &str) -> Vec<(&'static str, String)> {
    vec![
        ("curl", curl(public_url, model)),
        ("Python", python(public_url, model)),
        ("TypeScript", typescript(public_url, model)),
    ]
}

fn curl(public_url: &str, model: &str) -> String {
    format!(
        r#"curl {public_url}/api/v1/chat/completions \
  -H "Authorization: Bearer $ENTREPOT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{
    "model": "{model}",
    "messages": [{{"role": "user", "content": "What is an entrepot?"}}]
  }}'"#
    )
}

fn python(public_url: &str, model: &str) -> String {
    format!(
        r#"import os
from openai import OpenAI

client = OpenAI(
    base_url="{public_url}/api/v1",
    api_key=os.environ["ENTREPOT_API_KEY"],
)
answer = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "What is an entrepot?"}}],
)
print(answer.choices[0].message.content)"#
    )
}

fn typescript(public_url: &str, model: &str) -> String {
    format!(
        r#"import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{public_url}/api/v1",
  apiKey: process.env.ENTREPOT_API_KEY,
}});
const answer = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: "What is an entrepot?" }}],
}});
console.log(answer.choices[0].message.content);"#
    )
}

/// A call that makes vectors.
pub(crate) fn embeddings_call(public_url: &str, model: &str) -> Vec<(&'static str, String)> {
    let curl = format!(
        r#"curl {public_url}/api/v1/embeddings \
  -H "Authorization: Bearer $ENTREPOT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{"model": "{model}", "input": ["A warehouse.", "A harbour."]}}'"#
    );
    let python = format!(
        r#"import os
from openai import OpenAI

client = OpenAI(
    base_url="{public_url}/api/v1",
    api_key=os.environ["ENTREPOT_API_KEY"],
)
answer = client.embeddings.create(
    model="{model}",
    input=["A warehouse.", "A harbour."],
)
print([len(item.embedding) for item in answer.data])"#
    );
    vec![("curl", curl), ("Python", python)]
}

/// A call that puts documents in order.
pub(crate) fn rerank_call(public_url: &str, model: &str) -> Vec<(&'static str, String)> {
    let curl = format!(
        r#"curl {public_url}/api/v1/rerank \
  -H "Authorization: Bearer $ENTREPOT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{
    "model": "{model}",
    "query": "Where do ships unload?",
    "documents": ["A warehouse stores goods.", "Ships unload at a quay."]
  }}'"#
    );
    let python = format!(
        r#"import os
import cohere

client = cohere.Client(
    base_url="{public_url}/api",
    api_key=os.environ["ENTREPOT_API_KEY"],
)
answer = client.rerank(
    model="{model}",
    query="Where do ships unload?",
    documents=["A warehouse stores goods.", "Ships unload at a quay."],
)
print(answer.results[0].index)"#
    );
    vec![("curl", curl), ("Python", python)]
}

/// The same call, with the answer arriving as it is written.
pub(crate) fn streamed_call(public_url: &str, model: &str) -> String {
    format!(
        r#"from openai import OpenAI

client = OpenAI(base_url="{public_url}/api/v1")  # reads OPENAI_API_KEY
stream = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Count to ten."}}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    if chunk.usage:
        print("\ncost:", chunk.usage.cost)"#
    )
}
