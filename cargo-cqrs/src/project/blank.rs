//! The smallest project that runs.

use std::collections::BTreeSet;

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::{
    Files, Plan,
    service::{framework, mark, shared},
};
use crate::{
    Error,
    template::{self, manifest, text},
};

const OWN: [(&str, &str); 4] = [
    ("README.md", include_str!("../../templates/blank/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
    ("src/main.rs", include_str!("../../templates/blank/main.rs")),
    ("src/tests.rs", include_str!("../../templates/blank/tests.rs")),
];

const MANIFEST: &str = include_str!("../../templates/blank/Cargo.toml");

pub(super) fn files(plan: &Plan) -> Result<Files, Error> {
    let mut files = Files::default();
    for (path, text) in OWN {
        let mut text = text::render(text, &plan.answers()).map_err(|why| Error::template(path, why))?;
        if path == "README.md" {
            text.push_str(&framework(plan)?);
        }
        files.add(path, text);
    }
    let manifest = manifest(plan).map_err(|why| Error::template("Cargo.toml", why))?;
    files.add("Cargo.toml", manifest);
    shared(plan, &mut files)?;
    Ok(files)
}

fn manifest(plan: &Plan) -> Result<String, String> {
    let mut package = manifest::parse(&text::render(MANIFEST, &plan.answers())?)?;
    mark(&mut package, "one-file");
    let mut workspace =
        manifest::workspace(template::workspace("Cargo.toml"), std::slice::from_ref(&package), &[], plan)?;
    inline(&mut package, &mut workspace)?;
    Ok(format!("{}\n\n{}", package.to_string().trim_end(), workspace.to_string().trim_start()))
}

/// One package needs no workspace to share with: what it would take from there stands in it.
fn inline(package: &mut DocumentMut, workspace: &mut DocumentMut) -> Result<(), String> {
    let Some(Item::Table(mut shared)) = workspace.remove("workspace") else {
        return Err("there is no workspace".to_owned());
    };
    let Some(Item::Table(defaults)) = shared.remove("package") else {
        return Err("the workspace has no package".to_owned());
    };
    let own = package.get_mut("package").and_then(Item::as_table_mut).ok_or("there is no package")?;
    for (key, value) in &defaults {
        own.insert(key, value.clone());
    }
    let Some(Item::Table(dependencies)) = shared.remove("dependencies") else {
        return Err("the workspace has no dependencies".to_owned());
    };
    for kind in ["dependencies", "dev-dependencies"] {
        let asked = package.get_mut(kind).and_then(Item::as_table_mut).ok_or("there are no dependencies")?;
        let names: Vec<_> = asked.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let whole = dependencies.get(&name).ok_or_else(|| format!("there is no `{name}`"))?;
            let features = asked.get(&name).and_then(|asked| asked.get("features")).cloned();
            asked.insert(&name, joined(whole, features.as_ref()));
        }
    }
    let mut lints = shared.remove("lints").ok_or("the workspace has no lints")?;
    if let Some(clippy) = lints.get_mut("clippy").and_then(Item::as_table_mut) {
        // A program of this size speaks for itself.
        clippy.remove("print_stdout");
    }
    package.insert("lints", lints);
    // Empty: so that it belongs to no workspace that its folder happens to be in.
    workspace.insert("workspace", Item::Table(Table::new()));
    Ok(())
}

/// A dependency with more features.
fn joined(whole: &Item, features: Option<&Item>) -> Item {
    let (mut whole, Some(more)) = (whole.clone(), features.and_then(Item::as_array)) else {
        return whole.clone();
    };
    if let Some(version) = whole.as_str() {
        let mut table = toml_edit::InlineTable::new();
        table.insert("version", version.into());
        whole = Item::Value(Value::InlineTable(table));
    }
    if let Some(table) = whole.as_inline_table_mut() {
        let own = table.get("features").and_then(Value::as_array);
        let all: BTreeSet<_> = own.into_iter().flatten().chain(more).filter_map(Value::as_str).collect();
        let all: Array = all.into_iter().collect();
        table.insert("features", Value::Array(all));
        table.fmt();
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_program_has_less_than_60_lines() {
        let (_, main) = OWN[2];
        assert!(main.lines().count() < 60, "{}", main.lines().count());
    }
}
