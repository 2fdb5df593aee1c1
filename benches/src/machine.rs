//! What the figures were measured on.

use crate::{
    Failure,
    limit::postgres::connect,
    plan::Plan,
    rooms::{Disk, Rooms},
    table::Style,
};

/// Prints it, and refuses servers whose figures would mean nothing.
pub(crate) async fn describe(plan: &Plan, rooms: &Rooms) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism()?;
    let mut facts = vec![format!("{cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH)];
    let needs = plan.needs();
    if needs.contains(&"postgres") {
        facts.push(describe_postgres(plan, rooms.postgres(Disk::AsItIs)?).await?);
    }
    if needs.contains(&"mongo") {
        facts.push(describe_mongo(rooms.mongo()?).await?);
    }
    match plan.style {
        Style::Terminal => println!("{}", facts.join("\n")),
        Style::Markdown => println!("{}.", facts.join("; ")),
    }
    Ok(())
}

async fn describe_postgres(plan: &Plan, url: &str) -> Result<String, Failure> {
    let server = connect(url).await?;
    let setting = async |name: &str| -> Result<String, Failure> {
        Ok(server.query_one("SELECT current_setting($1)", &[&name]).await?.get(0))
    };
    let (fsync, commit) = (setting("fsync").await?, setting("synchronous_commit").await?);
    if !plan.quick && (fsync != "on" || commit == "off") {
        return Err(format!(
            "this PostgreSQL does not wait for its disk (fsync = {fsync}, synchronous_commit = {commit}): its figures \
             would mean nothing. Give one that does, or use --quick"
        )
        .into());
    }
    Ok(format!(
        "PostgreSQL {}, fsync {fsync} ({}), synchronous_commit {commit}",
        setting("server_version").await?,
        setting("wal_sync_method").await?,
    ))
}

async fn describe_mongo(url: &str) -> Result<String, Failure> {
    let server = mongodb::Client::with_uri_str(url).await?.database("admin");
    let built = server.run_command(mongodb::bson::doc! { "buildInfo": 1 }).await?;
    Ok(format!("MongoDB's protocol by version {}", built.get_str("version")?))
}
