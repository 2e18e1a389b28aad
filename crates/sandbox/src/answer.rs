//! What the sandbox says.

use serde_json::{Value, json};

use crate::profile::Dice;
use crate::request::ChatRequest;
use crate::schema;

/// An answer before it is written in any form.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) choices: Vec<Choice>,
    pub(crate) prompt_tokens: usize,
    pub(crate) cached_tokens: usize,
}

#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) finish_reason: &'static str,
}

/// One token, which is also one chunk of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Reasoning(String),
    Content(String),
    /// The beginning of the one tool call that an answer may make.
    Call {
        id: String,
        name: String,
    },
    Arguments(String),
}

impl Answer {
    pub(crate) fn to(request: &ChatRequest, seed: u64, provider: &str) -> Self {
        let question = request.question();
        let prompt_tokens = request.prompt_tokens();
        let choices = (0..request.choices())
            .map(|index| {
                let salt = index.to_string();
                let dice = Dice::new(seed, &[provider, &request.model, &question, &salt]);
                Author { request, provider, question: &question, dice }.choice()
            })
            .collect();
        // Providers cache long prefixes, in steps of 128 tokens.
        let cached_tokens = if prompt_tokens >= 1_024 { prompt_tokens / 2 / 128 * 128 } else { 0 };
        Self { choices, prompt_tokens, cached_tokens }
    }

    pub(crate) fn completion_tokens(&self) -> usize {
        self.choices.iter().map(|choice| choice.pieces.len()).sum()
    }

    pub(crate) fn reasoning_tokens(&self) -> usize {
        let is_reasoning = |piece: &&Piece| matches!(piece, Piece::Reasoning(_));
        self.choices.iter().map(|choice| choice.pieces.iter().filter(is_reasoning).count()).sum()
    }
}

/// Everything that one choice is made from.
struct Author<'a> {
    request: &'a ChatRequest,
    provider: &'a str,
    question: &'a str,
    dice: Dice,
}

