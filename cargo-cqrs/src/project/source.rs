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

    /// What manifests and other files say of it, in which nothing is to be renamed.
    pub(crate) fn texts(&self) -> Vec<String> {
        match self {
            Self::Checkout(path) => vec![path.display().to_string()],
            Self::Git { url, rev } => vec![url.clone(), format!("rev = \"{rev}\"")],
            Self::Registry { .. } => Vec::new(),
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

/// For `--git`: what cargo takes, which is a URL. What git itself takes besides is written as one.
pub(crate) fn address(text: &str) -> Result<String, String> {
    const FORMS: &str =
        "it is no address\n  tip: write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH";
    if let Ok(path) = std::path::absolute(text)
        && text.starts_with(['/', '.', '~'])
    {
        return Err(format!("it is no address\n  tip: a folder is file://{}", path.display()));
    }
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "\"'`<>\\".contains(letter);
    if text.contains(odd) {
        return Err(FORMS.to_owned());
    }
    let whole = match (text.split_once("://"), text.split_once('@')) {
        (Some(_), _) => text.to_owned(),
        // As `git clone` takes it.
        (None, Some((user, rest))) => match rest.split_once(':') {
            Some((host, path)) => format!("ssh://{user}@{host}/{}", path.trim_start_matches('/')),
            None => return Err(FORMS.to_owned()),
        },
        (None, None) => return Err(FORMS.to_owned()),
    };
    let (scheme, rest) = whole.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let suits = match scheme {
        "file" => host.is_empty() && !path.is_empty(),
        "http" | "https" | "git" | "ssh" => host
            .rsplit('@')
            .next()
            .is_some_and(|host| host.starts_with(|first: char| first.is_alphanumeric() || first == '[')),
        _ => false,
    };
    if suits { Ok(whole) } else { Err(FORMS.to_owned()) }
}

/// For `--rev`.
pub(crate) fn revision(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("it is empty".to_owned())
    } else if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        Err("a revision has no space in it".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// For `--registry`: what cargo takes as a version.
pub(crate) fn version(text: &str) -> Result<String, String> {
    match semver::VersionReq::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("it is no version\n  because {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_cargo_takes_it() {
        for (given, written) in [
            ("https://example.com/cqrs.git", "https://example.com/cqrs.git"),
            ("http://127.0.0.1:3000/you/cqrs", "http://127.0.0.1:3000/you/cqrs"),
            ("ssh://git@example.com/cqrs", "ssh://git@example.com/cqrs"),
            ("git@example.com:you/cqrs", "ssh://git@example.com/you/cqrs"),
            ("git@example.com:/srv/cqrs", "ssh://git@example.com/srv/cqrs"),
            ("file:///srv/cqrs", "file:///srv/cqrs"),
        ] {
            assert_eq!(address(given).as_deref(), Ok(written));
        }
        for none in [
            "",
            "cqrs",
            "https://",
            "https:///cqrs",
            "ftp://example.com/cqrs",
            "git@example.com",
            "file://x",
            "a b@c:d",
        ] {
            assert!(address(none).is_err(), "{none}");
        }
    }

    #[test]
    fn a_checkout_that_is_gone_is_named_with_what_to_do() {
        Source::checkout().expect("this test was built from it");
        let error = Source::at("/nowhere/cqrs".into()).expect_err("it is not there");
        assert!(error.to_string().contains("/nowhere/cqrs"), "{error}");
        assert!(error.next().concat().contains("--git URL"), "{:?}", error.next());
        assert_eq!(error.exit_code(), 1);
    }
}
