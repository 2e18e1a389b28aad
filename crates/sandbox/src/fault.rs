//! Misbehaviour that is asked for by name.

use std::time::Duration;

use crate::features::Features;

/// What a model name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// An answer such as any model gives.
    Ordinary,
    /// A fixed number of chunks as fast as possible.
    Fast {
        chunks: usize,
        flush: Flush,
    },
    Fault(Fault),
    /// The request as it was understood, as JSON.
    Echo,
    /// An answer with these features.
    Show(Features),
    /// A name in the sandbox's own space that means nothing.
    Unknown,
}

/// Whether chunks are sent one by one or as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flush {
    Each,
    Together,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Status {
        status: u16,
        retry_after_s: Option<u32>,
    },
    Context,
    /// A filter did not let the prompt through.
    Blocked,
    Refuse,
    Hang,
    HangAfter(usize),
    TruncateAfter(usize),
    AbortAfter(usize),
    MalformedAfter(usize),
    ErrorAfter(usize),
    ErrorBody,
    Empty,
    NoUsage,
    SlowFirst(Duration),
}

impl Fault {
    /// Whether there is no answer to break.
    pub(crate) const fn is_instead(self) -> bool {
        match self {
            Self::Status { .. }
            | Self::Context
            | Self::Blocked
            | Self::Refuse
            | Self::Hang
            | Self::ErrorBody
            | Self::Empty => true,
            Self::HangAfter(_)
            | Self::TruncateAfter(_)
            | Self::AbortAfter(_)
            | Self::MalformedAfter(_)
            | Self::ErrorAfter(_)
            | Self::NoUsage
            | Self::SlowFirst(_) => false,
        }
    }
}

/// More chunks than this nobody measures with.
const CHUNKS_MAX: usize = 16_384;

impl Behaviour {
    pub(crate) fn of(model: &str) -> Self {
        // After an `@` may stand whose model it plays, for callers that go by the name.
        let model = model.split_once('@').map_or(model, |(name, _)| name);
        if let Some(name) = model.strip_prefix("fault/") {
            return fault(name).map_or(Self::Unknown, Self::Fault);
        }
        if let Some(name) = model.strip_prefix("echo/") {
            return if name == "understood" { Self::Echo } else { Self::Unknown };
        }
        if let Some(list) = model.strip_prefix("show/") {
            return Features::parse(list).map_or(Self::Unknown, Self::Show);
        }
        let fast = |count: &str, flush| match count.parse() {
            Ok(chunks) if (1..=CHUNKS_MAX).contains(&chunks) => Self::Fast { chunks, flush },
            _ => Self::Unknown,
        };
        if let Some(count) = model.strip_prefix("fast/") {
            return fast(count, Flush::Each);
        }
        if let Some(count) = model.strip_prefix("burst/") {
            return fast(count, Flush::Together);
        }
        Self::Ordinary
    }
}

fn fault(name: &str) -> Option<Fault> {
    let number = |prefix: &str| name.strip_prefix(prefix)?.parse::<usize>().ok();
    Some(match name {
        "400-context" => Fault::Context,
        "prompt-blocked" => Fault::Blocked,
        "refuse" => Fault::Refuse,
        "hang" => Fault::Hang,
        "malformed-first" => Fault::MalformedAfter(0),
        "error-body" => Fault::ErrorBody,
        "empty" => Fault::Empty,
        "no-usage" => Fault::NoUsage,
        _ => {
            if let Some(count) = number("hang-after-") {
                Fault::HangAfter(count)
            } else if let Some(count) = number("truncate-after-") {
                Fault::TruncateAfter(count)
            } else if let Some(count) = number("abort-after-") {
                Fault::AbortAfter(count)
            } else if let Some(count) = number("malformed-after-") {
                Fault::MalformedAfter(count)
            } else if let Some(count) = number("error-midstream-") {
                Fault::ErrorAfter(count)
            } else if let Some(millis) = number("slow-first-") {
                Fault::SlowFirst(Duration::from_millis(u64::try_from(millis).ok()?))
            } else {
                status(name)?
            }
        }
    })
}

/// `429` or `429-retry-after-7`.
fn status(name: &str) -> Option<Fault> {
    let (status, retry_after_s) = match name.split_once("-retry-after-") {
        Some((status, seconds)) => (status, Some(seconds.parse().ok()?)),
        None => (name, None),
    };
    let status = status.parse().ok().filter(|status| (400..600).contains(status))?;
    Some(Fault::Status { status, retry_after_s })
}

/// What `GET /{provider}/v1/models` lists besides the note that any name is answered.
pub(crate) const EXAMPLES: [&str; 24] = [
    "fast/64",
    "burst/64",
    "echo/understood",
    "show/reasoning",
    "show/text+tools-parallel",
    "fault/400-context",
    "fault/prompt-blocked",
    "fault/401",
    "fault/429",
    "fault/429-retry-after-7",
    "fault/500",
    "fault/503",
    "fault/refuse",
    "fault/hang",
    "fault/hang-after-3",
    "fault/truncate-after-3",
    "fault/abort-after-3",
    "fault/malformed-first",
    "fault/malformed-after-2",
    "fault/error-midstream-3",
    "fault/error-body",
    "fault/empty",
    "fault/no-usage",
    "fault/slow-first-2000",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_the_table_says() {
        for model in EXAMPLES {
            assert!(!matches!(Behaviour::of(model), Behaviour::Unknown | Behaviour::Ordinary));
        }
        assert_eq!(
            Behaviour::of("fault/429-retry-after-7"),
            Behaviour::Fault(Fault::Status { status: 429, retry_after_s: Some(7) })
        );
        assert_eq!(Behaviour::of("fast/64"), Behaviour::Fast { chunks: 64, flush: Flush::Each });
        assert_eq!(Behaviour::of("echo/understood@anthropic.claude"), Behaviour::Echo);
        for model in [
            "echo/",
            "show/x",
            "fault/",
            "fault/nonsense",
            "fault/200",
            "fast/0",
            "fast/x",
            "burst/-1",
        ] {
            assert_eq!(Behaviour::of(model), Behaviour::Unknown, "{model}");
        }
        assert_eq!(Behaviour::of("gpt-4o-mini"), Behaviour::Ordinary);
    }
}
