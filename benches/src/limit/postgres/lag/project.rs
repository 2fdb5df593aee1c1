//! The projection of the limit.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};

use super::{listen, views::Views};
use crate::{
    Failure, catch_up::Write, domain::OrderSummary, limit::postgres::connect, places::Location,
    worker::Orders,
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Projector {
    pub(super) log: Location,
    pub(super) views: Location,
}

/// Runs in a process of its own.
pub(crate) async fn project(projector: Projector, mut orders: Orders) -> Result<(), Failure> {
    let (applied, _news) = watch::channel(0);
    let tailing = projector.start(applied).await?;
    orders.ready_until_the_end().await?;
    tailing.abort();
    Ok(())
}

impl Projector {
    /// Tails the log until it is aborted, and says how far it is.
    pub(super) async fn start(self, applied: watch::Sender<i64>) -> Result<JoinHandle<()>, Failure> {
        let (listener, mut heard) = listen(self.log.url()?, "events").await?;
        let log = connect(self.log.url()?).await?;
        let tail = log.prepare(include_str!("tail.sql")).await?;
        let views = Views::open(&self.views).await?;
        Ok(tokio::spawn(async move {
            let _listener = listener;
            let mut states: HashMap<String, OrderSummary> = HashMap::new();
            let mut position = 0;
            while heard.next().await.is_some() {
                let step = async {
                    let rows = log.query(&tail, &[&position]).await?;
                    let mut writes: HashMap<String, u64> = HashMap::new();
                    for row in &rows {
                        let key: String = row.get(1);
                        position = row.get(0);
                        states.entry(key.clone()).or_default().add(&serde_json::from_str(row.get(2))?);
                        writes.insert(key, u64::try_from(position)?);
                    }
                    let writes: Vec<Write> = writes
                        .into_iter()
                        .map(|(key, applied)| {
                            let view = states.get(&key).cloned().unwrap_or_default();
                            Write { key, applied, view }
                        })
                        .collect();
                    if !writes.is_empty() {
                        views.write(&writes, position).await?;
                        applied.send_replace(position);
                    }
                    Ok::<_, Failure>(())
                };
                if let Err(error) = step.await {
                    eprintln!("the limit's projection has failed: {error}");
                    return;
                }
            }
        }))
    }
}
