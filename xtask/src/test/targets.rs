//! Which test target runs in which stage.

use std::collections::{BTreeMap, BTreeSet};

use super::{stage::Stage, without::Without};
use crate::{
    Error,
    workspace::{Kind, Target, Workspace},
};

/// The crates that keep the promises of a store, and the one that holds the proofs.
const CONFORMANCE: [&str; 4] = ["cqrs-testkit", "cqrs-sqlite", "cqrs-postgres", "cqrs-mongo"];

/// The one rule: what no stage claims is run by `unit`.
fn stage_of(package: &str, target: &Target) -> Stage {
    match (target.kind, target.name.as_str(), package) {
        (Kind::Test, "ui", _) => Stage::Ui,
        (Kind::Test, "browser", _) => Stage::Browser,
        (Kind::Test, "scaffold", _) => Stage::Scaffold,
        (Kind::Test, _, "cqrs-tests") => Stage::EndToEnd,
        (Kind::Test, "conformance", _) => Stage::Conformance,
        (Kind::Test, _, package) if CONFORMANCE.contains(&package) => Stage::Conformance,
        _ => Stage::Unit,
    }
}

/// The targets of one stage. They are chosen by name over the whole workspace, not package by package: so cargo
/// builds dependencies with the same features in each stage, and each of them just once.
#[derive(Debug, Default)]
pub(super) struct Selection(BTreeSet<(Kind, String)>);

impl Selection {
    /// What cargo needs to be told to run just these, `None` where there is nothing to run. Test targets that are named for
    /// something that is left out are not even built.
    pub(super) fn arguments(&self, without: &Without) -> Option<Vec<&str>> {
        let mut arguments = Vec::new();
        for (kind, name) in &self.0 {
            if *kind == Kind::Test && without.names(name) {
                continue;
            }
            match kind {
                Kind::Lib if arguments.contains(&"--lib") => {}
                Kind::Lib => arguments.push("--lib"),
                Kind::Bin => arguments.extend(["--bin", name]),
                Kind::Example => arguments.extend(["--example", name]),
                Kind::Test => arguments.extend(["--test", name]),
                Kind::Bench => arguments.extend(["--bench", name]),
                Kind::BuildScript => {}
            }
        }
        (!arguments.is_empty()).then_some(arguments)
    }
}

/// Gives each target that holds tests to just one stage.
pub(super) fn partition(workspace: &Workspace) -> Result<BTreeMap<Stage, Selection>, Error> {
    let mut stages: BTreeMap<Stage, Selection> = BTreeMap::new();
    let mut owners: BTreeMap<(Kind, &str), (Stage, &str)> = BTreeMap::new();
    for package in &workspace.packages {
        for target in package.targets.iter().filter(|target| target.test) {
            let stage = stage_of(&package.name, target);
            let (owner, other) = *owners.entry((target.kind, &target.name)).or_insert((stage, &package.name));
            if owner != stage {
                return Err(format!(
                    "the test target `{}` stands in {other} (stage {}) and in {} (stage {}): rename one, as stages \
                     choose their targets by name",
                    target.name,
                    owner.name(),
                    package.name,
                    stage.name()
                )
                .into());
            }
            stages.entry(stage).or_default().0.insert((target.kind, target.name.clone()));
        }
    }
    Ok(stages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{test::without::Part, workspace::Package};

    fn workspace(packages: &[(&str, &[(Kind, &str)])]) -> Workspace {
        let package = |(name, targets): &(&str, &[(Kind, &str)])| Package {
            name: (*name).to_owned(),
            rust_version: None,
            targets: targets
                .iter()
                .map(|(kind, name)| Target {
                    name: (*name).to_owned(),
                    kind: *kind,
                    test: *kind != Kind::Bench,
                })
                .collect(),
            dependencies: Vec::new(),
        };
        Workspace { root: "/".into(), packages: packages.iter().map(package).collect() }
    }

    #[test]
    fn each_target_runs_in_one_stage() {
        let workspace = workspace(&[
            ("cqrs-core", &[(Kind::Lib, "cqrs_core"), (Kind::Test, "by_hand"), (Kind::Bench, "load")]),
            ("cqrs-macros", &[(Kind::Lib, "cqrs_macros"), (Kind::Test, "ui"), (Kind::Test, "expansion")]),
            (
                "cqrs-sqlite",
                &[(Kind::Lib, "cqrs_sqlite"), (Kind::Test, "conformance"), (Kind::Test, "processes")],
            ),
            ("order-service", &[(Kind::Bin, "order-service"), (Kind::Test, "http")]),
            (
                "cqrs-tests",
                &[
                    (Kind::Lib, "cqrs_tests"),
                    (Kind::Test, "kill"),
                    (Kind::Test, "browser"),
                    (Kind::Test, "scaffold"),
                ],
            ),
        ]);
        let stages = partition(&workspace).expect("no name is taken twice");
        let arguments =
            |stage| stages[&stage].arguments(&Without::default()).expect("the stage has targets").join(" ");
        assert_eq!(
            arguments(Stage::Unit),
            "--lib --bin order-service --test by_hand --test expansion --test http"
        );
        assert_eq!(arguments(Stage::Ui), "--test ui");
        assert_eq!(arguments(Stage::Conformance), "--test conformance --test processes");
        assert_eq!(arguments(Stage::EndToEnd), "--test kill");
        assert_eq!(arguments(Stage::Scaffold), "--test scaffold");
        assert_eq!(arguments(Stage::Browser), "--test browser");
        assert_eq!(stages.len(), 6);
    }

    #[test]
    fn a_name_that_would_run_in_two_stages_is_refused() {
        let workspace =
            workspace(&[("cqrs-core", &[(Kind::Test, "race")]), ("cqrs-tests", &[(Kind::Test, "race")])]);
        let error = partition(&workspace).expect_err("`race` is taken twice").to_string();
        assert!(
            error.contains("`race` stands in cqrs-core (stage unit) and in cqrs-tests (stage e2e)"),
            "{error}"
        );
    }

    #[test]
    fn two_targets_of_one_name_in_one_stage_are_run_together() {
        let workspace = workspace(&[
            ("cqrs-testkit", &[(Kind::Test, "conformance")]),
            ("cqrs-sqlite", &[(Kind::Test, "conformance")]),
        ]);
        let stages = partition(&workspace).expect("both are of one stage");
        assert_eq!(
            stages[&Stage::Conformance].arguments(&Without::default()).expect("one name"),
            ["--test", "conformance"]
        );
    }

    #[test]
    fn a_target_of_what_is_left_out_is_not_built() {
        let workspace = workspace(&[
            ("cqrs-sqlite", &[(Kind::Test, "sqlite")]),
            ("cqrs-postgres", &[(Kind::Test, "postgres")]),
        ]);
        let stages = partition(&workspace).expect("all names differ");
        let without = Without::new(&[Part::Postgres]);
        let arguments = stages[&Stage::Conformance].arguments(&without).expect("one is left");
        assert_eq!(arguments, ["--test", "sqlite"]);
    }

    #[test]
    fn a_stage_without_targets_has_nothing_to_run() {
        let stages =
            partition(&workspace(&[("cqrs-core", &[(Kind::Lib, "cqrs_core")])])).expect("one target");
        assert!(!stages.contains_key(&Stage::Ui));
    }
}
