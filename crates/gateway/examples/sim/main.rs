//! `make sim`: the router against worlds of providers, in virtual time.
//!
//! The same code that routes real requests (`routing::survey`, the statistics, the rules of
//! falling back) meets providers that fail, slow down, limit and change their prices. Everything
//! follows from a seed. Each scenario prints what the router made of it beside what others would
//! have, and says whether the bars of issue 4 were cleared; the process fails when one was not.
//!
//! `cargo run --release -p gateway --features testing --example sim [requests] [seed]`

#![expect(clippy::print_stdout, reason = "it reports to people")]
#![expect(clippy::expect_used, reason = "constants that are right")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people to read"
)]
#![expect(clippy::float_arithmetic, reason = "a simulation, not money")]

mod policy;
mod run;
mod world;

use std::process::ExitCode;

use policy::Policy;
use run::{Tally, hindsight, play};
use world::Provider;

/// Requests a second.
const RATE: f64 = 200.0;

struct Scenario {
    name: &'static str,
    providers: Vec<Provider>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.replace('_', ""));
    let requests = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let seed = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let began = std::time::Instant::now();
    let mut bars = Bars::default();
    independent(requests, seed, &mut bars);
    outage(requests, seed, &mut bars);
    split(requests, seed, &mut bars);
    everything(requests, seed);
    println!(
        "\n{} bars, {} missed, {:.1} s",
        bars.count,
        bars.missed,
        began.elapsed().as_secs_f64()
    );
    if bars.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Bars {
    count: u32,
    missed: u32,
}

impl Bars {
    fn check(&mut self, what: &str, holds: bool, figure: &str) {
        self.count += 1;
        self.missed += u32::from(!holds);
        println!("  {} {what}: {figure}", if holds { "ok    " } else { "MISSED" });
    }
}

/// Five endpoints, each of which fails one request in twenty.
fn independent(requests: u64, seed: u64, bars: &mut Bars) {
    let names = ["a", "b", "c", "d", "e"];
    let providers = names.iter().enumerate().map(|(index, name)| Provider {
        failing: 0.05,
        ..Provider::new(name, 1.0 + 0.1 * index as f64)
    });
    let scenario =
        Scenario { name: "five endpoints of 95 % uptime", providers: providers.collect() };
    let tally = compare(&scenario, requests, seed);
    let success = tally.success();
    bars.check(
        "success of at least 99.99 %",
        success >= 0.9999,
        &format!("{:.4} %", success * 100.0),
    );
}

/// The cheapest of three goes down for a third of the time.
fn outage(requests: u64, seed: u64, bars: &mut Bars) {
    let length = requests as f64 / RATE;
    let (from, to) = ((length / 3.0).floor(), (length * 2.0 / 3.0).floor());
    let cheapest = Provider { outages: vec![(from, to)], ..Provider::new("cheap", 0.5) };
    let providers = vec![cheapest, Provider::new("middle", 1.0), Provider::new("dear", 2.0)];
    let scenario = Scenario { name: "the cheapest of three goes down", providers };
    let tally = compare(&scenario, requests, seed);
    let paying = tally.first_failures(from as usize + 5, to as usize);
    bars.check(
        "after 5 s at most 1 % pay for a failed first attempt",
        paying <= 0.01,
        &format!("{:.3} %", paying * 100.0),
    );
    let (before, back) =
        (share(&tally, from as usize - 30, from as usize), recovery(&tally, to as usize));
    bars.check(
        "traffic returns within 60 s of recovery",
        back.is_some_and(|seconds| seconds <= 60),
        &format!(
            "{} s to half of its {:.0} %",
            back.map_or("never".into(), |s| s.to_string()),
            before * 100.0
        ),
    );
}

/// The share of answers that the first provider gave.
fn share(tally: &Tally, from: usize, to: usize) -> f64 {
    let sum = |list: &[u64]| list.iter().sum::<u64>() as f64;
    let ours = sum(tally.of_first_provider.get(from..to).unwrap_or_default());
    let all = tally.seconds.get(from..to).unwrap_or_default();
    ours / all.iter().map(|(requests, _)| requests).sum::<u64>().max(1) as f64
}

/// Seconds until the first provider has half of its usual share again.
fn recovery(tally: &Tally, from: usize) -> Option<usize> {
    let usual = share(tally, 5, 30);
    (0..300).find(|after| share(tally, from + after, from + after + 1) >= usual / 2.0)
}

