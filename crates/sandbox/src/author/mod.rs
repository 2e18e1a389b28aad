//! What the sandbox says when it is asked as any model is.

use serde_json::{Value, json};

use crate::answer::{Answer, Choice, Finish, Piece, Usage, prompt_tokens, tokens};
use crate::profile::Dice;
use crate::schema;
use crate::show;
use crate::understood::{ResponseFormat, Tool, ToolChoice, Understood};

/// An ordinary answer. What the cache had to do with it is not known here.
pub(crate) fn answer(asked: &Understood, seed: u64, provider: &str) -> Answer {
    let question = asked.question();
    let choices: Vec<Choice> = (0..count(asked))
        .map(|index| {
            let salt = index.to_string();
            let dice = Dice::new(seed, &[provider, &asked.model, &question, &salt]);
            Author { asked, provider, question: &question, dice }.choice()
        })
        .collect();
    let mut usage = Usage { prompt: prompt_tokens(asked), ..Usage::default() };
    usage.count(&choices);
    Answer { choices, usage }
}

/// How many choices there will be.
pub(crate) fn count(asked: &Understood) -> u64 {
    asked.choices.unwrap_or(1).clamp(1, 16)
}

/// The alternatives that are told with each token, where they were asked for.
pub(crate) fn logprobs(asked: &Understood) -> Option<usize> {
    let top = asked.sampling.get("top_logprobs").and_then(Value::as_u64);
    let is_on = asked.sampling.get("logprobs").and_then(Value::as_bool).unwrap_or(false);
    (is_on || top.is_some()).then(|| usize::try_from(top.unwrap_or(0)).unwrap_or(0).min(20))
}

/// The functions that may be called.
pub(crate) fn functions(asked: &Understood) -> Vec<&Tool> {
    let is_allowed = |tool: &&Tool| match &asked.tool_choice {
        Some(ToolChoice::Among { names, .. }) => names.contains(&tool.name),
        _ => tool.hosted.is_none(),
    };
    asked.tools.iter().filter(is_allowed).collect()
}

/// A call of this tool, with arguments that fit its schema.
pub(crate) fn call(tool: &Tool, topic: &str, dice: &mut Dice) -> Vec<Piece> {
    let schema = tool.schema.clone().unwrap_or_default();
    let arguments = schema::example(&schema, topic, dice);
    // A tool without parameters is still called with an object.
    let arguments = if arguments.is_object() { arguments } else { json!({}) };
    call_with(&tool.name, &arguments, dice)
}

pub(crate) fn call_with(name: &str, arguments: &Value, dice: &mut Dice) -> Vec<Piece> {
    let id = format!("{:016x}", dice.next());
    let arguments = arguments.to_string();
    let parts = tokens(&arguments).map(|token| Piece::Arguments(token.to_owned()));
    std::iter::once(Piece::Call { id, name: name.to_owned() }).chain(parts).collect()
}

pub(crate) fn said(text: &str) -> impl Iterator<Item = Piece> {
    tokens(text).map(|token| Piece::Content(token.to_owned()))
}

/// Everything that one choice is made from.
struct Author<'a> {
    asked: &'a Understood,
    provider: &'a str,
    question: &'a str,
    dice: Dice,
}

