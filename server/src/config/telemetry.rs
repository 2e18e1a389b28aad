//! `[telemetry]`: logs and metrics.

use super::section::Section;

/// What is said about the process, and to whom.
#[derive(Debug, Clone)]
pub struct Telemetry {
    pub format: Format,
    pub filter: String,
    pub metrics: Readers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readers {
    #[default]
    Loopback,
    Anyone,
    Nobody,
}

impl Telemetry {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            format: section.choice("format", &[("text", Format::Text), ("json", Format::Json)]),
            filter: section.parsed("filter", |text| match tracing_subscriber::EnvFilter::builder()
                .parse(text)
            {
                Ok(_) => Ok(text.to_owned()),
                Err(error) => Err(format!("is not a filter: {error}")),
            }),
            metrics: section.choice(
                "metrics",
                &[
                    ("loopback", Readers::Loopback),
                    ("anyone", Readers::Anyone),
                    ("nobody", Readers::Nobody),
                ],
            ),
        }
    }
}
