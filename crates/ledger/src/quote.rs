//! What a request costs, and the most that it can cost.

use domain::money::Usd;
use domain::pricing::{PriceSheet, Unit};
use domain::usage::Usage;

/// A price is quoted for this many units.
const UNITS_PER_PRICE: u128 = 1_000_000;

/// The units an input token may turn out to be, depending on what the provider's cache does.
const INPUT: [Unit; 5] =
    [Unit::Prompt, Unit::CacheRead, Unit::CacheWrite5m, Unit::CacheWrite1h, Unit::AudioInput];

/// The units an output token may turn out to be.
const OUTPUT: [Unit; 3] = [Unit::Completion, Unit::Reasoning, Unit::AudioOutput];

/// What `usage` costs: the exact sum over all units, rounded up once to a whole nano-dollar.
/// Saturates at [`Usd::MAX`].
pub fn cost(usage: &Usage, prices: &PriceSheet) -> Usd {
    let lines = prices.lines(usage).map(|(unit, quantity, _)| line(quantity, unit, prices));
    round_up(lines.fold(0, u128::saturating_add))
}

/// The most that one request can cost when its prompt has at most `prompt_tokens` and
/// `images_in`, and its answer at most `output_tokens`.
///
/// Every token is taken at the dearest price that it could turn out to have, because only the
/// provider knows what it will read from or write to a cache. No cost within these quantities is
/// higher, so a hold of this amount is never exceeded.
pub fn upper_bound(
    prompt_tokens: u64,
    output_tokens: u64,
    images_in: u64,
    prices: &PriceSheet,
) -> Usd {
    let before_output = exact_input(prompt_tokens, images_in, prices);
    let output = u128::from(output_tokens).saturating_mul(dearest(&OUTPUT, prices));
    round_up(before_output.saturating_add(output))
}

/// The largest number of output tokens whose [`upper_bound`] is at most `credit`.
///
/// Zero when not even the prompt can be paid; [`u64::MAX`] when output costs nothing.
pub fn affordable_output(
    credit: Usd,
    prompt_tokens: u64,
    images_in: u64,
    prices: &PriceSheet,
) -> u64 {
    let credit = u128::from(credit.nanos().max(0).unsigned_abs()).saturating_mul(UNITS_PER_PRICE);
    let Some(rest) = credit.checked_sub(exact_input(prompt_tokens, images_in, prices)) else {
        return 0;
    };
    rest.checked_div(dearest(&OUTPUT, prices))
        .map_or(u64::MAX, |tokens| u64::try_from(tokens).unwrap_or(u64::MAX))
}

/// What is owed before the first output token, in millionths of a nano-dollar.
fn exact_input(prompt_tokens: u64, images_in: u64, prices: &PriceSheet) -> u128 {
    u128::from(prompt_tokens)
        .saturating_mul(dearest(&INPUT, prices))
        .saturating_add(line(images_in, Unit::ImageInput, prices))
        .saturating_add(line(1, Unit::Request, prices))
}

fn line(quantity: u64, unit: Unit, prices: &PriceSheet) -> u128 {
    u128::from(quantity).saturating_mul(nanos(unit, prices))
}

fn dearest(units: &[Unit], prices: &PriceSheet) -> u128 {
    units.iter().map(|unit| nanos(*unit, prices)).max().unwrap_or(0)
}

/// A price below zero would pay the customer; it counts as free.
fn nanos(unit: Unit, prices: &PriceSheet) -> u128 {
    u128::try_from(prices.price(unit).nanos_per_million()).unwrap_or(0)
}

