//! The demo as a project of one's own.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table};

use super::{Files, Plan, Roles, lock::lock};
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
    let renames = Renames::to(&plan.name).keeping(plan.source.texts());
    let mut files = Files::default();
    for (path, text) in template::DEMO {
        let fail = |why: String| Error::template(path, why);
        if Path::new(path).extension().is_some_and(|extension| extension == "rs") {
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
        let mut text = renames.apply(&text);
        if path == "README.md" {
            text.push_str(&framework(plan)?);
        }
        files.add(path, text);
    }
    manifests(plan, &renames, &mut files).map_err(|why| Error::template("Cargo.toml", why))?;
    shared(plan, &mut files)?;
    Ok(files)
}

/// What a README says of the framework, and of how to take it from elsewhere. Nothing in it is renamed: it has paths.
pub(super) fn framework(plan: &Plan) -> Result<String, Error> {
    let text = include_str!("../../templates/framework.md");
    let text = text::render(text, &plan.answers()).map_err(|why| Error::template("README.md", why))?;
    Ok(format!("\n{text}"))
}

/// What the tools have of the workspace, for the manifests that are there.
pub(super) fn shared(plan: &Plan, files: &mut Files) -> Result<(), Error> {
    files.add("rustfmt.toml", template::workspace("rustfmt.toml"));
    let lock = lock(files).map_err(|why| Error::template("Cargo.lock", why))?;
    files.add("Cargo.lock", lock);
    let path = "clippy.toml";
    let clippy = text::render(template::workspace(path), &plan.answers());
    files.add(path, clippy.map_err(|why| Error::template(path, why))?);
    Ok(())
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
    let workspace = manifest::workspace(template::workspace("Cargo.toml"), &members, &MEMBERS, plan)?;
    let root = format!("{}\n\n{}", members[0].to_string().trim_end(), workspace.to_string().trim_start());
    files.add("Cargo.toml", renames.apply(&root));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        name::CrateName,
        project::{Read, Source, Stores, Write},
    };

    /// Each combination of choices, with the words that only its code may have.
    fn each(check: impl Fn(&Plan, &Files)) {
        each_plan(|plan| check(plan, &files(plan).expect("the template can be used")));
    }

    fn each_plan(check: impl Fn(&Plan)) {
        for write in Write::ALL {
            for read in Read::ALL {
                for roles in [Roles::One, Roles::Three] {
                    let plan = Plan {
                        name: CrateName::new("my-shop").expect("a name"),
                        stores: Stores { write: *write, read: *read },
                        roles,
                        source: Source::Checkout("/framework".into()),
                        blank: false,
                    };
                    check(&plan);
                }
            }
        }
    }

    #[test]
    fn where_the_framework_is_may_be_called_as_the_demo_is() {
        let folder = "/home/me/order-service/order-events";
        let url = "https://example.com/me/order-service";
        let git = Source::Git { url: url.to_owned(), rev: "order-views".to_owned() };
        for (source, said) in [
            (Source::Checkout(folder.into()), vec![format!("path = \"{folder}/cqrs-core\"")]),
            (git, vec![format!("git = \"{url}\""), "rev = \"order-views\"".to_owned()]),
        ] {
            each_plan(|plan| {
                let plan = Plan { source: source.clone(), ..plan.clone() };
                let files = files(&plan).expect("the template can be used");
                let get = |path: &str| files.iter().find(|(it, _)| *it == path).map(|(_, text)| text);
                let manifest = get("Cargo.toml").expect("there is one");
                for said in &said {
                    assert!(manifest.contains(said), "{said} in {manifest}");
                }
                let is_of_the_checkout = plan.source.path().is_some();
                for path in ["Dockerfile", "compose.yaml"] {
                    let text = get(path).filter(|_| is_of_the_checkout && plan.roles == Roles::Three);
                    assert!(text.is_none_or(|text| text.contains(&format!("\"{folder}\""))), "{text:?}");
                }
            });
        }
    }

    #[test]
    fn what_is_made_can_be_read_and_has_no_trace_of_the_template() {
        each(|plan, files| {
            for (path, text) in files.iter().filter(|(path, _)| *path != "Cargo.lock") {
                let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
                if extension == Some("rs") {
                    syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
                } else if extension == Some("toml") {
                    manifest::parse(text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
                }
                for word in ["#%", "#+", "{{", "feature =", "order-service", "order_service", "ORDER_SERVICE"]
                {
                    let of_rust = word == "{{" && extension == Some("rs");
                    assert!(of_rust || !text.contains(word), "{path} of {plan:?} has {word}");
                }
                assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{path} of {plan:?}");
            }
        });
    }

    #[test]
    fn containers_are_those_that_the_choices_need() {
        each(|plan, files| {
            let stores = plan.stores;
            let three = plan.roles == Roles::Three;
            let compose = files.iter().find(|(path, _)| *path == "compose.yaml").map(|(_, text)| text);
            assert_eq!(compose.is_some(), three || !stores.servers().is_empty(), "{plan:?}");
            let services = compose.unwrap_or_default();
            let has = |service: &str| services.contains(&format!("\n  {service}:\n    "));
            assert_eq!(has("postgres"), stores.postgres(), "{services}");
            assert_eq!(has("mongo"), stores.mongo(), "{services}");
            for process in ["command", "projector", "query"] {
                assert_eq!(has(process), three, "{services}");
            }
            assert_eq!(services.contains("sqlite:/data"), three && stores.files(), "{services}");
            assert_eq!(files.paths().any(|path| path == "Dockerfile"), three, "{plan:?}");
        });
    }

    #[test]
    fn the_lock_file_has_what_was_chosen_and_no_crate_that_is_elsewhere() {
        for source in [
            Source::Checkout("/framework".into()),
            Source::Git { url: "https://example.com/cqrs".to_owned(), rev: "abc".to_owned() },
            Source::Registry { version: "0.1.0".to_owned() },
        ] {
            each_plan(|plan| {
                for blank in [false, true] {
                    let plan = Plan { source: source.clone(), blank, ..plan.clone() };
                    let files = plan.files().expect("the template can be used");
                    let text = |path: &str| files.iter().find(|(it, _)| *it == path).expect("it is there").1;
                    let lock = manifest::parse(text("Cargo.lock")).expect("it can be read");
                    let packages = lock["package"].as_array_of_tables().expect("it has packages");
                    let names: BTreeSet<_> =
                        packages.iter().map(|package| package["name"].as_str().expect("a name")).collect();
                    for package in packages {
                        assert!(package.contains_key("source"), "{package} of {plan:?}");
                        let needed =
                            package.get("dependencies").and_then(Item::as_array).into_iter().flatten();
                        for needed in needed.filter_map(|it| it.as_str()?.split(' ').next()) {
                            assert!(names.contains(needed), "{needed} for {package} of {plan:?}");
                        }
                    }
                    for (there, name) in [
                        (true, "tokio"),
                        (true, "proptest"),
                        (!blank, "axum"),
                        (blank || plan.stores.files(), "rusqlite"),
                        (!blank && plan.stores.postgres(), "sqlx"),
                        (!blank && plan.stores.mongo(), "mongodb"),
                        // Of other parts of the workspace.
                        (false, "trybuild"),
                        (false, "toml_edit"),
                    ] {
                        assert_eq!(names.contains(name), there, "{name} of {plan:?}");
                    }
                    let completed = source.path().is_some();
                    if plan.roles == Roles::Three && !blank {
                        let docker = text("Dockerfile");
                        assert_eq!(docker.contains("--release --locked --package"), completed, "{docker}");
                        assert!(docker.contains("    cargo build --release "), "{docker}");
                    }
                }
            });
        }
    }

    #[test]
    fn containers_take_each_name() {
        for name in [
            "read", "write", "common", "null", "no", "yes", "on", "off", "y", "source", "tmp", "bin", "lib",
            "install", "admin",
        ] {
            let plan = Plan {
                name: CrateName::new(name).expect("a name"),
                stores: Stores { write: Write::Sqlite, read: Read::Mongo },
                roles: Roles::Three,
                source: Source::Checkout("/framework".into()),
                blank: false,
            };
            let files = files(&plan).expect("the template can be used");
            let text = |path: &str| files.iter().find(|(it, _)| *it == path).expect("it is there").1;
            let compose = text("compose.yaml");
            for line in [format!("name: \"{name}\"\n"), format!("  image: \"{name}\"\n")] {
                assert!(compose.contains(&line), "{line} in {compose}");
            }
            let keys =
                || compose.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
            assert_eq!(
                keys().count(),
                keys().map(|line| line.split(':').next()).collect::<BTreeSet<_>>().len(),
                "{compose}"
            );
            assert_eq!(compose.matches('&').count(), 3, "{compose}");
            let docker = text("Dockerfile");
            assert!(docker.contains(&format!("cp target/release/{name} /program\n")), "{docker}");
            assert!(
                docker.contains(&format!("COPY --from=build /program /usr/local/bin/{name}\n")),
                "{docker}"
            );
            assert!(docker.contains(&format!("ENTRYPOINT [\"/usr/local/bin/{name}\"]")), "{docker}");
            // Nothing is run by its name once the program is where names are looked up.
            let (_, after) = docker.split_once("COPY --from=build").expect("it copies");
            assert!(!after.contains("RUN"), "{docker}");
        }
    }

    #[test]
    fn the_environment_that_is_shown_is_what_the_options_take() {
        let options =
            template::DEMO.iter().find(|(path, _)| *path == "src/options.rs").expect("it has some").1;
        let taken = options.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
        let taken: BTreeSet<_> = taken
            .filter_map(|name| Some(format!("MY_SHOP{}", name.strip_prefix("ORDER_SERVICE")?)))
            .collect();
        assert!(taken.len() > 5, "{taken:?}");
        each(|plan, files| {
            let (_, shown) = files.iter().find(|(path, _)| *path == ".env.example").expect("it is there");
            // One that differs between processes is shown, but not set for all of them.
            let lines = shown.lines().filter_map(|line| line.trim_start_matches("# ").split_once('='));
            let names: BTreeSet<_> =
                lines.map(|(name, _)| name.to_owned()).filter(|name| name.starts_with("MY_SHOP_")).collect();
            assert_eq!(names, taken, "{shown}");
            for of_one in ["LISTEN", "ROLE"] {
                let set = shown.contains(&format!("\nMY_SHOP_{of_one}="));
                assert_eq!(set, plan.roles == Roles::One, "{shown}");
            }
            for (name, value) in [("STORE_TIMEOUT", "10"), ("LIVE_STREAMS", "1000"), ("PARTITIONS", "1")] {
                assert!(shown.contains(&format!("\nMY_SHOP_{name}={value}\n")), "{shown}");
            }
        });
    }

    #[test]
    fn no_crate_is_a_dependency_for_nothing() {
        each(|_, files| {
            for folder in ["", "domain/", "events/", "views/"] {
                let (_, text) = files
                    .iter()
                    .find(|(path, _)| *path == format!("{folder}Cargo.toml"))
                    .expect("it is there");
                let manifest = manifest::parse(text).expect("it can be read");
                for (kind, folders) in
                    [("dependencies", &["src/"][..]), ("dev-dependencies", &["src/", "tests/"])]
                {
                    let rust: String = files
                        .iter()
                        .filter(|(path, _)| {
                            folders.iter().any(|it| path.starts_with(&format!("{folder}{it}")))
                        })
                        .map(|(_, text)| text)
                        .collect();
                    for (name, _) in manifest.get(kind).and_then(Item::as_table).into_iter().flatten() {
                        let ident = name.replace('-', "_");
                        // What it derives comes with the framework's prelude, and names the crate.
                        let derived = name == "serde" && rust.contains("Serialize");
                        let used = [format!("{ident}::"), format!("use {ident} ")];
                        assert!(
                            derived || used.iter().any(|used| rust.contains(used)),
                            "{folder} does not use {name}"
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn a_project_speaks_of_itself() {
        each(|plan, files| {
            for (path, text) in files.iter().filter(|(path, _)| *path != "Cargo.lock") {
                let small = text.to_lowercase();
                let of_the_project = [".rs", ".toml", ".env.example"].iter().any(|end| path.ends_with(end));
                for word in [
                    "this framework",
                    "the framework",
                    "projection::projectionref",
                    "pgbouncer",
                    "rabbitmq",
                    "demo",
                ] {
                    assert!(!of_the_project || !small.contains(word), "{path} has {word}");
                }
                // Its database, its files and its page are the project's.
                for word in ["orders-write", "orders-read", ":orders@", "/orders?direct"] {
                    assert!(!small.contains(word), "{path} has {word}");
                }
                for (chosen, word) in [
                    (plan.stores.mongo(), "mongo"),
                    (plan.stores.postgres(), "postgres"),
                    (plan.stores.files(), "sqlite"),
                ] {
                    assert!(chosen || !small.contains(word), "{path} of {plan:?} has {word}");
                }
                let others = ["server-sent", "a server of", "the server's"];
                if plan.stores.servers().is_empty() && path != "src/http/page.html" {
                    let small = others.iter().fold(small, |text, other| text.replace(other, ""));
                    let line = small.lines().find(|line| line.contains("server"));
                    assert_eq!(line, None, "{path} of {plan:?}");
                }
            }
        });
    }

    #[test]
    fn a_store_for_one_side_brings_nothing_for_the_other() {
        each(|plan, files| {
            let Stores { write, read } = plan.stores;
            let (_, manifest) = files.iter().find(|(path, _)| *path == "Cargo.toml").expect("a manifest");
            for (krate, events, views) in [
                ("cqrs-sqlite", write == Write::Sqlite, read == Read::Sqlite),
                ("cqrs-postgres", write == Write::Postgres, read == Read::Postgres),
            ] {
                let features = match (events, views) {
                    (true, true) => r#"["events", "views"]"#,
                    (true, false) => r#"["events"]"#,
                    (false, true) => r#"["views"]"#,
                    (false, false) => {
                        assert!(!manifest.contains(krate), "{manifest}");
                        continue;
                    }
                };
                let line = format!("\n{krate} = {{ workspace = true, features = {features} }}\n");
                assert!(manifest.contains(&line), "{line} in {manifest}");
            }
        });
    }
}
