//! The part of deny.toml that needs no other tool: licences, duplicate versions and sources of all dependencies.
//!
//! `cargo deny` knows more (licence texts, advisories), but it is not on every machine; what is checked here is
//! checked everywhere, by the same file.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};
use serde_json::Value;
use toml::Table;

use super::licence::Allowed;
use crate::{
    Error, cargo,
    workspace::{Workspace, list, text},
};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What is wrong, and what the summary has to mention.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<String>,
    pub(super) notes: Vec<String>,
}

pub(super) fn check(workspace: &Workspace) -> Result<Findings, Error> {
    let file = workspace.root.join("deny.toml");
    let policy = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let policy = Policy::parse(&policy).map_err(|error| format!("deny.toml: {error}"))?;

    let mut findings = Findings::default();
    let metadata = match metadata(workspace, &policy.platforms, &[]) {
        Ok(metadata) => metadata,
        Err(error) => {
            // Without a network, cargo can't describe crates that only other platforms need.
            let host = host(workspace)?;
            let Ok(metadata) = metadata(workspace, std::slice::from_ref(&host), &["--offline"]) else {
                return Err(error);
            };
            findings.notes.push(format!(
                "checked for {host} only: the crates of the other platforms in deny.toml could not be fetched"
            ));
            metadata
        }
    };
    let packages: Vec<Package> =
        list(&metadata, "packages")?.iter().map(Package::parse).collect::<Result<_, _>>()?;

    findings.problems.extend(policy.licences(&packages));
    findings.problems.extend(sources(&packages));
    let (duplicates, idle) = policy.duplicates(&packages);
    findings.problems.extend(duplicates);
    findings.notes.extend(idle);
    Ok(findings)
}

fn metadata(workspace: &Workspace, platforms: &[String], arguments: &[&str]) -> Result<Value, Error> {
    let mut command = cargo::cargo(&workspace.root);
    command.args(["metadata", "--all-features", "--format-version", "1"]).args(arguments);
    for platform in platforms {
        command.args(["--filter-platform", platform]);
    }
    Ok(serde_json::from_str(&cargo::read(command)?)?)
}

fn host(workspace: &Workspace) -> Result<String, Error> {
    let mut command = cargo::cargo(&workspace.root);
    command.args(["--version", "--verbose"]);
    let version = cargo::read(command)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("`cargo --version --verbose` does not name the host")?.to_owned())
}

#[derive(Debug)]
struct Package {
    name: String,
    version: Version,
    licence: Option<String>,
    /// `None` for a package of this workspace, or another one by path.
    source: Option<String>,
}

impl Package {
    fn parse(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            name: text(value, "name")?,
            version: text(value, "version")?.parse()?,
            licence: value["license"].as_str().map(str::to_owned),
            source: value["source"].as_str().map(str::to_owned),
        })
    }
}

#[derive(Debug)]
struct Policy {
    platforms: Vec<String>,
    allowed: Allowed,
    exceptions: BTreeMap<String, Allowed>,
    skipped: Vec<Skip>,
}

/// A version that may stand beside another one.
#[derive(Debug)]
struct Skip {
    name: String,
    versions: VersionReq,
}

impl Policy {
    fn parse(text: &str) -> Result<Self, Error> {
        let table: Table = text.parse()?;
        let licences = section(&table, "licenses")?;
        let bans = section(&table, "bans")?;
        let mut exceptions = BTreeMap::new();
        for exception in entries(licences, "exceptions")? {
            let (name, _) = crate_of(exception)?;
            exceptions.insert(name, Allowed::parse(&strings(exception, "allow")?)?);
        }
        let mut skipped = Vec::new();
        for skip in entries(bans, "skip")? {
            let (name, versions) = crate_of(skip)?;
            if skip.get("reason").and_then(toml::Value::as_str).is_none_or(str::is_empty) {
                return Err(format!("the skip of {name} gives no reason").into());
            }
            skipped.push(Skip { name, versions });
        }
        Ok(Self {
            platforms: strings(section(&table, "graph")?, "targets")?,
            allowed: Allowed::parse(&strings(licences, "allow")?)?,
            exceptions,
            skipped,
        })
    }

