//! One Rust version, wherever it is written down.

use std::fs;

use toml::Table;

use crate::{Error, cargo, workspace::Workspace};

const DOCKERFILE: &str = "examples/order-service/Dockerfile";

/// What disagrees.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>, Error> {
    let mut rustc = std::process::Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(&workspace.root).arg("--version");
    let running = cargo::read(rustc)?;

    let read = |name: &str, keys: &[&str]| -> Result<Stated, Error> {
        let file = workspace.root.join(name);
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        stated(name, &text, keys)
    };
    let root = read("Cargo.toml", &["workspace", "package", "rust-version"])?;
    let others = [read("rust-toolchain.toml", &["toolchain", "channel"])?, read("clippy.toml", &["msrv"])?];
    let image = workspace.root.join(DOCKERFILE);
    let image = fs::read_to_string(&image).map_err(|error| format!("{}: {error}", image.display()))?;
    let image = Stated { place: DOCKERFILE.to_owned(), version: image_version(&image).to_owned() };
    let members = workspace.packages.iter().map(|package| Stated {
        place: format!("the package {}", package.name),
        version: package.rust_version.clone().unwrap_or_else(|| "no rust-version".to_owned()),
    });
    let compiler =
        Stated { place: "rustc --version".to_owned(), version: compiler_version(&running).to_owned() };

    let mut problems = Vec::new();
    if root.version.split('.').count() != 3 {
        problems.push(format!("{} says {}: write all three numbers", root.place, root.version));
    }
    let differing = others
        .into_iter()
        .chain([image])
        .chain(members)
        .chain([compiler])
        .filter(|other| other.version != root.version);
    problems.extend(differing.map(|other| {
        format!("{} says {}, {} says {}", root.place, root.version, other.place, other.version)
    }));
    Ok(problems)
}

#[derive(Debug, PartialEq)]
struct Stated {
    place: String,
    version: String,
}

fn stated(place: &str, text: &str, keys: &[&str]) -> Result<Stated, Error> {
    let table: Table = text.parse().map_err(|error| format!("{place}: {error}"))?;
    let mut value = Some(&toml::Value::Table(table));
    for key in keys {
        value = value.and_then(|value| value.get(key));
    }
    let version =
        value.and_then(toml::Value::as_str).ok_or_else(|| format!("{place} lacks {}", keys.join(".")))?;
    Ok(Stated { place: format!("{place} ({})", keys.join(".")), version: version.to_owned() })
}

/// `1.95.0` of a line `ARG RUST_VERSION=1.95.0`.
fn image_version(dockerfile: &str) -> &str {
    dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("ARG RUST_VERSION="))
        .unwrap_or("no ARG RUST_VERSION")
}

/// `1.95.0` of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn compiler_version(line: &str) -> &str {
    line.split_whitespace().nth(1).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_where_it_stands() {
        let found = stated(
            "Cargo.toml",
            "[workspace.package]\nrust-version = \"1.95.0\"",
            &["workspace", "package", "rust-version"],
        );
        assert_eq!(
            found.expect("it is there"),
            Stated {
                place: "Cargo.toml (workspace.package.rust-version)".to_owned(),
                version: "1.95.0".to_owned()
            }
        );
    }

    #[test]
    fn a_missing_version_is_named() {
        let error = stated("clippy.toml", "other = 1", &["msrv"]).expect_err("it is not there");
        assert_eq!(error.to_string(), "clippy.toml lacks msrv");
    }

    #[test]
    fn the_images_version_is_a_default_of_its_own() {
        assert_eq!(
            image_version("# comment\nARG RUST_VERSION=1.95.0\nFROM rust\nARG RUST_VERSION\n"),
            "1.95.0"
        );
        assert_eq!(image_version("FROM rust:1.95.0\n"), "no ARG RUST_VERSION");
    }

    #[test]
    fn the_compilers_version_is_its_second_word() {
        assert_eq!(compiler_version("rustc 1.95.0 (59807616e 2026-04-14)\n"), "1.95.0");
    }
}
