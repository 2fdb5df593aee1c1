//! Versions as servers print them.

use std::fmt;

/// Ordered by its numbers: 9.6 is older than 15.2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    numbers: Vec<u32>,
    text: String,
}

impl Version {
    /// The version that stands behind the first `marker`: the `15.18` of `postgres (PostgreSQL) 15.18 (Debian …)` is behind
    /// `(PostgreSQL) `, and the `7.0.14` of `db version v7.0.14` behind `db version v`.
    pub(super) fn behind(marker: &str, output: &str) -> Option<Self> {
        let (_, rest) = output.split_once(marker)?;
        let text = rest.split_whitespace().next()?;
        // A version to come is written `17beta1` or `18devel`.
        let numbers = text
            .split('.')
            .map_while(|part| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .collect::<Vec<u32>>();
        (!numbers.is_empty()).then(|| Self { numbers, text: text.to_owned() })
    }

    pub(super) fn major(&self) -> u32 {
        self.numbers.first().copied().unwrap_or_default()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(output: &str) -> Version {
        Version::behind("(PostgreSQL) ", output).expect("a version")
    }

    #[test]
    fn the_version_is_read_from_what_each_server_prints() {
        let debian = postgres("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n");
        assert_eq!((debian.major(), debian.to_string().as_str()), (15, "15.18"));
        let beta = postgres("postgres (PostgreSQL) 19beta2\n");
        assert_eq!((beta.major(), beta.to_string().as_str()), (19, "19beta2"));
        let mongod =
            Version::behind("db version v", "db version v7.0.14\nBuild Info: {\n").expect("a version");
        assert_eq!((mongod.major(), mongod.to_string().as_str()), (7, "7.0.14"));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let [old, new] =
            ["9.6.24", "15.2"].map(|version| postgres(&format!("postgres (PostgreSQL) {version}")));
        assert!(old < new, "{old} and {new}");
        assert!(postgres("(PostgreSQL) 15.9") < postgres("(PostgreSQL) 15.18"));
    }

    #[test]
    fn other_output_has_no_version() {
        assert_eq!(Version::behind("(PostgreSQL) ", "Illegal instruction"), None);
        assert_eq!(Version::behind("(PostgreSQL) ", "postgres (PostgreSQL) unknown"), None);
    }
}
