//! Asks a person at a terminal.

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use dialoguer::{Input, Select, console::Term, theme::ColorfulTheme};

use crate::{
    Error,
    place::Place,
    project::{Read, Roles, Write},
};

/// Whether somebody is there.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The path of the project; it asks again until there is nothing against it.
pub(crate) fn path() -> Result<PathBuf, Error> {
    let name: String = Input::with_theme(&ColorfulTheme::default())
        .with_prompt("Name of the project")
        .default("shop".to_owned())
        .validate_with(|name: &String| {
            Place::new(Path::new(name)).map(drop).map_err(|error| match error {
                // More than a line would stay behind on the screen.
                Error::CrateName(error) => error.brief(),
                error => error.to_string(),
            })
        })
        .interact_text()
        .map_err(ask)?;
    Ok(name.into())
}

pub(crate) fn write() -> Result<Write, Error> {
    choose("Where are the events?", Write::ALL, |write| match write {
        Write::Sqlite => "SQLite: a file, nothing to install",
        Write::Postgres => "PostgreSQL",
    })
}

pub(crate) fn read() -> Result<Read, Error> {
    choose("Where are the views, which answer queries?", Read::ALL, |read| match read {
        Read::Sqlite => "SQLite: a file, nothing to install",
        Read::Mongo => "MongoDB",
        Read::Postgres => "PostgreSQL",
    })
}

pub(crate) fn roles() -> Result<Roles, Error> {
    choose("How many processes?", &[Roles::One, Roles::Three], |roles| match roles {
        Roles::One => "one, which does all",
        Roles::Three => "three: commands, views, queries",
    })
}

fn choose<T: Copy>(prompt: &str, from: &[T], text: impl Fn(T) -> &'static str) -> Result<T, Error> {
    let items: Vec<_> = from.iter().map(|it| text(*it)).collect();
    let chosen = Select::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt)
        .items(&items)
        .default(0)
        .interact()
        .map_err(ask)?;
    Ok(from[chosen])
}

/// Ctrl-c is an answer, too, and so is going away with the terminal.
fn ask(error: dialoguer::Error) -> Error {
    // A choice hides the cursor, and shows it again only when something was chosen.
    let terminal = Term::stderr();
    let is_gone = terminal.show_cursor().and_then(|()| terminal.write_line("")).is_err();
    let dialoguer::Error::IO(io) = &error;
    if is_gone || io.kind() == io::ErrorKind::Interrupted { Error::Interrupted } else { Error::Ask(error) }
}