/// All healthy: who gets how much, and at which price.
fn split(requests: u64, seed: u64, bars: &mut Bars) {
    let providers =
        vec![Provider::new("one", 1.0), Provider::new("two", 2.0), Provider::new("three", 3.0)];
    let scenario = Scenario { name: "three healthy endpoints at $1, $2 and $3", providers };
    let tally = compare(&scenario, requests, seed);
    let weights: Vec<f64> = scenario.providers.iter().map(|p| 1.0 / (p.price * p.price)).collect();
    let total: f64 = weights.iter().sum();
    let answered: u64 = tally.first.iter().sum();
    let worst = tally
        .first
        .iter()
        .zip(&weights)
        .map(|(first, weight)| (*first as f64 / answered as f64 - weight / total).abs());
    let worst = worst.fold(0.0, f64::max);
    bars.check(
        "the split is within 2 % of 1/price²",
        worst <= 0.02,
        &format!("{:.3} %", worst * 100.0),
    );
    let close =
        vec![Provider::new("one", 1.0), Provider::new("two", 1.05), Provider::new("three", 1.1)];
    for (policy, providers, what) in [
        (
            Policy::RouterByPrice,
            &scenario.providers,
            "sorted by price, mean cost is within 5 % of hindsight",
        ),
        (
            Policy::Router,
            &close,
            "at prices within 10 % of each other the default is within 5 % of hindsight",
        ),
    ] {
        let tally = play(policy, providers, (requests, RATE), seed);
        let (_, best) = hindsight(providers, (requests, RATE), seed);
        let above = tally.mean_cost() / best - 1.0;
        bars.check(what, above <= 0.05, &format!("{:+.2} %", above * 100.0));
    }
}

/// Outages, brown-outs, limits and a price change together.
fn everything(requests: u64, seed: u64) {
    let length = requests as f64 / RATE;
    let at = |share: f64| length * share;
    let providers = vec![
        Provider {
            outages: vec![(at(0.2), at(0.3))],
            failing: 0.01,
            ..Provider::new("cheap", 0.5)
        },
        Provider {
            brownouts: vec![(at(0.25), at(0.5))],
            failing: 0.005,
            ..Provider::new("brown", 0.7)
        },
        Provider { rate_max: Some(20), failing: 0.002, ..Provider::new("narrow", 0.6) },
        Provider {
            price_change: Some((at(0.5), 0.4)),
            ttft_ms: 900.0,
            ..Provider::new("slow", 1.0)
        },
        Provider { ttft_ms: 150.0, speed: 300.0, failing: 0.02, ..Provider::new("quick", 2.0) },
    ];
    compare(
        &Scenario { name: "outage, brown-out, rate limit and price change", providers },
        requests,
        seed,
    );
}

/// Plays a scenario for the router and for everybody it is compared with; returns the router's.
fn compare(scenario: &Scenario, requests: u64, seed: u64) -> Tally {
    println!("\n{} ({requests} requests at {RATE} a second)", scenario.name);
    println!(
        "  {:<26}{:>12}{:>16}{:>12}{:>12}",
        "", "answered", "$ per 1,000", "TTFT p50", "TTFT p99"
    );
    let row = |name: &str, tally: &mut Tally| {
        let (p50, p99) = (tally.latency(0.5), tally.latency(0.99));
        let answered = tally.success() * 100.0;
        println!(
            "  {name:<26}{answered:>10.4} %{:>16.4}{p50:>10.3} s{p99:>10.3} s",
            tally.mean_cost()
        );
    };
    let run = |policy| play(policy, &scenario.providers, (requests, RATE), seed);
    let mut router = run(Policy::Router);
    row("router, default", &mut router);
    row("router, sorted by price", &mut run(Policy::RouterByPrice));
    row("cheapest first, no memory", &mut run(Policy::CheapestFirst));
    row("random, no fallback", &mut run(Policy::Random));
    for (index, provider) in scenario.providers.iter().enumerate() {
        row(&format!("only {}", provider.name), &mut run(Policy::Only(index)));
    }
    let (success, cost) = hindsight(&scenario.providers, (requests, RATE), seed);
    println!("  {:<26}{:>10.4} %{cost:>16.4}", "best in hindsight", success * 100.0);
    router
}
