//! The bounds of the data plane. Their defaults stand in `config.default.toml`.

use std::time::Duration;

use domain::money::Usd;

/// Every queue, loop, wait and retry of the gateway has its limit here.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Attempts at endpoints for one generation, the first included.
    pub attempts_max: u32,
    /// From admission to the last event.
    pub deadline: Duration,
    pub connect_timeout: Duration,
    /// From sending the request to the first event of the answer, for each attempt.
    pub first_event_timeout: Duration,
    /// Between two chunks of an answer.
    pub idle_timeout: Duration,
    /// How long a caller may leave its chunks unread.
    pub downstream_stall_timeout: Duration,
    /// How often a waiting stream says that it is alive.
    pub keep_alive_interval: Duration,
    /// Chunks buffered for a caller; this is the backpressure.
    pub downstream_chunks: usize,
    /// Generations under way in this process.
    pub generations_max: usize,
    /// How long one thing that a request names by address may take to be there.
    pub fetch_timeout: Duration,
    /// Bytes of one thing that a request names by address, and of all of them together.
    pub fetch_bytes_max: usize,
    pub fetch_total_bytes_max: usize,
    /// Whether such addresses may lead to this machine and its network. Dangerous wherever
    /// callers are not trusted.
    pub allow_private_addresses: bool,
    /// Bytes of one answer, streamed or not.
    pub unary_body_bytes_max: usize,
    /// How long a key is trusted without asking the store again.
    pub key_cache_ttl: Duration,
    /// How long a cached key is trusted while the store can't be asked.
    pub key_cache_stale: Duration,
    pub key_cache_capacity: u64,
    /// How long a lease lives without renewal.
    pub lease_ttl: Duration,
    /// How long a lease may lie unused before it is given back.
    pub lease_idle: Duration,
    /// The first slice of credit that is leased; doubled while a workspace is busy.
    pub lease_min: Usd,
    pub lease_max: Usd,
    /// Output tokens that are held at first when the caller set no bound.
    pub open_output_tokens: u32,
    /// Generations settled in one transaction.
    pub settle_batch_max: usize,
    /// How long an ended generation waits for others to be settled with.
    pub settle_delay: Duration,
    /// Generations waiting to be settled; beyond it streams wait to end.
    pub settle_queue_max: usize,
    /// How long an endpoint that failed goes to the back.
    pub demotion: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            deadline: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(5),
            first_event_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            downstream_stall_timeout: Duration::from_secs(60),
            keep_alive_interval: Duration::from_secs(10),
            downstream_chunks: 32,
            generations_max: 10_000,
            fetch_timeout: Duration::from_secs(20),
            fetch_bytes_max: 20 * 1024 * 1024,
            fetch_total_bytes_max: 64 * 1024 * 1024,
            allow_private_addresses: false,
            unary_body_bytes_max: 32 * 1024 * 1024,
            key_cache_ttl: Duration::from_secs(10),
            key_cache_stale: Duration::from_secs(600),
            key_cache_capacity: 100_000,
            lease_ttl: Duration::from_secs(300),
            lease_idle: Duration::from_secs(2),
            lease_min: Usd::from_nanos(50_000_000),
            lease_max: Usd::from_dollars(5),
            open_output_tokens: 1_024,
            settle_batch_max: 512,
            settle_delay: Duration::from_millis(20),
            settle_queue_max: 16_384,
            demotion: Duration::from_secs(30),
        }
    }
}
