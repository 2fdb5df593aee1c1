use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use toml_edit::{InlineTable, Item};

use crate::{Error, template};

/// Where a project has the framework from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The checkout that this program was built from.
    Checkout(PathBuf),
    Git {
        url: String,
        rev: String,
    },
    Registry {
        version: String,
    },
}

impl Source {
    /// The default, where it is still there.
    pub(crate) fn checkout() -> Result<Self, Error> {
        Self::at(template::CHECKOUT.into())
    }

    fn at(path: PathBuf) -> Result<Self, Error> {
        if path.join("cqrs-core/Cargo.toml").is_file() {
            Ok(Self::Checkout(path))
        } else {
            Err(Error::NoCheckout { path })
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Checkout(path) => Some(path),
            _ => None,
        }
    }

    /// A dependency on one of the framework's crates, from how the framework's own workspace has it.
    pub(crate) fn dependency(&self, own: &Item) -> Option<InlineTable> {
        let own = own.as_inline_table()?;
        let folder = own.get("path")?.as_str()?;
        let mut dependency = InlineTable::new();
        match self {
            Self::Checkout(path) => {
                dependency.insert("path", path.join(folder).display().to_string().into());
            }
            Self::Git { url, rev } => {
                dependency.insert("git", url.as_str().into());
                dependency.insert("rev", rev.as_str().into());
            }
            Self::Registry { version } => {
                dependency.insert("version", version.as_str().into());
            }
        }
        for (key, value) in own.iter().filter(|(key, _)| !["path", "version"].contains(key)) {
            dependency.insert(key, value.clone());
        }
        Some(dependency)
    }

    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Checkout(path) => json!({ "path": path.display().to_string() }),
            Self::Git { url, rev } => json!({ "git": url, "rev": rev }),
            Self::Registry { version } => json!({ "registry": version }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_that_is_gone_is_named_with_what_to_do() {
        Source::checkout().expect("this test was built from it");
        let error = Source::at("/nowhere/cqrs".into()).expect_err("it is not there");
        assert!(error.to_string().contains("/nowhere/cqrs"), "{error}");
        assert!(error.next().concat().contains("--git URL"), "{:?}", error.next());
        assert_eq!(error.exit_code(), 1);
    }
}
