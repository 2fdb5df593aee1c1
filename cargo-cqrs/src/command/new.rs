use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::{
    Error, Report, ask, format,
    interrupt::Interrupt,
    place::Place,
    project::{Files, Plan, Read, Roles, Source, Stores, Write, address, revision, version, word},
};

/// Make a project: a service that runs, with its tests, to change
#[derive(Debug, Args)]
#[command(after_help = "\
It asks for what it needs when it is started in a terminal without a name.

Examples:
  cargo cqrs new shop
  cargo cqrs new services/shop --write postgres --read mongo --roles three
  cargo cqrs new shop --git https://github.com/you/cqrs --rev 1f3c2a9
  cargo cqrs new ledger --blank --json")]
pub(crate) struct Options {
    /// Folder of the project; its last part is the name
    name: Option<PathBuf>,

    /// Where the events are [default: sqlite]
    #[arg(long, value_name = "STORE", conflicts_with = "blank")]
    write: Option<Write>,

    /// Where the views are, which answer queries [default: sqlite]
    #[arg(long, value_name = "STORE", conflicts_with = "blank")]
    read: Option<Read>,

    /// Into how many processes the work is divided [default: one]
    #[arg(long, value_name = "COUNT", conflicts_with = "blank")]
    roles: Option<Roles>,

    /// Make the smallest thing that runs: one aggregate, one projection
    #[arg(long)]
    blank: bool,

    /// Take the framework from this repository, not from the folder that this
    /// program was built from
    #[arg(long, value_name = "URL", value_parser = address, requires = "rev")]
    git: Option<String>,

    /// The commit of the repository
    #[arg(long, value_name = "REV", value_parser = revision, requires = "git")]
    rev: Option<String>,

    /// Take this version of the framework from the registry
    #[arg(long, value_name = "VERSION", value_parser = version, conflicts_with = "git")]
    registry: Option<String>,

    /// Print one JSON object, also for an error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<Report, Error> {
    let interrupt = Interrupt::listen()?;
    let source = options.source()?;
    // Where the terminal is gone, a question fails; the signal says why.
    let placed = options.place().map_err(|error| interrupt.check().err().unwrap_or(error));
    let (place, stores, roles) = placed?;
    let plan = Plan { name: place.name.clone(), stores, roles, source, blank: options.blank };
    let files = plan.files()?;
    let notes = place.fill(|draft| complete(&plan, &files, draft, &interrupt))?;
    Ok(report(&plan, &files, &place, &notes))
}

impl Options {
    fn source(&self) -> Result<Source, Error> {
        match (&self.git, &self.rev, &self.registry) {
            (Some(url), Some(rev), _) => Ok(Source::Git { url: url.clone(), rev: rev.clone() }),
            (_, _, Some(version)) => Ok(Source::Registry { version: version.clone() }),
            _ => Source::checkout(),
        }
    }

    /// Asks only where there is no name: whoever gives one has made up their mind.
    fn place(&self) -> Result<(Place, Stores, Roles), Error> {
        let default = Stores { write: Write::Sqlite, read: Read::Sqlite };
        let given =
            Stores { write: self.write.unwrap_or(default.write), read: self.read.unwrap_or(default.read) };
        if let Some(path) = &self.name {
            return Ok((Place::new(path)?, given, self.roles.unwrap_or(Roles::One)));
        }
        if self.json || !ask::is_possible() {
            return Err(Error::NobodyToAsk);
        }
        let place = Place::new(&ask::path()?)?;
        if self.blank {
            return Ok((place, default, Roles::One));
        }
        let write = self.write.map_or_else(ask::write, Ok)?;
        let read = self.read.map_or_else(ask::read, Ok)?;
        let roles = self.roles.map_or_else(ask::roles, Ok)?;
        Ok((place, Stores { write, read }, roles))
    }
}