impl Author<'_> {
    fn choice(mut self) -> Choice {
        let mut pieces = self.reasoning();
        let mut finish_reason = "stop";
        if let Some(tool) = self.wanted_tool() {
            pieces.extend(self.call(&tool));
            finish_reason = "tool_calls";
        } else {
            let text = match self.structured() {
                Some(value) => value.to_string(),
                None => self.prose(),
            };
            let text = cut_at_stops(&text, self.request.stops());
            pieces.extend(tokens(text).map(|token| Piece::Content(token.to_owned())));
        }
        let most = self.request.output_tokens_max();
        if pieces.len() > most {
            pieces.truncate(most);
            finish_reason = "length";
        }
        Choice { pieces, finish_reason }
    }

    fn reasoning(&mut self) -> Vec<Piece> {
        match self.request.reasoning_effort.as_deref() {
            None | Some("none") => return Vec::new(),
            Some(_) => {}
        }
        let text = format!(
            "The sandbox has nothing to work out, so it says what it would do: read “{}”, find \
             what is asked, and answer briefly.",
            self.topic()
        );
        tokens(&text).map(|token| Piece::Reasoning(token.to_owned())).collect()
    }

    /// The tool that is to be called: the one that must be, or one that the question names.
    fn wanted_tool(&mut self) -> Option<Value> {
        let functions: Vec<&Value> = self
            .request
            .tools
            .iter()
            .map(|tool| &tool["function"])
            .filter(|function| function["name"].is_string())
            .collect();
        let named = |name: &str| functions.iter().find(|function| function["name"] == name);
        match &self.request.tool_choice {
            Some(Value::String(choice)) if choice == "none" => None,
            Some(Value::String(choice)) if choice == "required" => {
                self.dice.pick(&functions).cloned()
            }
            Some(choice) if choice["function"]["name"].is_string() => {
                named(choice["function"]["name"].as_str().unwrap_or_default()).copied().cloned()
            }
            _ if self.request.tool_result().is_some() => None,
            _ => functions.into_iter().find(|function| self.asks_for(function)).cloned(),
        }
    }

    /// Whether the question speaks of tools at all or uses a word of this tool's name.
    fn asks_for(&self, function: &Value) -> bool {
        let question = self.question.to_lowercase();
        let name = function["name"].as_str().unwrap_or_default().to_lowercase();
        question.contains("tool")
            || name.split(['_', '-', '.']).any(|word| word.len() > 3 && question.contains(word))
    }

    fn call(&mut self, function: &Value) -> Vec<Piece> {
        let topic = self.topic();
        let arguments = schema::example(&function["parameters"], &topic, &mut self.dice);
        // A tool without parameters is still called with an object.
        let arguments = if arguments.is_object() { arguments } else { json!({}) };
        let id = format!("call_{:016x}", self.dice.next());
        let name = function["name"].as_str().unwrap_or_default().to_owned();
        let arguments = arguments.to_string();
        let parts = tokens(&arguments).map(|token| Piece::Arguments(token.to_owned()));
        std::iter::once(Piece::Call { id, name }).chain(parts).collect()
    }

    fn structured(&mut self) -> Option<Value> {
        let format = self.request.response_format.as_ref()?;
        let topic = self.topic();
        match format["type"].as_str()? {
            "json_schema" => {
                Some(schema::example(&format["json_schema"]["schema"], &topic, &mut self.dice))
            }
            "json_object" => Some(json!({
                "source": "Entrepot sandbox",
                "stands_in_for": self.request.model,
                "topic": topic,
                "answer": "A real model would answer here; the sandbox only keeps the form.",
            })),
            _ => None,
        }
    }

    fn prose(&mut self) -> String {
        let (model, provider) = (&self.request.model, self.provider);
        let openings = [
            format!(
                "This is the Entrepot sandbox, standing in for {model} at {provider}. No real \
                 model has read your message."
            ),
            format!(
                "You have reached Entrepot’s sandbox. It plays the part of {model} while \
                 {provider} has no credential here, and says so first."
            ),
            format!(
                "Nothing below was written by {model}: the Entrepot sandbox is answering for \
                 {provider}."
            ),
        ];
        let openings: Vec<&str> = openings.iter().map(String::as_str).collect();
        let mut sentences = vec![self.dice.pick(&openings).unwrap_or_default().to_owned()];
        sentences.push(match self.request.tool_result() {
            Some(result) => format!("Your tool returned “{}”.", first_words(&result, 12)),
            None => self.echo(),
        });
        let mut pool = REMARKS.to_vec();
        for _ in 0..self.dice.between(2, 4) {
            let index = usize::try_from(self.dice.below(pool.len() as u64)).unwrap_or(0);
            if index < pool.len() {
                sentences.push(pool.remove(index).to_owned());
            }
        }
        sentences.push(format!(
            "Give {provider} a credential and the same request goes to {model} itself."
        ));
        sentences.join(" ")
    }

    /// Shows that the question arrived.
    fn echo(&mut self) -> String {
        let topic = self.topic();
        let words = self.question.split_whitespace().count();
        let messages = self.request.messages.len();
        let (words, messages) = (counted(words, "word"), counted(messages, "message"));
        let forms = [
            format!("You asked about “{topic}”: {words}, in a conversation of {messages}."),
            format!("What arrived is “{topic}”, {words} long, at the end of {messages}."),
            format!("On “{topic}” a real model would have a view; the sandbox counted {words}."),
        ];
        let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
        self.dice.pick(&forms).unwrap_or_default().to_owned()
    }

    fn topic(&self) -> String {
        let topic = first_words(self.question, 9);
        if topic.is_empty() { "nothing in particular".to_owned() } else { topic }
    }
}

/// What the sandbox knows about itself.
const REMARKS: [&str; 9] = [
    "These words still travel as a real answer’s would: one token at a time, each with its own \
     moment.",
    "The wait before the first of them and the pace of the rest follow from a seed, so the same \
     question is answered the same way tomorrow.",
    "Each word is counted, and its price is that of the endpoint you chose.",
    "Credit was held before the first byte and is settled after the last, to the nano-dollar.",
    "Other endpoints of this model would be slower or quicker; the model’s page shows by how much.",
    "If the connection closes now, the sandbox notices and stops, as a considerate provider does.",
    "You will find this generation in your activity, with its tokens, its cost and its timing.",
    "Ask again with another word or two and the answer will change with them.",
    "Streaming, tools, structured output and limits on length all work here.",
];

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("one {noun}") } else { format!("{count} {noun}s") }
}

fn first_words(text: &str, count: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().take(count).collect();
    let short: String = words.join(" ").chars().take(80).collect();
    short.trim_end_matches(['.', ',', ';', ':', '!', '?']).to_owned()
}

