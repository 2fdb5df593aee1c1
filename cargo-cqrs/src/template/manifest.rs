//! Makes a project's manifests of the demo's and of the workspace's.

use std::collections::BTreeSet;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

use crate::project::{Plan, Source, Stores};

type Outcome<T> = Result<T, String>;

/// The demo's manifest of one crate, without features, and with the dependencies that the stores need.
pub(crate) fn member(text: &str, features: &Table, stores: Stores) -> Outcome<DocumentMut> {
    let mut manifest = parse(text)?;
    if let Some(package) = manifest.get_mut("package").and_then(Item::as_table_mut) {
        package.remove("license");
    }
    if let Some(dependencies) = manifest.get_mut("dependencies").and_then(Item::as_table_mut) {
        let names: Vec<String> = dependencies.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let Some(dependency) = dependencies.get_mut(&name).and_then(Item::as_inline_table_mut) else {
                continue;
            };
            if dependency.remove("optional").is_none() {
                continue;
            }
            match chosen(&name, features, stores)? {
                Some(brought) => {
                    enable(dependency, &brought);
                    dependency.fmt();
                }
                None => {
                    dependencies.remove(&name);
                }
            }
        }
    }
    Ok(manifest)
}

/// The features that an optional dependency has; `None` where nothing that was chosen needs it.
fn chosen(name: &str, features: &Table, stores: Stores) -> Outcome<Option<BTreeSet<String>>> {
    let (events, views) = (stores.write.feature(), stores.read.feature());
    let asked = format!("dep:{name}");
    let (mut needed, mut brought) = (false, BTreeSet::new());
    // The feature of the kind of store that it is, if it is one.
    let mut kind = None;
    for (feature, asks) in features {
        let asks = asks.as_array().ok_or_else(|| format!("the feature `{feature}` is no list"))?;
        if asks.iter().any(|ask| ask.as_str() == Some(&asked)) {
            match feature {
                "sqlite" | "postgres" | "mongodb" => kind = Some(feature),
                _ => needed = true,
            }
        }
    }
    let Some(kind) = kind else { return Ok(needed.then_some(brought)) };
    for (side, of) in [("write-store", events), ("read-store", views)] {
        let asks = features.get(side).and_then(Item::as_array);
        let prefix = format!("{name}?/");
        let asked = asks.into_iter().flatten().filter_map(|ask| ask.as_str()?.strip_prefix(&prefix));
        if kind == of {
            brought.extend(asked.map(str::to_owned));
        }
    }
    Ok((kind == events || kind == views).then_some(brought))
}

fn enable(dependency: &mut InlineTable, features: &BTreeSet<String>) {
    if !features.is_empty() {
        dependency.insert("features", Value::Array(features.iter().collect::<Array>()));
    }
}

/// What is the workspace's part of a project's root manifest: dependencies as the framework is tested with, its lints and its
/// profiles.
pub(crate) fn workspace(
    text: &str,
    members: &[DocumentMut],
    folders: &[&str],
    plan: &Plan,
) -> Outcome<DocumentMut> {
    let framework = parse(text)?;
    let own = |key: &str| -> Outcome<&Table> {
        let item = framework.get("workspace").and_then(|workspace| workspace.get(key));
        item.and_then(Item::as_table).ok_or_else(|| format!("the workspace has no `{key}`"))
    };
    let mut package = Table::new();
    package.insert("version", "0.1.0".into());
    for key in ["edition", "rust-version", "publish"] {
        let value =
            own("package")?.get(key).ok_or_else(|| format!("the workspace's package has no `{key}`"))?;
        package.insert(key, plain(value));
    }
    let mut workspace = Table::new();
    workspace.insert("resolver", "3".into());
    if !folders.is_empty() {
        let all: Array = std::iter::once(".").chain(folders.iter().copied()).collect();
        workspace.insert("members", Value::Array(folders.iter().copied().collect()).into());
        // So that `cargo test` tests all of them.
        workspace.insert("default-members", Value::Array(all).into());
    }
    workspace.insert("package", Item::Table(package));
    workspace.insert("dependencies", Item::Table(dependencies(own("dependencies")?, members, &plan.source)?));
    workspace.insert("lints", Item::Table(own("lints")?.clone()));

    let mut document = DocumentMut::new();
    document.insert("workspace", Item::Table(workspace));
    document.insert("profile", framework.get("profile").ok_or("the workspace has no profiles")?.clone());
    Ok(document)
}

/// Those that the members ask for.
fn dependencies(own: &Table, members: &[DocumentMut], source: &Source) -> Outcome<Table> {
    let mut asked = BTreeSet::new();
    for member in members {
        for kind in ["dependencies", "dev-dependencies"] {
            let table = member.get(kind).and_then(Item::as_table);
            asked.extend(table.into_iter().flat_map(Table::iter).map(|(name, _)| name.to_owned()));
        }
    }
    let mut table = Table::new();
    for name in asked {
        let item = own.get(&name).ok_or_else(|| format!("the workspace has no dependency `{name}`"))?;
        let path = item.get("path").and_then(Item::as_str);
        let dependency = match path.map(|path| path.strip_prefix("examples/order-service/")) {
            None => plain(item),
            Some(Some(folder)) => {
                let mut inner = InlineTable::new();
                inner.insert("path", folder.into());
                Item::Value(Value::InlineTable(inner))
            }
            Some(None) => {
                let dependency = source.dependency(item).ok_or_else(|| format!("`{name}` has no path"))?;
                Item::Value(Value::InlineTable(dependency))
            }
        };
        table.insert(&name, dependency);
    }
    Ok(table)
}

/// Without the comments and spaces around it.
fn plain(item: &Item) -> Item {
    let mut item = item.clone();
    if let Some(value) = item.as_value_mut() {
        value.decor_mut().clear();
    }
    item
}

pub(crate) fn parse(text: &str) -> Outcome<DocumentMut> {
    text.parse().map_err(|error: toml_edit::TomlError| error.to_string())
}
