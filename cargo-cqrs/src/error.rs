use std::{io, path::PathBuf};

use crate::{
    edit::NotUnderstood,
    name::{BadCrateName, BadModuleName},
};

/// Why a command has not done its work. Nothing was changed, but for what it names itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{message}")]
    Arguments {
        message: String,
        /// What else clap says of it.
        details: Vec<String>,
        /// The command whose help says what they are.
        command: String,
    },
    #[error("nobody is here to be asked: this is no terminal, and no name was given")]
    NobodyToAsk,
    #[error(transparent)]
    CrateName(BadCrateName),
    #[error(transparent)]
    ModuleName(BadModuleName),
    #[error("`{}` names no folder that could be made", path.display())]
    NoFolder { path: PathBuf },
    #[error("`{}` is there already, and not empty", path.display())]
    NotEmpty { path: PathBuf },
    #[error("`{}` is there already, and no folder", path.display())]
    NotAFolder { path: PathBuf },
    #[error("`{}` is a link, and a project is put where nothing is, or an empty folder", path.display())]
    Link { path: PathBuf },
    #[error("the framework is not at `{}` any more, where this program was built from", path.display())]
    NoCheckout { path: PathBuf },
    #[error(
        "this is no project of `cargo cqrs new`: no Cargo.toml here or above has `[package.metadata.cqrs]`"
    )]
    NoProject,
    #[error("`{path}` says that the layout of the project is `{layout}`, which this program does not know")]
    UnknownLayout { path: String, layout: String },
    #[error("the project has {what} already, in `{path}`")]
    Exists { what: String, path: String },
    #[error("there are several kinds of events, and `{module}` is for one of them: {}", list(sets))]
    WhichEvents { module: String, sets: Vec<String> },
    #[error("no events `{name}` are found in `{path}`{}", those(sets))]
    NoSuchEvents { module: String, name: String, path: String, sets: Vec<String> },
    #[error(transparent)]
    NotUnderstood(Box<NotUnderstood>),
    #[error("it was stopped, and nothing was changed")]
    Interrupted,
    #[error("signals can't be listened for")]
    Signals(#[source] io::Error),
    #[error("the questions can't be asked")]
    Ask(#[source] dialoguer::Error),
    #[error("{doing} `{path}` failed")]
    File { doing: &'static str, path: String, source: io::Error },
    #[error("writing `{path}` failed, and not all that was written before could be undone: {}", left.join(", "))]
    HalfWritten { path: String, left: Vec<String>, source: io::Error },
    #[error("the manual page can't be rendered")]
    Man(#[source] io::Error),
    #[error("the template `{file}` can't be used: {why}; this is a mistake in `cargo cqrs`")]
    Template { file: String, why: String },
}

impl Error {
    pub(crate) fn man(source: io::Error) -> Self {
        Self::Man(source)
    }

    pub(crate) fn file(doing: &'static str, path: impl AsRef<std::path::Path>, source: io::Error) -> Self {
        Self::File { doing, path: path.as_ref().display().to_string(), source }
    }

    pub(crate) fn template(file: &str, why: String) -> Self {
        Self::Template { file: file.to_owned(), why }
    }

    /// 1 for a failure, 2 for wrong arguments, 130 for a signal.
    pub(crate) const fn exit_code(&self) -> i32 {
        match self {
            Self::Arguments { .. }
            | Self::NobodyToAsk
            | Self::CrateName(_)
            | Self::ModuleName(_)
            | Self::NoFolder { .. }
            | Self::WhichEvents { .. }
            | Self::NoSuchEvents { .. } => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// What lies below it, the nearest first.
    pub(crate) fn causes(&self) -> impl Iterator<Item = String> {
        let first = std::error::Error::source(self);
        std::iter::successors(first, |error| error.source()).map(ToString::to_string)
    }

    /// More about it, for programs.
    pub(crate) fn details(&self) -> &[String] {
        match self {
            Self::Arguments { details, .. } => details,
            _ => &[],
        }
    }

    /// What to do next, in lines of at most 80 columns.
    pub(crate) fn next(&self) -> Vec<String> {
        let line = |text: &str| vec![text.to_owned()];
        let add = |module: &str, set: &String| format!("Try: cargo cqrs add projection {module} --of {set}");
        match self {
            Self::Arguments { command, .. } => vec![format!("{command} --help")],
            Self::NobodyToAsk => line("Try: cargo cqrs new shop"),
            Self::CrateName(error) => {
                error.suggestion.iter().map(|name| format!("Try: cargo cqrs new {name}")).collect()
            }
            Self::NoFolder { .. } => line("Give a name, or a path that ends with one: cargo cqrs new shop"),
            Self::NotEmpty { .. } | Self::NotAFolder { .. } | Self::Link { .. } => {
                line("Choose another name, or remove it.")
            }
            Self::NoCheckout { .. } => vec![
                "Build this program anew from where the framework is now, with".to_owned(),
                "`cargo install --path cargo-cqrs`, or take it from elsewhere:".to_owned(),
                "`--git URL --rev REV`, or `--registry VERSION`.".to_owned(),
            ],
            Self::NoProject => line("Go to the folder of such a project, or make one: cargo cqrs new shop"),
            Self::UnknownLayout { .. } => {
                line("Take the `cargo cqrs` that made the project, or a newer one.")
            }
            Self::ModuleName(_) | Self::Exists { .. } => line("Choose another name."),
            Self::WhichEvents { module, sets } => sets.iter().take(1).map(|set| add(module, set)).collect(),
            Self::NoSuchEvents { module, sets, .. } => sets.iter().map(|set| add(module, set)).collect(),
            Self::NotUnderstood(refusal) => refusal.by_hand(),
            _ => Vec::new(),
        }
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn those(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", only {}", list(names)) }
}
