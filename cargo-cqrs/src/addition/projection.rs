//! A projection, its registration, and its test.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;

use super::{
    Changes,
    aggregate::{answers, free, render},
    known::Known,
    modules::From,
    payload::{EventSet, Types},
};
use crate::{
    Error,
    edit::{self, declare, extend, register},
    name::ModuleName,
    project::{Layout, Project},
};

const VIEWS: &str = include_str!("../../templates/add/views.rs");
const TEST: &str = include_str!("../../templates/add/views_test.rs");

/// `of` names the events that it is made of; where there is just one kind, there is nothing to say.
pub(crate) fn projection(project: &Project, name: &ModuleName, of: Option<&str>) -> Result<Changes, Error> {
    match &project.layout {
        Layout::Crates { events, views, .. } => in_crates(project, name, of, events, views),
        Layout::OneFile => in_one_file(project, name, of),
    }
}

fn in_crates(
    project: &Project,
    name: &ModuleName,
    of: Option<&str>,
    events: &str,
    views: &str,
) -> Result<Changes, Error> {
    let (snake, camel) = (name.snake(), name.camel());
    let mut changes = Changes::default();
    let set = set(project, "events/src", "lib.rs", name, of, &mut changes)?;
    let root = "views/src/lib.rs";
    free(project, "views/src", "lib.rs", &snake, std::slice::from_ref(&camel))?;
    // It imports some of them.
    free(project, "events/src", "lib.rs", "", std::slice::from_ref(&camel))?;
    Known::Projection.is_free(project, &snake)?;
    let (declaration, offer) = (format!("mod {snake};"), format!("pub use {snake}::{camel};"));
    changes.edit(project, root, &format!("{declaration}\n{offer}"), |text| {
        declare(text, &snake, &declaration, Some(&offer))
    });
    if let Some((types, set)) = set {
        let (view, test) = sources(name, "pub", &types, &set, events, Some(views))?;
        changes.add(project, format!("views/src/{snake}.rs"), view)?;
        changes.add(project, format!("views/tests/{snake}.rs"), test)?;
    }
    changes.edit(
        project,
        "src/service.rs",
        &format!(".projection::<{views}::{camel}>(Arc::clone(views)) // at the builder\n.projection::<{views}::{camel}>() // at the lag monitor"),
        |text| {
            let offered = project.read(root).ok().and_then(|text| edit::names(&text).ok()).unwrap_or_default();
            let is_own = |path: &str| match path.split_once("::") {
                Some((krate, name)) => krate == views && offered.iter().any(|it| it == name),
                None => offered.iter().any(|it| it == path),
            };
            register(text, |path| is_own(path).then(|| format!("{views}::{camel}")))
        },
    );
    changes.edit(
        project,
        "src/options.rs",
        &format!("{camel}, // among the variants of `View`\nSelf::{camel} => ProjectionId::of::<{views}::{camel}>(), // in `View::id`"),
        |text| extend(text, "View", &format!("What `{camel}` counts"), &camel),
    );
    Ok(changes)
}

fn in_one_file(project: &Project, name: &ModuleName, of: Option<&str>) -> Result<Changes, Error> {
    let (snake, camel) = (name.snake(), name.camel());
    let mut changes = Changes::default();
    let set = set(project, "src", "main.rs", name, of, &mut changes)?;
    let root = "src/main.rs";
    free(project, "src", "main.rs", &snake, std::slice::from_ref(&camel))?;
    Known::Projection.is_free(project, &snake)?;
    let declaration = format!("mod {snake};");
    let call = format!(".projection::<{snake}::{camel}>(views.clone()) // at the builder");
    changes.edit(project, root, &format!("{declaration}\n{call}"), |text| {
        let declared = declare(text, &snake, &declaration, None)?;
        let own = edit::own(text)?;
        let is_own = |path: &str| {
            let (first, more) = path.split_once("::").unwrap_or((path, ""));
            own.iter().any(|name| name == first) && !more.contains("::")
        };
        register(&declared, |path| is_own(path).then(|| format!("{snake}::{camel}")))
    });
    if let Some((types, set)) = set {
        let (view, test) = sources(name, "pub(crate)", &types, &set, "crate", None)?;
        let text = format!("{view}\n#[cfg(test)]\nmod tests {{\n{test}}}\n");
        changes.add(project, format!("src/{snake}.rs"), text)?;
    }
    Ok(changes)
}