fn cut_at_stops<'t>(text: &'t str, stops: &[String]) -> &'t str {
    let end = stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| text.find(stop.as_str()))
        .min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Cuts a text into pieces about as long as tokens are: a word with the space before it, long
/// words in parts.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    const CHARACTERS_MAX: usize = 8;
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = rest.len();
        for (count, (position, character)) in rest.char_indices().enumerate() {
            if count > 0 && (character.is_whitespace() || count >= CHARACTERS_MAX) {
                end = position;
                break;
            }
        }
        let (token, tail) = rest.split_at(end);
        rest = tail;
        (!token.is_empty()).then_some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: Value) -> Answer {
        Answer::to(&serde_json::from_value(request).unwrap(), 7, "groq")
    }

    fn text(choice: &Choice) -> String {
        let content = |piece: &Piece| match piece {
            Piece::Content(text) => text.clone(),
            _ => String::new(),
        };
        choice.pieces.iter().map(content).collect()
    }

    fn ask(question: &str) -> Value {
        json!({"model": "llama", "messages": [{"role": "user", "content": question}]})
    }

    #[test]
    fn an_answer_says_what_it_is_and_is_reproducible() {
        let first = answer(ask("How do tides work?"));
        let said = text(&first.choices[0]);
        assert!(said.contains("sandbox") && said.contains("How do tides work"), "{said}");
        assert_eq!(said, text(&answer(ask("How do tides work?")).choices[0]));
        assert_ne!(said, text(&answer(ask("How do ships float?")).choices[0]));
        for question in ["Hi", "", "Tell me about the harbour of Rotterdam at night"] {
            let length = answer(ask(question)).completion_tokens();
            assert!((60..=200).contains(&length), "{length}");
        }
    }

    #[test]
    fn bounds_and_stops_are_kept() {
        let mut request = ask("Hi");
        request["max_tokens"] = json!(5);
        let cut = answer(request.clone());
        assert_eq!((cut.completion_tokens(), cut.choices[0].finish_reason), (5, "length"));
        request["max_tokens"] = Value::Null;
        request["stop"] = json!(["sandbox"]);
        request["n"] = json!(2);
        let stopped = answer(request);
        assert_eq!(stopped.choices.len(), 2);
        assert!(!text(&stopped.choices[0]).contains("sandbox"));
    }

    #[test]
    fn tools_are_called_when_asked_for() {
        let tool = json!({"type": "function", "function": {"name": "get_weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}});
        let mut request = ask("What is the weather in Kyoto?");
        request["tools"] = json!([tool]);
        let called = answer(request.clone());
        assert_eq!(called.choices[0].finish_reason, "tool_calls");
        let arguments: String = called.choices[0]
            .pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Arguments(part) => Some(part.as_str()),
                _ => None,
            })
            .collect();
        assert!(serde_json::from_str::<Value>(&arguments).unwrap()["city"].is_string());

        request["tool_choice"] = json!("none");
        assert_eq!(answer(request.clone()).choices[0].finish_reason, "stop");
        request["tool_choice"] = json!("auto");
        request["messages"] = json!([
            {"role": "user", "content": "weather?"},
            {"role": "tool", "tool_call_id": "x", "content": "18 degrees"},
        ]);
        assert!(text(&answer(request).choices[0]).contains("18 degrees"));
    }

    #[test]
    fn structured_answers_are_json() {
        let mut request = ask("List a fruit");
        request["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "fruit",
            "schema": {"type": "object", "properties": {"name": {"type": "string"}}}}});
        let value: Value =
            serde_json::from_str(&text(&answer(request.clone()).choices[0])).unwrap();
        assert!(value["name"].is_string());
        request["response_format"] = json!({"type": "json_object"});
        let value: Value = serde_json::from_str(&text(&answer(request).choices[0])).unwrap();
        assert_eq!(value["source"], "Entrepot sandbox");
    }

    #[test]
    fn reasoning_and_long_prompts_are_counted() {
        let mut request = ask(&"word ".repeat(2_000));
        request["reasoning_effort"] = json!("low");
        let answer = answer(request);
        assert!(answer.reasoning_tokens() > 10);
        assert!(answer.cached_tokens > 0 && answer.cached_tokens < answer.prompt_tokens);
    }
}