fn round_up(exact: u128) -> Usd {
    i64::try_from(exact.div_ceil(UNITS_PER_PRICE)).map_or(Usd::MAX, Usd::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::pricing::Price;
    use proptest::prelude::*;

    fn sheet(prices: &[(Unit, &str)]) -> PriceSheet {
        prices.iter().fold(PriceSheet::default(), |sheet, (unit, price)| {
            sheet.with(*unit, Price::parse_per_million(price).unwrap())
        })
    }

    #[test]
    fn cost_is_the_exact_sum_rounded_up_once() {
        let prices = sheet(&[(Unit::Prompt, "0.15"), (Unit::Completion, "0.6")]);
        let check = |prompt, completion, nanos| {
            let usage = Usage { prompt, completion, ..Usage::default() };
            assert_eq!(cost(&usage, &prices), Usd::from_nanos(nanos), "{prompt} {completion}");
        };
        check(0, 0, 0);
        check(1, 0, 150);
        check(1_000_000, 0, 150_000_000);
        check(1_000, 500, 150_000 + 300_000);

        // Two lines of half a nano-dollar are one nano-dollar, not two.
        let prices = sheet(&[(Unit::Prompt, "0.0005"), (Unit::Completion, "0.0005")]);
        let usage = Usage { prompt: 1, completion: 1, ..Usage::default() };
        assert_eq!(cost(&usage, &prices), Usd::from_nanos(1));
        let usage = Usage { prompt: 1, completion: 2, ..Usage::default() };
        assert_eq!(cost(&usage, &prices), Usd::from_nanos(2));
    }

    #[test]
    fn a_cached_token_costs_what_the_cache_costs() {
        let prices = sheet(&[
            (Unit::Prompt, "3"),
            (Unit::CacheRead, "0.3"),
            (Unit::CacheWrite5m, "3.75"),
            (Unit::CacheWrite1h, "6"),
            (Unit::Completion, "15"),
        ]);
        let usage = Usage {
            prompt: 10,
            cache_read: 1_000,
            cache_write_5m: 100,
            cache_write_1h: 100,
            completion: 10,
            ..Usage::default()
        };
        let nanos = 10 * 3_000 + 1_000 * 300 + 100 * 3_750 + 100 * 6_000 + 10 * 15_000;
        assert_eq!(cost(&usage, &prices), Usd::from_nanos(nanos));
        assert_eq!(upper_bound(1_210, 10, 0, &prices), Usd::from_nanos(1_210 * 6_000 + 150_000));
    }

    #[test]
    fn a_request_fee_and_images_are_part_of_the_bound() {
        let prices = PriceSheet::default()
            .with(Unit::Request, Price::parse_per_unit("0.01").unwrap())
            .with(Unit::ImageInput, Price::parse_per_unit("0.002").unwrap());
        assert_eq!(upper_bound(5, 5, 3, &prices), "0.016".parse().unwrap());
        assert_eq!(affordable_output("0.016".parse().unwrap(), 5, 3, &prices), u64::MAX);
        assert_eq!(affordable_output("0.0159".parse().unwrap(), 5, 3, &prices), 0);
    }

    #[test]
    fn absurd_quantities_saturate() {
        let prices = PriceSheet::default()
            .with(Unit::Prompt, Price::from_nanos_per_million(i64::MAX))
            .with(Unit::Completion, Price::from_nanos_per_million(i64::MAX));
        let usage = Usage { prompt: u64::MAX, completion: u64::MAX, ..Usage::default() };
        assert_eq!(cost(&usage, &prices), Usd::MAX);
        assert_eq!(upper_bound(u64::MAX, u64::MAX, u64::MAX, &prices), Usd::MAX);
    }

    #[test]
    fn free_models_cost_nothing() {
        let usage = Usage { prompt: 1_000, completion: 1_000, requests: 1, ..Usage::default() };
        assert_eq!(cost(&usage, &PriceSheet::default()), Usd::ZERO);
        assert_eq!(upper_bound(1_000, 1_000, 1, &PriceSheet::default()), Usd::ZERO);
        assert_eq!(affordable_output(Usd::ZERO, 1_000, 1, &PriceSheet::default()), u64::MAX);
    }

    fn any_sheet() -> impl Strategy<Value = PriceSheet> {
        proptest::collection::vec(proptest::option::of(0_i64..100_000_000_000), Unit::ALL.len())
            .prop_map(|prices| {
                Unit::ALL.into_iter().zip(prices).fold(
                    PriceSheet::default(),
                    |sheet, (unit, price)| match price {
                        Some(nanos) => sheet.with(unit, Price::from_nanos_per_million(nanos)),
                        None => sheet,
                    },
                )
            })
    }

    fn any_usage() -> impl Strategy<Value = Usage> {
        proptest::array::uniform9(0_u64..2_000_000).prop_map(|n| Usage {
            prompt: n[0],
            cache_read: n[1],
            cache_write_5m: n[2],
            cache_write_1h: n[3],
            audio_input: n[4],
            image_input: n[5] % 20,
            completion: n[6],
            reasoning: n[7],
            audio_output: n[8],
            requests: 1,
            ..Usage::default()
        })
    }

    proptest! {
        #[test]
        fn no_cost_within_the_bound_exceeds_it(prices in any_sheet(), usage in any_usage()) {
            let bound = upper_bound(
                usage.prompt_total(),
                usage.completion_total(),
                usage.image_input,
                &prices,
            );
            prop_assert!(cost(&usage, &prices) <= bound);
        }

        #[test]
        fn cost_never_falls_when_usage_grows(prices in any_sheet(), usage in any_usage()) {
            let more = Usage { completion: usage.completion.saturating_add(1), ..usage };
            prop_assert!(cost(&usage, &prices) <= cost(&more, &prices));
        }

        #[test]
        fn affordable_output_is_the_largest_that_can_be_paid(
            prices in any_sheet(),
            credit in 0_i64..10_000_000_000_000,
            prompt in 0_u64..2_000_000,
            images in 0_u64..10,
        ) {
            let credit = Usd::from_nanos(credit);
            let output = affordable_output(credit, prompt, images, &prices);
            let bound = |output| upper_bound(prompt, output, images, &prices);
            if bound(0) > credit {
                prop_assert_eq!(output, 0);
            } else {
                prop_assert!(bound(output) <= credit);
                if let Some(more) = output.checked_add(1) {
                    prop_assert!(bound(more) > credit);
                }
            }
        }

        #[test]
        fn splitting_usage_never_makes_it_cheaper(
            prices in any_sheet(),
            one in any_usage(),
            prompt in 0_u64..1_000_000,
        ) {
            let other = Usage { prompt, ..Usage::default() };
            let both = Usage { prompt: one.prompt.saturating_add(prompt), ..one };
            let apart = cost(&one, &prices).saturating_add(cost(&other, &prices));
            let together = cost(&both, &prices);
            prop_assert!(together <= apart);
            prop_assert!(apart.saturating_sub(together) <= Usd::from_nanos(1));
        }
    }
}
