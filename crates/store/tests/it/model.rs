//! The ledger against a small model of it: random operations, compared and audited after each
//! sequence.

use domain::api_key::{LimitReset, SpendLimit};
use domain::id::LeaseId;
use ledger::account::FundKey;
use ledger::posting::{self, Payment};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use store::StoreError;
use store::ledger::leases::{self, LeaseOutcome};
use store::ledger::settle::{Draw, SettledGeneration};
use store::ledger::transfers;

use crate::fixture::{Fixture, NOW, fixtures, seconds, usd};

const LIMIT: i64 = 600;

#[derive(Debug, Clone)]
enum Operation {
    TopUp(i64),
    Refund(i64),
    Lease {
        budget: bool,
        at_least: i64,
        want: i64,
    },
    /// Settles a cost against the nth lease of credits and, perhaps, the nth of the budget.
    Settle {
        credits: usize,
        budget: Option<usize>,
        cost: i64,
    },
    /// Settles the last generation again.
    Repeat,
    Return(usize),
    Renew(usize),
    Expire,
}

fn operation() -> impl Strategy<Value = Operation> {
    let amount = || 1_i64..400;
    prop_oneof![
        3 => amount().prop_map(Operation::TopUp),
        1 => amount().prop_map(Operation::Refund),
        6 => (any::<bool>(), 0_i64..150, amount())
            .prop_map(|(budget, at_least, want)| Operation::Lease { budget, at_least, want }),
        8 => (0..8_usize, proptest::option::of(0..8_usize), 0_i64..200)
            .prop_map(|(credits, budget, cost)| Operation::Settle { credits, budget, cost }),
        1 => Just(Operation::Repeat),
        2 => (0..8_usize).prop_map(Operation::Return),
        1 => (0..8_usize).prop_map(Operation::Renew),
        1 => Just(Operation::Expire),
    ]
}

/// A fund as three numbers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Fund {
    given: i64,
    spent: i64,
    pending: i64,
}

impl Fund {
    fn available(&self) -> i64 {
        self.given - self.spent - self.pending
    }
}

#[derive(Debug)]
struct Lease {
    id: LeaseId,
    budget: bool,
    /// None once closed.
    left: Option<i64>,
    renewed: bool,
}

/// All there is to the ledger.
#[derive(Debug)]
struct Model {
    credits: Fund,
    budget: Fund,
    leases: Vec<Lease>,
}

impl Model {
    fn fund(&mut self, budget: bool) -> &mut Fund {
        if budget { &mut self.budget } else { &mut self.credits }
    }

    fn lease(&mut self, budget: bool, at_least: i64, want: i64) -> Option<i64> {
        let available = self.fund(budget).available();
        if available < at_least {
            return None;
        }
        let amount = want.min((available + 1) / 2).max(at_least);
        self.fund(budget).pending += amount;
        Some(amount)
    }

    /// Takes up to `wanted` for a draw of `drawn` on a lease; what was charged.
    fn charge(&mut self, lease: usize, drawn: i64, wanted: i64) -> i64 {
        let lease = &mut self.leases[lease];
        let budget = lease.budget;
        let leased = lease.left.unwrap_or(0).min(drawn);
        if let Some(left) = &mut lease.left {
            *left -= leased;
        }
        let fund = self.fund(budget);
        fund.pending -= leased;
        let from_lease = leased.min(wanted);
        fund.spent += from_lease;
        let extra = (wanted - from_lease).min(fund.available()).max(0);
        fund.spent += extra;
        from_lease + extra
    }

    fn settle(&mut self, credits: usize, budget: Option<usize>, cost: i64) -> i64 {
        let cap = budget.map_or(cost, |lease| self.charge(lease, cost, cost));
        let charged = self.charge(credits, cost, cap);
        match budget {
            Some(_) => self.budget.spent -= cap - charged,
            // The key is limited, so what it spends counts although nothing was drawn.
            None => self.budget.spent += charged,
        }
        charged
    }

    fn close(&mut self, lease: usize) {
        let budget = self.leases[lease].budget;
        if let Some(left) = self.leases[lease].left.take() {
            self.fund(budget).pending -= left;
        }
    }
}

/// The database and the model, side by side.
struct Run<'a> {
    fixture: &'a Fixture,
    budget: FundKey,
    model: Model,
    last: Option<SettledGeneration>,
}

