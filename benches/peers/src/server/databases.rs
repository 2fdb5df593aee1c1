use peers_harness::Failure;
use tokio_postgres::{Client, NoTls};
use url::Url;

/// Makes databases, one for each measurement.
pub(crate) struct Databases {
    url: Url,
    admin: Client,
}

/// An empty database; it stays until [`Databases::drop`].
pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

impl Databases {
    pub(super) async fn connect(url: Url) -> Result<Self, Failure> {
        Ok(Self { admin: connect(url.as_str()).await?, url })
    }

    pub(crate) async fn create(&self) -> Result<Database, Failure> {
        let name = format!("peers_{}", uuid::Uuid::new_v4().simple());
        self.admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let mut url = self.url.clone();
        url.set_path(&name);
        Ok(Database { name, url: url.into() })
    }

    /// Drops it, whoever is still connected.
    pub(crate) async fn drop(&self, database: Database) -> Result<(), Failure> {
        let Database { name, .. } = database;
        Ok(self.admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    /// The server's version, and whether its commits wait for the disk.
    pub(crate) async fn version(&self) -> Result<String, Failure> {
        let version = self.setting("server_version").await?;
        let version = version.split_whitespace().next().unwrap_or(&version);
        let (fsync, commit) = (self.setting("fsync").await?, self.setting("synchronous_commit").await?);
        Ok(format!("PostgreSQL {version} with fsync={fsync} and synchronous_commit={commit}"))
    }

    async fn setting(&self, name: &str) -> Result<String, Failure> {
        Ok(self.admin.query_one("SELECT current_setting($1)", &[&name]).await?.try_get(0)?)
    }
}

impl Database {
    /// The only row of a query.
    pub(crate) async fn row(&self, query: &str) -> Result<tokio_postgres::Row, Failure> {
        Ok(connect(&self.url).await?.query_one(query, &[]).await?)
    }
}

async fn connect(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
