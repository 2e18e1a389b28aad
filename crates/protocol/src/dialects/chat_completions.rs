//! OpenAI chat completions. To be written.