impl Run<'_> {
    async fn apply(&mut self, operation: Operation) {
        let fixture = self.fixture;
        match operation {
            Operation::TopUp(nanos) => {
                fixture.grant(nanos).await;
                self.model.credits.given += nanos;
            }
            Operation::Refund(nanos) => self.refund(nanos).await,
            Operation::Lease { budget, at_least, want } => self.lease(budget, at_least, want).await,
            Operation::Settle { credits, budget, cost } => self.settle(credits, budget, cost).await,
            Operation::Repeat => {
                if let Some(last) = self.last.clone() {
                    assert_eq!(fixture.settle(&[last]).await.repeated, 1);
                }
            }
            Operation::Return(n) => {
                if let Some(n) = self.pick(n, None) {
                    let id = self.model.leases[n].id;
                    leases::return_leases(fixture.db(), &[id], NOW).await.unwrap();
                    self.model.close(n);
                }
            }
            Operation::Renew(n) => {
                if let Some(n) = self.pick(n, None) {
                    let lease = &mut self.model.leases[n];
                    lease.renewed = true;
                    leases::renew(fixture.db(), &[lease.id], NOW.plus(seconds(999))).await.unwrap();
                }
            }
            Operation::Expire => {
                let due: Vec<_> = (0..self.model.leases.len())
                    .filter(|n| {
                        let lease = &self.model.leases[*n];
                        lease.left.is_some() && !lease.renewed
                    })
                    .collect();
                let count = leases::expire(fixture.db(), NOW.plus(seconds(60))).await.unwrap();
                assert_eq!(count, u64::try_from(due.len()).unwrap());
                for n in due {
                    self.model.close(n);
                }
            }
        }
    }

    /// The nth lease, wrapping around, of one kind of fund or of any.
    fn pick(&self, n: usize, budget: Option<bool>) -> Option<usize> {
        let fitting: Vec<_> = (0..self.model.leases.len())
            .filter(|i| budget.is_none_or(|budget| self.model.leases[*i].budget == budget))
            .collect();
        (!fitting.is_empty()).then(|| fitting[n % fitting.len()])
    }

    async fn refund(&mut self, nanos: i64) {
        let stamp = self.fixture.stamp();
        let event = stamp.id.to_string();
        let payment = Payment { processor: "sandbox", event: &event };
        let back = posting::refund(stamp, self.fixture.workspace.id, usd(nanos), payment).unwrap();
        let available = self.model.credits.available();
        match transfers::post(self.fixture.db(), &[back]).await {
            Ok(_) => {
                assert!(available >= nanos);
                self.model.credits.spent += nanos;
            }
            Err(StoreError::Insufficient { available: said }) => {
                assert!(available < nanos);
                assert_eq!(said, usd(available));
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn lease(&mut self, budget: bool, at_least: i64, want: i64) {
        let fund = if budget { self.budget.clone() } else { self.fixture.credits() };
        let request = self.fixture.lease_request(&fund, at_least, want);
        let outcome = leases::lease(self.fixture.db(), &request).await.unwrap();
        let before = self.model.fund(budget).available().max(0);
        match self.model.lease(budget, at_least, want) {
            Some(amount) => {
                assert_eq!(outcome, LeaseOutcome::Granted { amount: usd(amount) });
                let lease = Lease { id: request.lease, budget, left: Some(amount), renewed: false };
                self.model.leases.push(lease);
            }
            None => assert_eq!(outcome, LeaseOutcome::Insufficient { available: usd(before) }),
        }
    }

    async fn settle(&mut self, credits: usize, budget: Option<usize>, cost: i64) {
        let Some(credits) = self.pick(credits, Some(false)) else {
            return;
        };
        let budget = budget.and_then(|n| self.pick(n, Some(true)));
        let mut settled = self.fixture.settled(cost, self.model.leases[credits].id);
        if let Some(budget) = budget {
            let lease = self.model.leases[budget].id;
            settled.draws.push(Draw { fund: self.budget.clone(), lease, amount: usd(cost) });
        }
        let done = self.fixture.settle(std::slice::from_ref(&settled)).await;
        let charged = self.model.settle(credits, budget, cost);
        assert_eq!((done.charged, done.overruns), (usd(charged), usd(cost - charged)));
        self.last = Some(settled);
    }

    async fn compare(&self) {
        let Fund { given, spent, pending } = self.model.credits;
        assert_eq!(self.fixture.balance().await, (given, spent, pending));
        let sql = format!(
            "SELECT CAST(spent_nanos AS TEXT) || ' ' || CAST(pending_nanos AS TEXT) \
             FROM key_budgets WHERE fund_key = '{}'",
            self.budget
        );
        let expected = format!("{} {}", self.model.budget.spent, self.model.budget.pending);
        assert_eq!(self.fixture.database.texts(&sql).await.unwrap(), [expected]);
        let open = leases::count_open(self.fixture.db()).await.unwrap();
        let left: i64 = self.model.leases.iter().filter_map(|lease| lease.left).sum();
        assert_eq!(open.amount, usd(left));
        self.fixture.assert_clean().await;
    }
}

/// Closes what an earlier sequence left open, when it failed half-way.
async fn close_all(fixture: &Fixture) {
    while leases::expire(fixture.db(), NOW.plus(seconds(1_000_000))).await.unwrap() > 0 {}
}

async fn run(first: &Fixture, operations: Vec<Operation>) {
    close_all(first).await;
    let fixture = first.another().await;
    let limit = SpendLimit { amount: usd(LIMIT), reset: LimitReset::Never };
    let budget = fixture.limit(limit).await;
    // The first lease of a window makes its row, from when on spending is counted in it.
    let empty =
        Lease { id: fixture.lease(&budget, 0).await, budget: true, left: Some(0), renewed: false };
    let model = Model {
        credits: Fund::default(),
        budget: Fund { given: LIMIT, ..Fund::default() },
        leases: vec![empty],
    };
    let mut run = Run { fixture: &fixture, budget, model, last: None };
    for operation in operations {
        run.apply(operation).await;
    }
    run.compare().await;
}

#[test]
fn random_operations_agree_with_the_model() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for fixture in runtime.block_on(fixtures()) {
        // One seed, so that a failure is the same for everyone.
        let config = Config {
            cases: 60,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(2_026),
            ..Config::default()
        };
        let sequences = proptest::collection::vec(operation(), 1..50);
        TestRunner::new(config)
            .run(&sequences, |operations| {
                runtime.block_on(run(&fixture, operations));
                Ok(())
            })
            .unwrap();
        // Drops where a runtime is, as connections ask for.
        runtime.block_on(async move { drop(fixture) });
    }
}
