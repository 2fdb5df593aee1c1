//! The demo as a project of one's own.

use toml_edit::{DocumentMut, Item, Table};

use super::{Files, Plan, Roles};
use crate::{
    Error,
    template::{self, manifest, rename::Renames, rust, text},
};

/// What the demo has no counterpart for: where it comes to stand, and its text.
const OWN: [(&str, &str); 4] = [
    ("README.md", include_str!("../../templates/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
    (".env.example", include_str!("../../templates/env.example")),
    (".github/workflows/ci.yml", include_str!("../../templates/ci.yml")),
];

/// The crates beside the service itself.
const MEMBERS: [&str; 3] = ["domain", "events", "views"];

pub(super) fn files(plan: &Plan) -> Result<Files, Error> {
    let renames = Renames::to(&plan.name);
    let mut files = Files::default();
    for (path, text) in template::DEMO {
        let fail = |why: String| Error::template(path, why);
        if path.ends_with(".rs") {
            if is_of_a_store_that_was_not_chosen(path, plan) {
                continue;
            }
            files.add(*path, renames.apply(&rust::cut(text, plan.stores).map_err(fail)?));
        } else if *path == "Dockerfile" {
            if plan.roles == Roles::Three {
                files.add(*path, renames.apply(&text::render(text, &plan.answers()).map_err(fail)?));
                files.add(".dockerignore", include_str!("../../templates/dockerignore"));
            }
        } else if !path.ends_with("Cargo.toml") {
            files.add(*path, renames.apply(text));
        }
    }
    if plan.composes() {
        let compose = text::render(template::workspace("compose.yaml"), &plan.answers());
        let compose = compose.map_err(|why| Error::template("compose.yaml", why))?;
        files.add("compose.yaml", renames.apply(&compose));
    }
    for (path, text) in OWN {
        let text = text::render(text, &plan.answers()).map_err(|why| Error::template(path, why))?;
        files.add(path, renames.apply(&text));
    }
    for path in ["Cargo.lock", "clippy.toml", "rustfmt.toml"] {
        files.add(path, template::workspace(path));
    }
    manifests(plan, &renames, &mut files).map_err(|why| Error::template("Cargo.toml", why))?;
    Ok(files)
}

/// No module names such a file any more.
fn is_of_a_store_that_was_not_chosen(path: &str, plan: &Plan) -> bool {
    match path {
        "src/stores/absent.rs" => true,
        "src/stores/sqlite.rs" => !plan.stores.files(),
        "src/stores/postgres.rs" => !plan.stores.postgres(),
        "src/stores/mongo.rs" => !plan.stores.mongo(),
        _ => false,
    }
}

fn manifests(plan: &Plan, renames: &Renames, files: &mut Files) -> Result<(), String> {
    let demo = |path: &str| -> Result<&str, String> {
        let found = template::DEMO.iter().find(|(it, _)| *it == path);
        found.map(|(_, text)| *text).ok_or_else(|| format!("there is no {path}"))
    };
    let features = manifest::parse(demo("Cargo.toml")?)?;
    let features = features.get("features").and_then(Item::as_table).ok_or("the demo has no features")?;
    let member = |path: &str| -> Result<DocumentMut, String> {
        manifest::member(&text::render(demo(path)?, &plan.answers())?, features, plan.stores)
    };
    let mut root = member("Cargo.toml")?;
    mark(&mut root, "crates");
    let mut members = vec![root];
    for folder in MEMBERS {
        members.push(member(&format!("{folder}/Cargo.toml"))?);
    }
    let workspace =
        manifest::workspace(template::workspace("Cargo.toml"), &members, &MEMBERS, plan)?;
    files.add("Cargo.toml", renames.apply(&format!("{}\n{workspace}", members[0])));
    for (folder, member) in MEMBERS.iter().zip(&members[1..]) {
        files.add(format!("{folder}/Cargo.toml"), renames.apply(&member.to_string()));
    }
    Ok(())
}

/// By this `cargo cqrs add` knows the project.
pub(super) fn mark(manifest: &mut DocumentMut, layout: &str) {
    let mut cqrs = Table::new();
    cqrs.insert("layout", layout.into());
    let mut metadata = Table::new();
    metadata.set_implicit(true);
    metadata.insert("cqrs", Item::Table(cqrs));
    if let Some(package) = manifest.get_mut("package").and_then(Item::as_table_mut) {
        package.insert("metadata", Item::Table(metadata));
    }
}
