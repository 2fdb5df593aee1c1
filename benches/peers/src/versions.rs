use peers_harness::Failure;
use serde::Deserialize;

/// The packages whose versions matter, with what they are in the tables.
const PACKAGES: [&str; 9] = [
    "cqrs-es",
    "postgres-es",
    "esrs",
    "disintegrate",
    "disintegrate-postgres",
    "evento",
    "sqlx",
    "tokio-postgres",
    "tokio",
];

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// `cqrs-es 0.5.0`, … as they are locked; of two versions of one package both are named.
pub(crate) fn versions() -> Result<Vec<String>, Failure> {
    of(include_str!("../Cargo.lock"))
}

fn of(lock: &str) -> Result<Vec<String>, Failure> {
    let Lock { package } = toml::from_str(lock)?;
    let versions = PACKAGES.iter().map(|name| {
        let found: Vec<_> = package.iter().filter(|package| package.name == *name).collect();
        let versions: Vec<_> = found.iter().map(|package| package.version.as_str()).collect();
        if versions.is_empty() {
            return Err(format!("`{name}` is not in the lock file").into());
        }
        Ok(format!("{name} {}", versions.join(" and ")))
    });
    versions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_that_matters_is_locked() {
        let versions = versions().expect("the lock file is committed");
        assert!(versions.iter().any(|version| version.starts_with("cqrs-es 0.")), "{versions:?}");
    }
}
