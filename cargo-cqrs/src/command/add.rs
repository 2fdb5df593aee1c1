use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    Error, Report,
    addition::{self, Change},
    interrupt::Interrupt,
    name::{BadModuleName, ModuleName},
    project::{Layout, Project},
    report::wrap,
};

/// Add an aggregate or a projection to a project, with its test
#[derive(Debug, Args)]
#[command(after_help = "\
It works in projects that `cargo cqrs new` made, from any folder of them. What
it does not understand it does not touch: then nothing is changed, and it says
what to add by hand.

Examples:
  cargo cqrs add aggregate payment
  cargo cqrs add projection payments --of PaymentEvent")]
pub(crate) struct Options {
    /// What to add
    what: What,

    /// What it is called: a module, and types that begin with it
    name: String,

    /// Of a projection: the events that it is made of, where there are several
    /// kinds
    #[arg(long, value_name = "EVENTS")]
    of: Option<String>,

    /// Print one JSON object, also for an error
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// decides commands, by what has happened
    Aggregate,
    /// a view, built from what happens
    Projection,
}

pub(super) fn run(options: &Options) -> Result<Report, Error> {
    let Options { what, name, of, .. } = options;
    let name = ModuleName::new(name).map_err(Error::ModuleName)?;
    if *what == What::Aggregate && of.is_some() {
        return Err(Error::Arguments {
            message: "--of is for projections; an aggregate has events of its own".to_owned(),
            details: Vec::new(),
            command: "cargo cqrs add".to_owned(),
        });
    }
    let interrupt = Interrupt::listen()?;
    let here = std::env::current_dir().map_err(|error| Error::file("finding", ".", error))?;
    let project = Project::around(&here)?;
    if project.dependencies()?.contains(&name.snake()) {
        let why = "is the name of a crate that the project needs";
        return Err(Error::ModuleName(BadModuleName::new(&name.snake(), why)));
    }
    let mut changes = match what {
        What::Aggregate => addition::aggregate(&project, &name)?,
        What::Projection => addition::projection(&project, &name, of.as_deref())?,
    };
    let note = changes.note.take();
    // From here on a signal waits until all is written.
    interrupt.check()?;
    let changes = changes.write(&project.root)?;
    Ok(report(*what, &name, &project, &changes, note))
}

fn report(
    what: What,
    name: &ModuleName,
    project: &Project,
    changes: &[Change],
    note: Option<String>,
) -> Report {
    let kind = match what {
        What::Aggregate => "aggregate",
        What::Projection => "projection",
    };
    let next = next(what, name, project);
    let mut lines = vec![format!("added the {kind} {}", name.camel()), String::new()];
    lines.extend(changes.iter().map(|change| {
        let what = if change.is_new() { "new" } else { "changed" };
        format!("  {what:<8} {}", change.path)
    }));
    lines.extend(note.iter().map(|note| format!("\nnote: {note}")));
    lines.push("\nNext:".to_owned());
    lines.extend(next.iter().map(|step| wrap(step, "  ", "    ")));
    let paths = |new: bool| -> Vec<_> {
        changes.iter().filter(|change| change.is_new() == new).map(|change| change.path.as_str()).collect()
    };
    let json = json!({ "added": {
        "kind": kind,
        "name": name.camel(),
        "project": project.root.display().to_string(),
        "new": paths(true),
        "changed": paths(false),
        "notes": note.into_iter().collect::<Vec<_>>(),
        "next": next,
    }});
    Report::new(&lines, json)
}

/// What a person does then, the nearest first.
fn next(what: What, name: &ModuleName, project: &Project) -> Vec<String> {
    let (snake, camel) = (name.snake(), name.camel());
    let mut next = vec!["cargo test".to_owned()];
    next.extend(match (what, &project.layout) {
        (What::Aggregate, Layout::Crates { .. }) => vec![
            format!("make events/src/{snake}.rs and domain/src/{snake}.rs your own"),
            format!("execute Open{camel} {{ … }} on a request, as src/http/commands.rs does with others"),
        ],
        (What::Aggregate, Layout::OneFile) => vec![
            format!("make src/{snake}.rs your own"),
            format!("call app.execute(Open{camel} {{ … }}) in src/main.rs"),
            format!("take `allow(dead_code)` from `mod {snake};` there"),
        ],
        (What::Projection, Layout::Crates { .. }) => vec![
            format!("make views/src/{snake}.rs your own"),
            format!("ask for views of {camel}, as src/http/queries.rs does"),
        ],
        (What::Projection, Layout::OneFile) => vec![
            format!("make src/{snake}.rs your own"),
            format!("ask for app.view::<{camel}>(&id) in src/main.rs"),
        ],
    });
    if what == What::Aggregate {
        next.push(format!("cargo cqrs add projection NAME --of {camel}Event"));
    }
    next
}
