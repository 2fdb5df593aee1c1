//! Holds rules against stores.

use std::{any::Any, sync::Arc, time::Duration};

use cqrs_testkit::{
    conformance::{Rule, Stores},
    tokio::{
        runtime::{Builder, Runtime},
        sync::Semaphore,
        task::{JoinError, JoinSet},
    },
};

/// How time passes while rules are checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Time {
    /// Only while all wait, so that waiting for what never comes takes none. Not for a store whose answers come from outside
    /// of the runtime.
    Paused,
    Real,
}

/// Rules that are checked at a time, where time passes: they wait for their database for the most part.
const AT_ONCE: usize = 3;

/// How long a broken store is given to wake a watcher that it never wakes.
const PATIENCE: Duration = Duration::from_secs(2);

impl Time {
    fn runtime(self) -> Runtime {
        let built = match self {
            Self::Paused => Builder::new_current_thread().enable_all().start_paused(true).build(),
            Self::Real => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
        };
        built.unwrap()
    }

    const fn at_once(self) -> usize {
        match self {
            Self::Paused => 1,
            Self::Real => AT_ONCE,
        }
    }

    /// Each rule with what it says of the stores.
    fn check<S: ?Sized + 'static>(
        self,
        rules: &'static [Rule<S>],
        stores: impl Fn(&'static str) -> Stores<S>,
    ) -> Vec<(&'static str, Result<(), String>)> {
        self.runtime().block_on(async {
            let places = Arc::new(Semaphore::new(self.at_once()));
            let mut checks = JoinSet::new();
            for rule in rules {
                let (places, stores) = (Arc::clone(&places), stores(rule.name));
                checks.spawn(async move {
                    let _place = places.acquire().await.unwrap();
                    let check = cqrs_testkit::tokio::spawn(async move { rule.check(&stores).await });
                    (rule.name, check.await.map_err(said))
                });
            }
            checks.join_all().await
        })
    }
}

/// What a rule said as it failed.
fn said(failed: JoinError) -> String {
    let panic: Box<dyn Any + Send> = failed.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// A rule that fails for want of its database, or of time, has not bitten.
fn is_away(said: &str) -> bool {
    said.contains("Unavailable {") || said.contains("` hangs: ")
}

/// Each rule fails on the stores that break it.
pub(crate) fn every_rule_bites<S: ?Sized + 'static>(
    time: Time,
    rules: &'static [Rule<S>],
    breaking: impl Fn(&str) -> Option<Stores<S>>,
) {
    assert!(!rules.is_empty());
    // They panic on purpose, by the hundred: backtraces would take most of the time, and hide what matters.
    #[allow(clippy::print_stderr, reason = "where a panic is told by default, too")]
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let checked = time.check(rules, |rule| {
        let broken = breaking(rule).unwrap_or_else(|| panic!("no broken store shows that `{rule}` bites"));
        broken.with_patience(PATIENCE)
    });
    drop(std::panic::take_hook());
    let wrong = checked.into_iter().filter_map(|(rule, held)| match held {
        Ok(()) => Some(format!("a store that breaks `{rule}` passes it")),
        Err(said) if is_away(&said) => Some(format!("`{rule}` failed, but not by the fault: {said}")),
        Err(_) => None,
    });
    none_of(&wrong.collect::<Vec<_>>());
}

/// No rule fails on the stores.
pub(crate) fn every_rule_holds<S: ?Sized + 'static>(
    time: Time,
    rules: &'static [Rule<S>],
    stores: impl Fn() -> Stores<S>,
) {
    let failed = time.check(rules, |_| stores()).into_iter().filter_map(|(rule, held)| {
        held.err().map(|said| format!("the store without a fault fails `{rule}`: {said}"))
    });
    none_of(&failed.collect::<Vec<_>>());
}

fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tests of the rules of one suite, on the stores that a method of `$stores` makes.
macro_rules! suite_bites {
    ($suite:ident, $made:ident, $time:expr, $stores:expr) => {
        mod $suite {
            use cqrs_testkit::conformance::$suite::RULES;

            use super::*;
            use crate::{
                check,
                $suite::{breaking, unbroken},
            };

            #[test]
            fn every_rule_bites() {
                let stores = $stores;
                check::every_rule_bites($time, RULES, |rule| breaking(rule, &stores.$made()));
            }

            #[test]
            fn a_store_without_a_fault_keeps_every_rule() {
                let stores = $stores;
                check::every_rule_holds($time, RULES, || unbroken(&stores.$made()));
            }
        }
    };
}

/// Tests of the rules of event stores and of their snapshots, on stores that `$stores` makes.
macro_rules! event_store_bites {
    ($time:expr, $stores:expr) => {
        crate::check::suite_bites!(event_store, events, $time, $stores);
        crate::check::suite_bites!(snapshot_store, events, $time, $stores);
    };
}

/// Tests of the rules of view stores, on stores that `$stores` makes.
macro_rules! view_store_bites {
    ($time:expr, $stores:expr) => {
        crate::check::suite_bites!(view_store, views, $time, $stores);
    };
}

pub(crate) use {event_store_bites, suite_bites, view_store_bites};
