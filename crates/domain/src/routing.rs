//! What a caller says about which endpoints may serve a request.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `provider` object of a request. Absent fields mean «no preference».
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderPreferences {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_fallbacks: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_parameters: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_collection: Option<DataCollection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zdr: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantizations: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// Dollars per million tokens or per unit, as numbers or numeric text, by public price name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_price: Option<BTreeMap<String, PriceText>>,
    /// Tokens a second. Slower endpoints go behind those that are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_min_throughput: Option<Threshold>,
    /// Seconds to the first token. Slower endpoints go behind those that are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_max_latency: Option<Threshold>,
}

/// A bound on the median, or on each of several percentiles of the last five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Threshold {
    Median(f64),
    Percentiles(ThresholdPercentiles),
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThresholdPercentiles {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p75: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
}

impl Threshold {
    /// Its bounds, by percentile.
    pub const fn percentiles(self) -> ThresholdPercentiles {
        match self {
            Self::Median(bound) => {
                ThresholdPercentiles { p50: Some(bound), p75: None, p90: None, p99: None }
            }
            Self::Percentiles(percentiles) => percentiles,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataCollection {
    Allow,
    Deny,
}

/// What endpoints are ordered by, as a name or with how models are grouped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Sort {
    By(SortBy),
    Object {
        by: SortBy,
        #[serde(skip_serializing_if = "Option::is_none")]
        partition: Option<Partition>,
    },
}

impl Sort {
    pub const fn by(&self) -> SortBy {
        match self {
            Self::By(by) | Self::Object { by, .. } => *by,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    Price,
    Throughput,
    Latency,
    Exacto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    Model,
    None,
}

/// A price that was written as a JSON number or as text; kept as text, so that it stays exact.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PriceText(pub String);

impl<'de> Deserialize<'de> for PriceText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Integer(u64),
            Number(f64),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Integer(n) => n.to_string(),
            Written::Number(n) => n.to_string(),
        }))
    }
}
