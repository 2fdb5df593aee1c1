//! What can be run, and on what.

use clap::ValueEnum;

use crate::servers::Kind;

/// A scenario is a test in `tests/tests/e2e/soak`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    #[value(help = "three projectors are killed, paused and resumed")]
    Projectors,
    #[value(help = "views are built anew, with a kill in the middle")]
    Rebuild,
    #[value(help = "an event that can't be read, until it is retried")]
    Poison,
    #[value(help = "the only owner dies, and queries tell of it")]
    OwnerDeath,
}

/// The stores of events and views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Store {
    #[value(help = "both in files of SQLite; nobody is paused")]
    Sqlite,
    #[value(help = "both on one PostgreSQL")]
    Postgres,
    #[value(help = "events on PostgreSQL, views on MongoDB")]
    Mongo,
}

impl Scenario {
    /// Those to run, each once and in their own order; all of them where none is named.
    pub(super) fn choose(named: &[Self]) -> impl Iterator<Item = Self> {
        let all = Self::value_variants().iter().copied();
        all.filter(move |scenario| named.is_empty() || named.contains(scenario))
    }

    pub(super) fn name(self) -> String {
        self.to_possible_value().expect("no scenario is hidden").get_name().to_owned()
    }

    pub(super) fn about(self) -> String {
        let value = self.to_possible_value().expect("no scenario is hidden");
        value.get_help().map(ToString::to_string).unwrap_or_default()
    }

    fn module(self) -> String {
        self.name().replace('-', "_")
    }
}

impl Store {
    pub(super) fn name(self) -> String {
        self.to_possible_value().expect("no store is hidden").get_name().to_owned()
    }

    pub(super) fn servers(self) -> &'static [Kind] {
        match self {
            Self::Sqlite => &[],
            Self::Postgres => &[Kind::Postgres],
            Self::Mongo => &[Kind::Postgres, Kind::Mongo],
        }
    }

    /// Chooses the one test of a scenario on these stores, as arguments of its program.
    pub(super) fn filter(self, scenario: Scenario) -> Vec<String> {
        let module = format!("soak::{}", scenario.module());
        match self {
            Self::Sqlite => vec![format!("{module}::sqlite::")],
            Self::Postgres => vec![format!("{module}::postgres::"), "--skip".into(), "::mongo::".into()],
            Self::Mongo => vec![format!("{module}::postgres::mongo::")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_is_a_module_of_the_tests() {
        let modules = include_str!("../../../tests/tests/e2e/soak/mod.rs");
        for scenario in Scenario::choose(&[]) {
            let module = format!("\nmod {};\n", scenario.module());
            assert!(modules.contains(&module), "{scenario:?} is no module of the tests");
        }
    }

    #[test]
    fn scenarios_run_once_and_in_their_own_order() {
        let named = [Scenario::OwnerDeath, Scenario::Rebuild, Scenario::OwnerDeath];
        assert_eq!(Scenario::choose(&named).collect::<Vec<_>>(), [Scenario::Rebuild, Scenario::OwnerDeath]);
    }

    #[test]
    fn the_tests_of_one_store_are_not_those_of_another() {
        let filter = |store: Store| store.filter(Scenario::OwnerDeath).join(" ");
        assert_eq!(filter(Store::Sqlite), "soak::owner_death::sqlite::");
        assert_eq!(filter(Store::Postgres), "soak::owner_death::postgres:: --skip ::mongo::");
        assert_eq!(filter(Store::Mongo), "soak::owner_death::postgres::mongo::");
    }

    #[test]
    fn a_scenario_fits_a_line() {
        for scenario in Scenario::choose(&[]) {
            let line = format!("{}  {}", scenario.name(), scenario.about());
            assert!(!scenario.about().is_empty() && line.len() <= 80, "{line}");
        }
    }
}
