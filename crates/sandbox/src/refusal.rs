//! Why a request is not answered, before any dialect puts it into its own words.

/// A refusal, or a failure that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: Kind,
    pub(crate) problem: Problem,
    /// Which member, as `messages.0.content`; empty when it is the whole request.
    pub(crate) path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Invalid,
    ContextLength,
    /// Stopped by a filter.
    Blocked,
    Authentication,
    Billing,
    Permission,
    NotFound,
    TooLarge,
    RateLimited,
    Timeout,
    Overloaded,
    Server,
}

/// What is wrong. Dialects have words of their own for the first three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    Missing,
    Unknown,
    Type(&'static str),
    Rule(String),
}

impl Refusal {
    pub(crate) fn new(path: impl Into<String>, problem: Problem) -> Self {
        Self { status: 400, kind: Kind::Invalid, problem, path: path.into() }
    }

    pub(crate) fn rule(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(path, Problem::Rule(message.into()))
    }

    pub(crate) fn of_status(status: u16, message: impl Into<String>) -> Self {
        let kind = match status {
            401 => Kind::Authentication,
            402 => Kind::Billing,
            403 => Kind::Permission,
            404 => Kind::NotFound,
            408 | 504 => Kind::Timeout,
            413 => Kind::TooLarge,
            429 => Kind::RateLimited,
            503 | 529 => Kind::Overloaded,
            400..=499 => Kind::Invalid,
            _ => Kind::Server,
        };
        let problem = Problem::Rule(message.into());
        Self { status, kind, problem, path: String::new() }
    }

    pub(crate) fn blocked() -> Self {
        let message = "The prompt was stopped by a content filter, as the sandbox was asked for";
        Self { kind: Kind::Blocked, ..Self::rule("", message) }
    }

    pub(crate) fn context_length() -> Self {
        let message = "This model's maximum context length is 4096 tokens; the sandbox was asked \
                       to say so";
        Self { kind: Kind::ContextLength, ..Self::rule("", message) }
    }

    /// The sentence without the path, where the dialect has no words of its own.
    pub(crate) fn plain(&self) -> String {
        match &self.problem {
            Problem::Missing => "Field required".to_owned(),
            Problem::Unknown => "Extra inputs are not permitted".to_owned(),
            Problem::Type(expected) => format!("Input should be {expected}"),
            Problem::Rule(message) => message.clone(),
        }
    }

    /// The path with brackets around positions: `messages[0].content`.
    pub(crate) fn bracketed_path(&self) -> String {
        let mut out = String::new();
        for segment in self.path.split('.').filter(|segment| !segment.is_empty()) {
            if segment.bytes().all(|byte| byte.is_ascii_digit()) {
                out.push('[');
                out.push_str(segment);
                out.push(']');
            } else {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(segment);
            }
        }
        out
    }
}
