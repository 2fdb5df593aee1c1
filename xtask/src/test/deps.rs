//! Who may know whom: the arrows of docs/adr/0001-workspace-and-crates.md, checked.

use std::path::Path;

use crate::{Error, cargo, workspace::Workspace};

/// Each crate of the workspace, and the crates of the workspace that it may be built from. Tests are free.
const ARROWS: [(&str, &[&str]); 18] = [
    ("cargo-cqrs", &[]),
    ("cqrs-axum", &["cqrs-core"]),
    ("cqrs-core", &["cqrs-macros"]),
    ("cqrs-macros", &[]),
    ("cqrs-mongo", &["cqrs-core"]),
    ("cqrs-postgres", &["cqrs-core"]),
    ("cqrs-sqlite", &["cqrs-core"]),
    ("cqrs-testkit", &["cqrs-core"]),
    ("order-events", &["cqrs-core"]),
    ("order-domain", &["cqrs-core", "order-events"]),
    ("order-views", &["cqrs-core", "order-events"]),
    (
        "order-service",
        &[
            "cqrs-axum",
            "cqrs-core",
            "cqrs-mongo",
            "cqrs-postgres",
            "cqrs-sqlite",
            "order-domain",
            "order-events",
            "order-views",
        ],
    ),
    ("fixture-events", &["cqrs-core"]),
    ("fixture-orders", &["cqrs-core", "fixture-events"]),
    ("fixture-views", &["cqrs-core", "fixture-events"]),
    ("cqrs-tests", ANY),
    ("cqrs-bench", ANY),
    ("xtask", &[]),
];

/// For what looks at all the others.
const ANY: &[&str] = &["*"];

/// Crates that speak to a database or over HTTP; a name stands for those that continue it with a hyphen, too.
const OUTSIDE_WORLD: &[&str] = &[
    "actix",
    "axum",
    "diesel",
    "h2",
    "http",
    "hyper",
    "libsql",
    "libsqlite3-sys",
    "mongodb",
    "postgres",
    "redis",
    "reqwest",
    "rocksdb",
    "rusqlite",
    "sea-orm",
    "sled",
    "sqlx",
    "tokio-postgres",
    "tonic",
    "tower",
    "ureq",
    "warp",
];

/// Crates that speak to a database: what speaks HTTP may know none.
const DATABASES: &[&str] = &[
    "cqrs-mongo",
    "cqrs-postgres",
    "cqrs-sqlite",
    "diesel",
    "libsql",
    "libsqlite3-sys",
    "mongodb",
    "postgres",
    "redis",
    "rocksdb",
    "rusqlite",
    "sea-orm",
    "sled",
    "sqlx",
    "tokio-postgres",
];

/// What a build must not contain, however deep below it.
struct Build {
    what: &'static str,
    package: &'static str,
    /// Which of the package's features are chosen, as told to cargo.
    features: &'static [&'static str],
    /// Crates, or features of crates as `crate/feature`.
    never: &'static [&'static str],
}

const BUILDS: [Build; 6] = [
    Build {
        what: "cqrs-core with all features",
        package: "cqrs-core",
        features: &["--all-features"],
        never: OUTSIDE_WORLD,
    },
    Build {
        what: "cqrs-macros with all features",
        package: "cqrs-macros",
        features: &["--all-features"],
        never: OUTSIDE_WORLD,
    },
    Build {
        what: "cqrs-testkit with all features",
        package: "cqrs-testkit",
        features: &["--all-features"],
        never: OUTSIDE_WORLD,
    },
    Build {
        what: "cqrs-axum with all features",
        package: "cqrs-axum",
        features: &["--all-features"],
        never: DATABASES,
    },
    Build {
        what: "order-service built to take commands only",
        package: "order-service",
        features: &["--no-default-features", "--features", "command,sqlite"],
        never: &["order-views", "cqrs-sqlite/views"],
    },
    Build {
        what: "order-service built to answer queries only",
        package: "order-service",
        features: &["--no-default-features", "--features", "query,sqlite"],
        never: &["order-domain", "cqrs-sqlite/events"],
    },
];

/// Arrows that point the wrong way, and builds that contain what they must not.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>, Error> {
    let mut problems = wrong_arrows(workspace);
    for build in &BUILDS {
        if workspace.packages.iter().any(|package| package.name == build.package) {
            problems.extend(forbidden(build, &tree(&workspace.root, build)?));
        }
    }
    Ok(problems)
}

