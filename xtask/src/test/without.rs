//! What a run leaves out because its caller said so.
//!
//! A test belongs to a part by name: a segment of its path, or its target, is called as the part is. `commands::postgres::retries`
//! belongs to `postgres`, `commands::a_postgres_url` does not.

use std::collections::BTreeSet;

use clap::ValueEnum;

use crate::servers;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Part {
    #[value(help = "what needs a PostgreSQL")]
    Postgres,
    /// what needs a MongoDB
    Mongo,
    /// what starts servers of its own, and kills them
    Faults,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mongo => "mongo",
            Self::Faults => "faults",
        }
    }

    fn server(self) -> Option<servers::Kind> {
        match self {
            Self::Postgres => Some(servers::Kind::Postgres),
            Self::Mongo => Some(servers::Kind::Mongo),
            Self::Faults => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Without(BTreeSet<Part>);

impl Without {
    pub(super) fn new(parts: &[Part]) -> Self {
        Self(parts.iter().copied().collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The servers that are needed all the same.
    pub(super) fn servers(&self) -> Vec<servers::Kind> {
        let left_out = |kind| self.0.iter().any(|part| part.server() == Some(kind));
        servers::Kind::all().iter().copied().filter(|kind| !left_out(*kind)).collect()
    }

    /// Whether a name is that of a part that is left out.
    pub(super) fn names(&self, name: &str) -> bool {
        self.0.iter().any(|part| part.name() == name)
    }

    /// For nextest: those tests that run.
    pub(super) fn filter(&self) -> String {
        let parts: Vec<&str> = self.0.iter().map(|part| part.name()).collect();
        format!("not test(/(^|::)({})(::|$)/)", parts.join("|"))
    }

    /// For `cargo test`, whose own filter knows no boundaries of words: the tests that do not run, of a list that it has printed.
    pub(super) fn excluded<'a>(&self, list: &'a str) -> BTreeSet<&'a str> {
        let tests = list.lines().filter_map(|line| line.trim().strip_suffix(": test"));
        tests.filter(|test| test.split("::").any(|segment| self.names(segment))).collect()
    }

    /// For the summary.
    pub(super) fn note(&self) -> String {
        let parts: Vec<&str> = self.0.iter().map(|part| part.name()).collect();
        format!("left out by --without: {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
commands::postgres::retries: test
commands::sqlite::retries: test
commands::a_postgres_url: test
faults::mongo::killed: test
postgres::starts: test
starting::postgres: test
postgres::measure: benchmark

6 tests, 1 benchmark
";

    fn excluded(parts: &[Part]) -> Vec<&'static str> {
        Without::new(parts).excluded(LIST).into_iter().collect()
    }

    #[test]
    fn a_test_is_left_out_for_a_segment_of_its_path() {
        let postgres = ["commands::postgres::retries", "postgres::starts", "starting::postgres"];
        assert_eq!(excluded(&[Part::Postgres]), postgres);
        assert_eq!(excluded(&[Part::Mongo]), ["faults::mongo::killed"]);
        assert_eq!(excluded(&[Part::Faults]), ["faults::mongo::killed"]);
        assert_eq!(excluded(&[Part::Mongo, Part::Faults]), ["faults::mongo::killed"]);
    }

    #[test]
    fn nextest_gets_the_same_rule_as_an_expression() {
        let without = Without::new(&[Part::Faults, Part::Postgres]);
        assert_eq!(without.filter(), "not test(/(^|::)(postgres|faults)(::|$)/)");
    }

    #[test]
    fn servers_that_only_tests_left_out_need_are_not_started() {
        assert_eq!(Without::new(&[Part::Faults]).servers(), servers::Kind::all());
        assert_eq!(Without::new(&[Part::Postgres]).servers(), [servers::Kind::Mongo]);
        assert_eq!(Without::new(&[Part::Postgres, Part::Mongo]).servers(), []);
    }

    #[test]
    fn the_summary_names_what_is_left_out() {
        assert_eq!(Without::new(&[Part::Mongo, Part::Faults]).note(), "left out by --without: mongo, faults");
    }
}
