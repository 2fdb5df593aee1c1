//! An aggregate, its events and commands, and its test.

use super::Changes;
use crate::{
    Error,
    edit::{declare, taken},
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
    let mut changes = Changes::default();
    for (folder, file, offered) in [
        ("events", EVENTS, ["Closed", "Event", "Id", "Opened"].map(|end| format!("{camel}{end}")).to_vec()),
        (
            "domain",
            DOMAIN,
            vec![
                format!("Close{camel}"),
                format!("Open{camel}"),
                camel.clone(),
                format!("{camel}AlreadyClosed"),
            ],
        ),
    ] {
        let root = format!("{folder}/src/lib.rs");
        let names: Vec<_> = [snake.as_str()].into_iter().chain(offered.iter().map(String::as_str)).collect();
        free(project, &root, &names)?;
        let declaration = format!("mod {snake};");
        let offer = format!("pub use {snake}::{{{}}};", offered.join(", "));
        changes.edit(project, &root, &format!("{declaration}\n{offer}"), |text| {
            declare(text, &declaration, Some(&offer))
        })?;
        changes.add(project, format!("{folder}/src/{snake}.rs"), render(file, &answers)?)?;
    }
    changes.add(project, format!("domain/tests/{snake}.rs"), render(TEST, &answers)?)?;
    Ok(changes)
}

fn in_one_file(project: &Project, name: &ModuleName) -> Result<Changes, Error> {
    let snake = name.snake();
    let answers = answers(name, "pub(crate)", [("crates", false.into())]);
    let root = "src/main.rs";
    free(project, root, &[&snake])?;
    let declaration =
        format!("#[allow(dead_code, reason = \"nobody sends its commands yet\")]\nmod {snake};");
    let mut changes = Changes::default();
    changes.edit(project, root, &declaration, |text| declare(text, &declaration, None))?;
    let (events, domain, test) =
        (render(EVENTS, &answers)?, render(DOMAIN, &answers)?, render(TEST, &answers)?);
    let text = format!("{events}\n{domain}\n#[cfg(test)]\nmod tests {{\n{test}}}\n");
    changes.add(project, format!("src/{snake}.rs"), text)?;
    Ok(changes)
}

/// None of the names is in the file yet. What can't be read says so later, with all that there is to do by hand.
pub(super) fn free(project: &Project, path: &str, names: &[&str]) -> Result<(), Error> {
    match taken(&project.read(path)?, names) {
        Ok(Some(name)) => Err(Error::Exists { what: format!("`{name}`"), path: path.to_owned() }),
        _ => Ok(()),
    }
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