    fn licences(&self, packages: &[Package]) -> Vec<String> {
        let problem = |package: &Package| {
            let Package { name, version, .. } = package;
            let Some(licence) = &package.licence else {
                return Some(format!("{name} {version} names no licence"));
            };
            let exception = self.exceptions.get(name);
            match self.allowed.permits(licence, exception) {
                Ok(true) => None,
                Ok(false) => Some(format!(
                    "{name} {version} has the licence {licence}, which deny.toml does not allow"
                )),
                Err(error) => {
                    Some(format!("{name} {version} has the licence {licence}, which can't be read: {error}"))
                }
            }
        };
        packages.iter().filter_map(problem).collect()
    }

    /// Crates in more than one version, and skips that skip nothing.
    fn duplicates(&self, packages: &[Package]) -> (Vec<String>, Vec<String>) {
        let mut versions: BTreeMap<&str, BTreeSet<&Version>> = BTreeMap::new();
        for package in packages {
            versions.entry(&package.name).or_default().insert(&package.version);
        }
        let idle = self.skipped.iter().filter(|skip| {
            let present = versions.get(skip.name.as_str());
            !present.is_some_and(|present| {
                present.len() > 1 && present.iter().any(|it| skip.versions.matches(it))
            })
        });
        let idle = idle
            .map(|skip| format!("deny.toml skips {} {}, which is no duplicate", skip.name, skip.versions));
        let idle = idle.collect();

        let mut problems = Vec::new();
        for (name, versions) in versions {
            let skips = |version: &Version| {
                self.skipped.iter().any(|skip| skip.name == name && skip.versions.matches(version))
            };
            let left: Vec<String> =
                versions.into_iter().filter(|it| !skips(it)).map(Version::to_string).collect();
            if left.len() > 1 {
                problems.push(format!(
                    "{name} is used in the versions {}: `cargo tree --invert {name}@<version>` says by whom; update \
                     them, or skip one in deny.toml with a reason",
                    left.join(" and ")
                ));
            }
        }
        (problems, idle)
    }
}

fn sources(packages: &[Package]) -> Vec<String> {
    let strange = |package: &Package| {
        let source = package.source.as_deref().filter(|source| *source != CRATES_IO)?;
        Some(format!("{} {} comes from {source}, not from crates.io", package.name, package.version))
    };
    packages.iter().filter_map(strange).collect()
}

fn section<'a>(table: &'a Table, name: &str) -> Result<&'a Table, Error> {
    let section = table.get(name).and_then(toml::Value::as_table);
    Ok(section.ok_or_else(|| format!("there is no section [{name}]"))?)
}

fn strings(table: &Table, key: &str) -> Result<Vec<String>, Error> {
    let list = table.get(key).and_then(toml::Value::as_array);
    let list = list.ok_or_else(|| format!("there is no list `{key}`"))?;
    let texts = list.iter().map(|value| value.as_str().map(str::to_owned));
    Ok(texts.collect::<Option<_>>().ok_or_else(|| format!("`{key}` is not a list of strings"))?)
}

/// The tables of a list that may be absent.
fn entries<'a>(table: &'a Table, key: &str) -> Result<Vec<&'a Table>, Error> {
    let Some(value) = table.get(key) else { return Ok(Vec::new()) };
    let entries = value.as_array().and_then(|list| list.iter().map(toml::Value::as_table).collect());
    Ok(entries.ok_or_else(|| format!("`{key}` is not a list of tables"))?)
}