impl Author<'_> {
    fn choice(mut self) -> Choice {
        let mut pieces = self.reasoning();
        let mut finish = Finish::Stop;
        let tools = self.wanted_tools();
        if tools.is_empty() {
            let text = match self.structured() {
                Some(value) => value.to_string(),
                None => self.prose(),
            };
            let (text, stop) = cut_at_stops(&text, &self.asked.stop);
            if let Some(stop) = stop {
                finish = Finish::StopSequence(stop.to_owned());
            }
            pieces.extend(said(text));
            pieces.extend(self.media());
        } else {
            let topic = self.topic();
            for tool in tools {
                pieces.extend(call(&tool, &topic, &mut self.dice));
            }
            finish = Finish::Calls;
        }
        let most = self.asked.max_tokens.and_then(|most| usize::try_from(most).ok());
        if let Some(most) = most.filter(|most| pieces.len() > *most) {
            pieces.truncate(most);
            finish = Finish::Length;
        }
        Choice { pieces, finish, logprobs: logprobs(self.asked) }
    }

    fn reasoning(&mut self) -> Vec<Piece> {
        if !self.asked.reasoning.as_ref().is_some_and(|reasoning| reasoning.enabled) {
            return Vec::new();
        }
        let text = format!(
            "The sandbox has nothing to work out, so it says what it would do: read “{}”, find \
             what is asked, and answer briefly.",
            self.topic()
        );
        let thoughts = tokens(&text).map(|token| Piece::Reasoning(token.to_owned()));
        thoughts.chain([Piece::Signature]).collect()
    }

    /// Pictures and sounds, where they are wanted.
    fn media(&self) -> Vec<Piece> {
        let wants = |kind: &str| self.asked.modalities.iter().any(|modality| modality == kind);
        let image = wants("image").then_some(Piece::Image(show::PICTURE));
        let sounds = wants("audio").then(|| show::SOUNDS.map(Piece::Audio));
        image.into_iter().chain(sounds.into_iter().flatten()).collect()
    }

    /// The tools that are to be called: the one that must be, or those that the question names.
    fn wanted_tools(&mut self) -> Vec<Tool> {
        let functions = functions(self.asked);
        let is_answered = self.asked.tool_result().is_some();
        let is_single = self.asked.parallel_tool_calls == Some(false);
        let must = match &self.asked.tool_choice {
            Some(ToolChoice::None) => return Vec::new(),
            Some(ToolChoice::Required | ToolChoice::Among { required: true, .. }) => {
                self.dice.pick(&functions).cloned()
            }
            Some(ToolChoice::Named(name)) => {
                functions.iter().find(|tool| tool.name == *name).map(|tool| (*tool).clone())
            }
            Some(ToolChoice::Auto | ToolChoice::Among { .. }) | None => None,
        };
        if let Some(tool) = must {
            return vec![tool];
        }
        if is_answered {
            return Vec::new();
        }
        let most = if is_single { 1 } else { 4 };
        let asked_for = functions.iter().filter(|tool| self.names(tool));
        let named: Vec<Tool> = asked_for.take(most).map(|tool| (*tool).clone()).collect();
        if named.is_empty() && self.question.to_lowercase().contains("tool") {
            return functions.into_iter().take(1).cloned().collect();
        }
        named
    }

    /// Whether the question uses a word of this tool's name.
    fn names(&self, tool: &Tool) -> bool {
        let question = self.question.to_lowercase();
        let name = tool.name.to_lowercase();
        name.split(['_', '-', '.']).any(|word| word.len() > 3 && question.contains(word))
    }

    fn structured(&mut self) -> Option<Value> {
        let topic = self.topic();
        match self.asked.response_format.as_ref()? {
            ResponseFormat::JsonSchema { schema, .. } => {
                Some(schema::example(schema, &topic, &mut self.dice))
            }
            ResponseFormat::JsonObject => Some(json!({
                "source": "Entrepot sandbox",
                "stands_in_for": self.asked.model,
                "topic": topic,
                "answer": "A real model would answer here; the sandbox only keeps the form.",
            })),
            ResponseFormat::Text | ResponseFormat::Other { .. } => None,
        }
    }

    fn prose(&mut self) -> String {
        let (model, provider) = (&self.asked.model, self.provider);
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
        sentences.push(match self.asked.tool_result() {
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
        let messages = self.asked.system.len() + self.asked.turns.len();
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
        topic(self.question)
    }
}

pub(crate) fn topic(question: &str) -> String {
    let topic = first_words(question, 9);
    if topic.is_empty() { "nothing in particular".to_owned() } else { topic }
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

/// The text up to the first stop sequence in it, and which that was.
fn cut_at_stops<'t, 's>(text: &'t str, stops: &'s [String]) -> (&'t str, Option<&'s str>) {
    let first = stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| text.find(stop.as_str()).map(|position| (position, stop.as_str())))
        .min();
    match first {
        Some((end, stop)) => (text.get(..end).unwrap_or(text), Some(stop)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests;
