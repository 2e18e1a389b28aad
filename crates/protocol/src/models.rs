//! `/models` and `/endpoints` payloads. To be written.