/// `crate = "name"`, `"name@1.2.3"` or `"name:^1.2"`.
fn crate_of(entry: &Table) -> Result<(String, VersionReq), Error> {
    let spec = entry.get("crate").and_then(toml::Value::as_str).ok_or("an entry names no `crate`")?;
    let (name, versions) = if let Some((name, version)) = spec.split_once('@') {
        (name, format!("={version}").parse())
    } else if let Some((name, versions)) = spec.split_once(':') {
        (name, versions.parse())
    } else {
        (spec, Ok(VersionReq::STAR))
    };
    Ok((name.to_owned(), versions.map_err(|error| format!("`{spec}`: {error}"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        [graph]
        targets = ["x86_64-unknown-linux-gnu"]
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        exceptions = [{ crate = "tables", allow = ["Unicode-3.0"] }]
        [bans]
        skip = [{ crate = "syn:^2", reason = "an older macro still uses it" }]
    "#;

    fn policy() -> Policy {
        Policy::parse(POLICY).expect("the policy is complete")
    }

    fn package(name: &str, version: &str, licence: &str) -> Package {
        let version = version.parse().expect("a version");
        let licence = Some(licence.to_owned()).filter(|licence| !licence.is_empty());
        Package { name: name.to_owned(), version, licence, source: Some(CRATES_IO.to_owned()) }
    }

    #[test]
    fn a_licence_outside_of_the_list_is_a_problem() {
        let packages = [package("good", "1.0.0", "MIT OR GPL-3.0"), package("bad", "2.0.0", "GPL-3.0")];
        assert_eq!(
            policy().licences(&packages),
            ["bad 2.0.0 has the licence GPL-3.0, which deny.toml does not allow"]
        );
    }

    #[test]
    fn an_exception_serves_its_own_crate_only() {
        let packages = [
            package("tables", "1.0.0", "MIT AND Unicode-3.0"),
            package("other", "1.0.0", "MIT AND Unicode-3.0"),
        ];
        let problems = policy().licences(&packages);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("other 1.0.0"), "{problems:?}");
    }

    #[test]
    fn a_package_without_a_licence_is_a_problem() {
        assert_eq!(policy().licences(&[package("bare", "1.0.0", "")]), ["bare 1.0.0 names no licence"]);
    }

    #[test]
    fn a_second_version_is_a_problem_unless_it_is_skipped() {
        let (problems, idle) = policy().duplicates(&[
            package("syn", "2.0.1", "MIT"),
            package("syn", "3.0.9", "MIT"),
            package("rand", "0.8.0", "MIT"),
            package("rand", "0.9.0", "MIT"),
        ]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("rand is used in the versions 0.8.0 and 0.9.0"), "{problems:?}");
        assert_eq!(idle, [""; 0]);
    }

    #[test]
    fn a_third_version_is_not_covered_by_the_skip_of_another() {
        let packages = ["1.0.0", "2.0.1", "3.0.9"].map(|version| package("syn", version, "MIT"));
        let (problems, _) = policy().duplicates(&packages);
        assert!(problems[0].starts_with("syn is used in the versions 1.0.0 and 3.0.9"), "{problems:?}");
    }

    #[test]
    fn a_skip_that_skips_nothing_is_told() {
        for only in ["2.0.1", "3.0.9"] {
            let (_, idle) = policy().duplicates(&[package("syn", only, "MIT")]);
            assert_eq!(idle, ["deny.toml skips syn ^2, which is no duplicate"]);
        }
    }

    #[test]
    fn a_skip_without_a_reason_is_refused() {
        let error = Policy::parse(&POLICY.replace(r#", reason = "an older macro still uses it""#, ""));
        assert_eq!(error.expect_err("no reason").to_string(), "the skip of syn gives no reason");
    }

    #[test]
    fn only_crates_io_and_this_workspace_are_sources() {
        let mut packages = [
            package("ours", "0.1.0", "MIT"),
            package("theirs", "1.0.0", "MIT"),
            package("forked", "1.0.0", "MIT"),
        ];
        packages[0].source = None;
        packages[2].source = Some("git+https://example.org/forked".to_owned());
        assert_eq!(
            sources(&packages),
            ["forked 1.0.0 comes from git+https://example.org/forked, not from crates.io"]
        );
    }
}
