//! The two sides of the grid.

/// What callers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Inbound {
    Chat,
    Completions,
    Responses,
    Messages,
}

impl Inbound {
    pub(super) const ALL: [Self; 4] =
        [Self::Chat, Self::Completions, Self::Responses, Self::Messages];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/api/v1/chat/completions",
            Self::Completions => "/api/v1/completions",
            Self::Responses => "/api/v1/responses",
            Self::Messages => "/api/v1/messages",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Chat => "Chat completions",
            Self::Completions => "Completions",
            Self::Responses => "Responses",
            Self::Messages => "Messages",
        }
    }
}

/// What providers speak, by the names of the adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Upstream {
    OpenAiCompatible,
    OpenAiResponses,
    AzureOpenAi,
    Anthropic,
    Google,
    Vertex,
    Bedrock,
    Cohere,
}

impl Upstream {
    pub(super) const ALL: [Self; 8] = [
        Self::OpenAiCompatible,
        Self::OpenAiResponses,
        Self::AzureOpenAi,
        Self::Anthropic,
        Self::Google,
        Self::Vertex,
        Self::Bedrock,
        Self::Cohere,
    ];

    /// The adapter's slug.
    pub(super) const fn slug(self) -> &'static str {
        match self {
            Self::OpenAiCompatible => "openai_compatible",
            Self::OpenAiResponses => "openai_responses",
            Self::AzureOpenAi => "azure_openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
            Self::Vertex => "vertex",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
        }
    }

    /// The provider of the test catalog that speaks it.
    pub(super) fn provider(self) -> String {
        format!("grid-{}", self.slug().replace('_', "-"))
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::OpenAiCompatible => "OpenAI-compatible",
            Self::OpenAiResponses => "OpenAI Responses",
            Self::AzureOpenAi => "Azure OpenAI",
            Self::Anthropic => "Anthropic",
            Self::Google => "Gemini",
            Self::Vertex => "Vertex",
            Self::Bedrock => "Bedrock",
            Self::Cohere => "Cohere",
        }
    }
}
