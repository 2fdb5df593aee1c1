//! What cargo knows about the packages of this workspace.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Error, cargo};

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) rust_version: Option<String>,
    pub(crate) targets: Vec<Target>,
    /// Names of the packages that it is built from; those that only its tests use are left out.
    pub(crate) dependencies: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether `cargo test` runs it.
    pub(crate) test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Lib,
    Bin,
    Example,
    Test,
    Bench,
    BuildScript,
}

impl Workspace {
    /// Reads the workspace that the current folder belongs to.
    pub(crate) fn read() -> Result<Self, Error> {
        let mut command = cargo::cargo(Path::new("."));
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        Self::parse(&cargo::read(command)?)
    }

    fn parse(metadata: &str) -> Result<Self, Error> {
        let metadata: Value = serde_json::from_str(metadata)?;
        Ok(Self {
            root: text(&metadata, "workspace_root")?.into(),
            packages: list(&metadata, "packages")?.iter().map(package).collect::<Result<_, _>>()?,
        })
    }
}

fn package(value: &Value) -> Result<Package, Error> {
    let dependencies = list(value, "dependencies")?.iter().filter(|value| value["kind"] != "dev");
    Ok(Package {
        name: text(value, "name")?,
        rust_version: value["rust_version"].as_str().map(str::to_owned),
        targets: list(value, "targets")?.iter().map(target).collect::<Result<_, _>>()?,
        dependencies: dependencies.map(|value| text(value, "name")).collect::<Result<_, _>>()?,
    })
}

fn target(value: &Value) -> Result<Target, Error> {
    let name = text(value, "name")?;
    let kind = match list(value, "kind")?.first().and_then(Value::as_str) {
        Some("lib" | "rlib" | "dylib" | "cdylib" | "staticlib" | "proc-macro") => Kind::Lib,
        Some("bin") => Kind::Bin,
        Some("example") => Kind::Example,
        Some("test") => Kind::Test,
        Some("bench") => Kind::Bench,
        Some("custom-build") => Kind::BuildScript,
        other => return Err(format!("target `{name}` is of the unknown kind {other:?}").into()),
    };
    Ok(Target {
        name,
        kind,
        test: value["test"].as_bool().ok_or("a target does not say whether it is tested")?,
    })
}

/// A string field of cargo's metadata.
pub(crate) fn text(value: &Value, field: &str) -> Result<String, Error> {
    let text = value[field].as_str().ok_or_else(|| format!("cargo's metadata lacks the text `{field}`"))?;
    Ok(text.to_owned())
}

/// A list field of cargo's metadata.
pub(crate) fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], Error> {
    let list = value[field].as_array().ok_or_else(|| format!("cargo's metadata lacks the list `{field}`"))?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "workspace_root": "/project",
        "packages": [{
            "name": "store",
            "rust_version": "1.95.0",
            "dependencies": [
                {"name": "core", "kind": null},
                {"name": "generator", "kind": "build"},
                {"name": "testkit", "kind": "dev"}
            ],
            "targets": [
                {"name": "store", "kind": ["lib"], "test": true},
                {"name": "macros", "kind": ["proc-macro"], "test": true},
                {"name": "rules", "kind": ["test"], "test": true},
                {"name": "load", "kind": ["bench"], "test": false}
            ]
        }]
    }"#;

    #[test]
    fn targets_keep_their_kind_and_whether_they_hold_tests() {
        let workspace = Workspace::parse(METADATA).expect("the metadata is complete");
        let targets = workspace.packages[0].targets.iter();
        let seen: Vec<_> = targets.map(|target| (target.name.as_str(), target.kind, target.test)).collect();
        assert_eq!(
            seen,
            [
                ("store", Kind::Lib, true),
                ("macros", Kind::Lib, true),
                ("rules", Kind::Test, true),
                ("load", Kind::Bench, false)
            ]
        );
    }

    #[test]
    fn dependencies_of_tests_are_no_arrows_of_the_package() {
        let workspace = Workspace::parse(METADATA).expect("the metadata is complete");
        assert_eq!(workspace.packages[0].dependencies, ["core", "generator"]);
    }

    #[test]
    fn a_kind_of_target_that_nobody_has_thought_of_is_refused() {
        let error =
            Workspace::parse(&METADATA.replace(r#"["bench"]"#, r#"["fuzz"]"#)).expect_err("unknown kind");
        assert_eq!(error.to_string(), r#"target `load` is of the unknown kind Some("fuzz")"#);
    }
}