/// Writes the project, and has it put into shape. Returns what a person should know of that.
fn complete(plan: &Plan, files: &Files, draft: &Path, interrupt: &Interrupt) -> Result<Vec<String>, Error> {
    files.write(draft, interrupt)?;
    let mut notes = Vec::new();
    let roots: Vec<_> = files.paths().filter(|path| is_root(path)).collect();
    if let Err(why) = format::rustfmt(draft, &roots) {
        interrupt.check()?;
        notes.push(format!("it is not formatted: {why}"));
    }
    interrupt.check()?;
    // What is not here yet has to be fetched first, and with it its list of versions.
    let completed = match plan.source {
        Source::Checkout(_) => format::lock(draft),
        Source::Git { .. } | Source::Registry { .. } => Err("the framework is not in it yet".to_owned()),
    };
    if let Err(why) = completed {
        interrupt.check()?;
        notes.push(format!("the first `cargo build` completes Cargo.lock: {why}"));
    }
    interrupt.check()?;
    Ok(notes)
}

/// Where a crate begins: rustfmt finds its modules from there.
fn is_root(path: &str) -> bool {
    let rust = Path::new(path).extension().is_some_and(|extension| extension == "rs");
    let in_tests = Path::new(path).parent().is_some_and(|parent| parent.ends_with("tests"));
    rust && (path.ends_with("src/lib.rs") || path.ends_with("src/main.rs") || in_tests)
}

fn report(plan: &Plan, files: &Files, place: &Place, notes: &[String]) -> Report {
    let next = next(plan, place.folder());
    let what = if plan.blank {
        "one aggregate and one projection, on SQLite".to_owned()
    } else {
        let Stores { write, read } = plan.stores;
        format!("an order service, events on {}, views on {}", write.name(), read.name())
    };
    let mut lines = vec![format!("made {}: {what}", plan.name)];
    lines.extend(notes.iter().map(|note| format!("note: {note}")));
    lines.push(String::new());
    lines.extend(next.iter().map(|step| format!("  {step}")));
    if let Source::Checkout(path) = &plan.source {
        lines.push(format!(
            "\nThe framework is taken from {}, so this builds on this machine only. For others, make it with `--git URL --rev REV` or \
             `--registry VERSION`, or change it as README.md says.",
            path.display()
        ));
    }
    lines.push("\nREADME.md says the rest; `cargo cqrs add --help` what may come next.".to_owned());
    let made: Vec<_> = files.paths().collect();
    let json = json!({
        "name": plan.name.as_str(),
        "path": place.folder().display().to_string(),
        "write": word(&plan.stores.write),
        "read": word(&plan.stores.read),
        "roles": word(&plan.roles),
        "blank": plan.blank,
        "framework": plan.source.json(),
        "files": made,
        "notes": notes,
        "next": next,
    });
    Report::new(&lines, json!({ "made": json }))
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+,:@%=".contains(letter);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// What to type.
fn next(plan: &Plan, folder: &Path) -> Vec<String> {
    let here = std::env::current_dir().unwrap_or_default();
    let shown = folder.strip_prefix(&here).unwrap_or(folder);
    let mut next = vec![format!("cd {}", quoted(&shown.display().to_string()))];
    // As `cargo new` decides.
    if !folder.ancestors().skip(1).any(|above| above.join(".git").exists()) {
        next.push("git init".to_owned());
    }
    let servers = plan.stores.servers();
    if !plan.blank && !servers.is_empty() {
        next.push(format!("docker compose up --detach --wait {}", servers.join(" ")));
    }
    if !plan.blank && plan.roles == Roles::Three {
        // As its README has it.
        for (role, port) in [("command", 8081), ("projector", 8082), ("query", 8083)] {
            next.push(format!("cargo run -- --role {role} --listen 127.0.0.1:{port} &"));
        }
    } else {
        next.push("cargo run".to_owned());
    }
    next.push("cargo test".to_owned());
    next
}