fn wrong_arrows(workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    for package in &workspace.packages {
        let Some((name, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            problems.push(format!(
                "{} is a new crate: write into xtask/src/test/deps.rs which crates it may be built from",
                package.name
            ));
            continue;
        };
        let known =
            package.dependencies.iter().filter(|name| workspace.packages.iter().any(|it| it.name == **name));
        let is_allowed = |name: &str| *allowed == ANY || allowed.contains(&name);
        problems.extend(known.filter(|dependency| !is_allowed(dependency)).map(|dependency| {
            format!("{name} is built from {dependency}, but may only be built from [{}]", allowed.join(", "))
        }));
    }
    problems
}

/// A line for each crate in the build: `name version (place)|feature,feature`.
fn tree(root: &Path, build: &Build) -> Result<String, Error> {
    let mut command = cargo::cargo(root);
    command.args(["tree", "--package", build.package, "--edges", "normal", "--prefix", "none"]);
    command.args(["--format", "{p}|{f}"]).args(build.features);
    cargo::read(command)
}

fn forbidden(build: &Build, tree: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for line in tree.lines() {
        let (package, features) = line.split_once('|').unwrap_or((line, ""));
        let name = package.split_whitespace().next().unwrap_or_default();
        // cargo marks a crate whose own dependencies it has already shown.
        let features = features.trim_end_matches(" (*)");
        let hit = build.never.iter().find(|never| match never.split_once('/') {
            Some((krate, feature)) => krate == name && features.split(',').any(|it| it == feature),
            None => name.strip_prefix(**never).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
        });
        if let Some(never) = hit {
            let problem = format!("{} contains {name}, and must not contain {never}", build.what);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    fn workspace(packages: &[(&str, &[&str])]) -> Workspace {
        let package = |(name, dependencies): &(&str, &[&str])| Package {
            name: (*name).to_owned(),
            rust_version: None,
            targets: Vec::new(),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        };
        Workspace { root: "/".into(), packages: packages.iter().map(package).collect() }
    }

    #[test]
    fn arrows_of_the_design_are_fine() {
        let workspace = workspace(&[
            ("cqrs-core", &["cqrs-macros", "serde"]),
            ("cqrs-macros", &["syn"]),
            ("cqrs-sqlite", &["cqrs-core", "rusqlite"]),
        ]);
        assert_eq!(wrong_arrows(&workspace), [""; 0]);
    }

    #[test]
    fn core_may_not_know_a_store() {
        let workspace = workspace(&[("cqrs-core", &["cqrs-sqlite"]), ("cqrs-sqlite", &[])]);
        assert_eq!(
            wrong_arrows(&workspace),
            ["cqrs-core is built from cqrs-sqlite, but may only be built from [cqrs-macros]"]
        );
    }

    #[test]
    fn macros_may_know_no_crate_of_the_workspace() {
        let workspace = workspace(&[("cqrs-macros", &["cqrs-core"]), ("cqrs-core", &[])]);
        assert_eq!(
            wrong_arrows(&workspace),
            ["cqrs-macros is built from cqrs-core, but may only be built from []"]
        );
    }

    #[test]
    fn what_looks_at_all_others_may_be_built_from_each() {
        let workspace = workspace(&[("cqrs-tests", &["cqrs-macros"]), ("cqrs-macros", &[])]);
        assert_eq!(wrong_arrows(&workspace), [""; 0]);
    }

    #[test]
    fn a_crate_without_a_rule_is_asked_for_one() {
        let problems = wrong_arrows(&workspace(&[("cqrs-new", &[])]));
        assert!(problems[0].starts_with("cqrs-new is a new crate"), "{problems:?}");
    }

    const QUERY_ONLY: Build = Build {
        what: "a query-only build",
        package: "service",
        features: &["--no-default-features", "--features", "query"],
        never: &["sqlx", "cqrs-sqlite/events"],
    };

    #[test]
    fn a_build_with_a_forbidden_crate_is_found_however_it_is_called() {
        let tree = "service v0.1.0 (/project)|query\nsqlx-core v0.9.0|any,json (*)\nsqlxtra v1.0.0|";
        assert_eq!(
            forbidden(&QUERY_ONLY, tree),
            ["a query-only build contains sqlx-core, and must not contain sqlx"]
        );
    }

    #[test]
    fn a_build_with_a_forbidden_feature_is_found() {
        let tree = "service v0.1.0 (/project)|query\ncqrs-sqlite v0.1.0 (/project)|views,events (*)";
        assert_eq!(
            forbidden(&QUERY_ONLY, tree),
            ["a query-only build contains cqrs-sqlite, and must not contain cqrs-sqlite/events"]
        );
        assert_eq!(forbidden(&QUERY_ONLY, &tree.replace("events", "default")), [""; 0]);
    }
}
