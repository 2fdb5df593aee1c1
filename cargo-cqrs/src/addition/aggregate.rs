//! An aggregate, its events and commands, and its test.

use std::collections::BTreeSet;

use super::{Changes, known::Known};
use crate::{
    Error,
    edit::{self, declare},
    name::ModuleName,
    project::{Layout, Project},
    template::text::{self, Answers},
};

const EVENTS: &str = include_str!("../../templates/add/events.rs");
const DOMAIN: &str = include_str!("../../templates/add/domain.rs");
const TEST: &str = include_str!("../../templates/add/domain_test.rs");

pub(crate) fn aggregate(project: &Project, name: &ModuleName) -> Result<Changes, Error> {
    match &project.layout {
        Layout::Crates { events, domain, .. } => in_crates(project, name, events, domain),
        Layout::OneFile => in_one_file(project, name),
    }
}

fn in_crates(project: &Project, name: &ModuleName, events: &str, domain: &str) -> Result<Changes, Error> {
    let (snake, camel) = (name.snake(), name.camel());
    let answers =
        answers(name, "pub", [("crates", true.into()), ("events", events.into()), ("domain", domain.into())]);
    for root in ["events/src", "domain/src"] {
        free(project, root, "lib.rs", &snake, &of_events(&camel))?;
        free(project, root, "lib.rs", &snake, &of_domain(&camel))?;
    }
    Known::Stream.is_free(project, &snake)?;
    let mut changes = Changes::default();
    for (folder, file, offered) in
        [("events", EVENTS, of_events(&camel)), ("domain", DOMAIN, of_domain(&camel))]
    {
        let root = format!("{folder}/src/lib.rs");
        let declaration = format!("mod {snake};");
        let offer = format!("pub use {snake}::{{{}}};", offered.join(", "));
        changes.edit(project, &root, &format!("{declaration}\n{offer}"), |text| {
            declare(text, &snake, &declaration, Some(&offer))
        });
        changes.add(project, format!("{folder}/src/{snake}.rs"), render(file, &answers)?)?;
    }
    changes.add(project, format!("domain/tests/{snake}.rs"), render(TEST, &answers)?)?;
    Ok(changes)
}

fn in_one_file(project: &Project, name: &ModuleName) -> Result<Changes, Error> {
    let (snake, camel) = (name.snake(), name.camel());
    let answers = answers(name, "pub(crate)", [("crates", false.into())]);
    let root = "src/main.rs";
    free(project, "src", "main.rs", &snake, &of_events(&camel))?;
    free(project, "src", "main.rs", &snake, &of_domain(&camel))?;
    let declaration =
        format!("#[allow(dead_code, reason = \"nobody sends its commands yet\")]\nmod {snake};");
    Known::Stream.is_free(project, &snake)?;
    let mut changes = Changes::default();
    changes.edit(project, root, &declaration, |text| declare(text, &snake, &declaration, None));
    let (events, domain, test) =
        (render(EVENTS, &answers)?, render(DOMAIN, &answers)?, render(TEST, &answers)?);
    let text = format!("{events}\n{domain}\n#[cfg(test)]\nmod tests {{\n{test}}}\n");
    changes.add(project, format!("src/{snake}.rs"), text)?;
    Ok(changes)
}

fn of_events(camel: &str) -> [String; 4] {
    ["Closed", "Event", "Id", "Opened"].map(|end| format!("{camel}{end}"))
}

fn of_domain(camel: &str) -> [String; 4] {
    [format!("Close{camel}"), format!("Open{camel}"), camel.to_owned(), format!("{camel}AlreadyClosed")]
}

/// Neither the module nor one of the types is there yet: in the file that a crate begins with, nor in any other file of it. What
/// can't be read says so later, with all that there is to do by hand.
pub(super) fn free(
    project: &Project,
    folder: &str,
    root: &str,
    module: &str,
    types: &[String],
) -> Result<(), Error> {
    let path = format!("{folder}/{root}");
    let begins = project.read(&path).unwrap_or_default();
    let begins = edit::names(&begins).unwrap_or_default();
    let all = project.rust_below(folder);
    let all: BTreeSet<_> = all.iter().flat_map(|(_, text)| edit::types(text).unwrap_or_default()).collect();
    let exists = |name: &str, path: &str| Error::Exists { what: format!("`{name}`"), path: path.to_owned() };
    if begins.iter().any(|name| name == module) {
        return Err(exists(module, &path));
    }
    for name in types {
        if begins.contains(name) {
            return Err(exists(name, &path));
        } else if all.contains(name) {
            return Err(exists(name, folder));
        }
    }
    Ok(())
}

pub(super) fn answers<const N: usize>(
    name: &ModuleName,
    public: &str,
    more: [(&'static str, minijinja::Value); N],
) -> Answers {
    let mut answers = Answers::from([
        ("snake", name.snake().into()),
        ("camel", name.camel().into()),
        ("words", name.words().into()),
        ("public", public.into()),
    ]);
    answers.extend(more);
    answers
}

pub(super) fn render(template: &str, answers: &Answers) -> Result<String, Error> {
    text::render(template, answers).map_err(|why| Error::template("add", why))
}