/// The types that the events are made of, and the events that are meant; `None` where they are not understood, or may be in a file that
/// can't be read, which the changes are told.
fn set(
    project: &Project,
    folder: &str,
    root: &str,
    name: &ModuleName,
    of: Option<&str>,
    changes: &mut Changes,
) -> Result<Option<(Types, EventSet)>, Error> {
    let mut types = Types::new(if root == "lib.rs" { From::Outside } else { From::Within });
    let mut unread = false;
    for (path, module) in project.modules_below(folder, root)? {
        match changes.read(project, &path) {
            Some(text) => types.read(&module, &text),
            None => unread = true,
        }
    }
    let names = types.event_sets();
    let meant: Vec<_> = names.iter().filter(|name| of.is_none_or(|of| *name == of)).collect();
    let root = format!("{folder}/{root}");
    match (&meant[..], of) {
        ([], _) | (_, None) if unread => Ok(None),
        ([one], _) => match types.event_set(one) {
            Ok(set) => Ok(Some((types, set))),
            Err(why) => {
                changes.refuse(&root, why);
                Ok(None)
            }
        },
        ([], Some(of)) if types.offers(of) => {
            changes
                .refuse(&root, format!("it offers `{of}`, but no enum `{of}` with `derive(Event)` is found"));
            Ok(None)
        }
        ([], _) => {
            let (of, path) = (of.unwrap_or("enum with `derive(Event)`").to_owned(), folder.to_owned());
            Err(Error::NoSuchEvents { module: name.snake(), name: of, path, sets: names })
        }
        _ => Err(Error::WhichEvents { module: name.snake(), sets: names }),
    }
}

/// The module, and its test. What the events are made of is in this crate.
fn sources(
    name: &ModuleName,
    public: &str,
    types: &Types,
    set: &EventSet,
    krate: &str,
    views: Option<&str>,
) -> Result<(String, String), Error> {
    let EventSet { name: of, id, events } = set;
    let mut imports = BTreeSet::from([of.clone(), id.clone()]);
    let values: Vec<_> = events.iter().filter_map(|event| types.event(event, &mut imports)).collect();
    let id_value = types.value(id, &mut imports).unwrap_or_default();
    // What is parsed does not say by itself what it is.
    let id_type = if id_value.starts_with(id) { String::new() } else { format!(": {id}") };
    // What the module itself imports, its test in the same file has from there.
    let own: BTreeSet<_> = events.iter().map(|event| event.name.clone()).chain([of.clone()]).collect();
    let more: BTreeSet<_> = imports.difference(&own).cloned().collect();
    let uses = |names: &BTreeSet<String>| Value::from(uses(types, krate, names));
    let handlers: Vec<Value> = events
        .iter()
        .map(|event| {
            let snake = ModuleName::of(&event.variant).snake();
            Value::from(vec![Value::from(snake), Value::from(event.name.as_str()), Value::from(event.boxed)])
        })
        .collect();
    let answers = answers(
        name,
        public,
        [
            ("crates", views.is_some().into()),
            ("set", of.as_str().into()),
            ("uses", uses(&own)),
            ("handlers", handlers.into()),
            ("uses_of_test", uses(&imports)),
            ("more", uses(&more)),
            ("views", views.unwrap_or_default().into()),
            ("id_type", id_type.into()),
            ("id_value", id_value.into()),
            ("values", values.into()),
        ],
    );
    Ok((render(VIEWS, &answers)?, render(TEST, &answers)?))
}

/// What stands behind `use` for these types: one for each module.
fn uses(types: &Types, krate: &str, names: &BTreeSet<String>) -> Vec<String> {
    let mut modules = BTreeMap::<String, Vec<&str>>::new();
    for name in names {
        let module = match types.path(name).unwrap_or_default() {
            here if here.is_empty() => krate.to_owned(),
            module => format!("{krate}::{module}"),
        };
        modules.entry(module).or_default().push(name);
    }
    modules.into_iter().map(|(module, names)| format!("{module}::{{{}}}", names.join(", "))).collect()
}
