//! A server that tests run against.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use clap::ValueEnum;

use super::{folder::Folder, guard::Guard, url::Secret};
use crate::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    #[value(help = "PostgreSQL, for events and for views")]
    Postgres,
    #[value(help = "MongoDB, for views")]
    Mongo,
}

impl Kind {
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mongo => "MongoDB",
        }
    }

    /// As `--without` calls it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mongo => "mongo",
        }
    }

    /// Tells the tests where the server is; a developer may set it to choose one.
    pub(crate) fn url_variable(self) -> &'static str {
        match self {
            Self::Postgres => "CQRS_TEST_POSTGRES_URL",
            Self::Mongo => "CQRS_TEST_MONGO_URL",
        }
    }

    /// Tells tests that start servers of their own what to start; a developer may set it to choose. For `PostgreSQL` it is the
    /// folder of the programs, for MongoDB the program.
    pub(crate) fn program_variable(self) -> &'static str {
        match self {
            Self::Postgres => "CQRS_TEST_POSTGRES_BIN",
            Self::Mongo => "CQRS_TEST_MONGO_BIN",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(super) kind: Kind,
    pub(super) url: Secret,
    /// `None` where it runs elsewhere, and nothing of it is installed here.
    pub(super) program: Option<PathBuf>,
    pub(super) description: String,
    /// What was tried before, and failed; what this server can't do.
    pub(super) notes: Vec<String>,
    /// What ends with this value, in this order: the guard, before its folder is removed.
    pub(super) own: Option<(Guard, Folder)>,
}

impl Server {
    /// One that somebody else has started.
    pub(super) fn foreign(kind: Kind, url: String, description: String) -> Self {
        Self { kind, url: Secret(url), program: None, description, notes: Vec::new(), own: None }
    }

    /// One that goes with this value.
    pub(super) fn own(kind: Kind, url: String, description: String, guard: Guard, folder: Folder) -> Self {
        Self { own: Some((guard, folder)), ..Self::foreign(kind, url, description) }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(super) fn with_program(self, program: &Path) -> Self {
        Self { program: Some(program.to_owned()), ..self }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// It may hold a password.
    pub(crate) fn url(&self) -> &str {
        &self.url.0
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The variables that tests find it by.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        let program =
            self.program.as_deref().map(|program| (self.kind.program_variable(), program.as_os_str()));
        [(self.kind.url_variable(), OsStr::new(&self.url.0))].into_iter().chain(program)
    }

    /// The last lines of its log, where it has ended too early.
    pub(crate) fn last_words(&mut self) -> Result<Option<String>, Error> {
        let Some((guard, folder)) = &mut self.own else { return Ok(None) };
        Ok(if guard.has_ended()? { Some(folder.last_words()?) } else { None })
    }
}
