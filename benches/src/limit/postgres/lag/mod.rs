//! The shortest way from an insert to a visible view: a notification, a select of what is new, an upsert, and, for
//! another process, one more notification.

mod project;
mod views;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio_postgres::{AsyncMessage, Client, NoTls};

pub(crate) use project::{Projector, project};
use views::Views;

use super::connect;
use crate::{
    Failure,
    domain::{COMMANDS_PER_STREAM, LineAdded},
    lag::{Apart, ticks},
    limit::METADATA,
    places::Location,
    worker::{Job, Worker},
};

/// Measures, in empty databases.
pub(crate) async fn measure(
    log: &Location,
    views: &Location,
    apart: Apart,
    commands: u64,
) -> Result<Vec<Duration>, Failure> {
    super::prepare(log.url()?).await?;
    Views::prepare(views).await?;
    let projector = Projector { log: log.clone(), views: views.clone() };
    match apart {
        Apart::Nothing => {
            let (applied, news) = watch::channel(0);
            let tailing = projector.start(applied).await?;
            let times = run(log, views, news, commands).await;
            tailing.abort();
            times
        }
        Apart::Projector | Apart::Reader => {
            let worker = Worker::start(&Job::LimitProjector(projector)).await?;
            let times = run(log, views, listen_for_views(views).await?, commands).await?;
            worker.stop().await?;
            Ok(times)
        }
    }
}

async fn run(
    log: &Location,
    views: &Location,
    news: watch::Receiver<i64>,
    commands: u64,
) -> Result<Vec<Duration>, Failure> {
    let log = connect(log.url()?).await?;
    let append = log.prepare(include_str!("append.sql")).await?;
    let (log, views) = (Arc::new(log), Arc::new(Views::open(views).await?));
    ticks(commands, |number| {
        let (log, append, views, mut news) =
            (Arc::clone(&log), append.clone(), Arc::clone(&views), news.clone());
        async move {
            let stream = format!("order-{}", number / COMMANDS_PER_STREAM);
            let version = i64::try_from(number % COMMANDS_PER_STREAM + 1)?;
            let data = serde_json::to_string(&LineAdded::sample(number))?;
            let row = log.query_one(&append, &[&stream, &version, &"line_added", &data, &METADATA]).await?;
            let position: i64 = row.get(0);
            let acknowledged = Instant::now();
            news.wait_for(|applied| *applied >= position).await?;
            let applied = views.applied(&stream).await?;
            let took = acknowledged.elapsed();
            if applied < position {
                return Err(format!("a view is at {applied}, and not at {position}").into());
            }
            Ok(took)
        }
    })
    .await
}

/// What the notifications of a channel say.
pub(super) async fn listen(
    url: &str,
    channel: &str,
) -> Result<(Client, stream::BoxStream<'static, String>), Failure> {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
    let messages = stream::poll_fn(move |context| connection.poll_message(context));
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(messages.for_each(move |message| {
        if let Ok(AsyncMessage::Notification(notification)) = message {
            // Nobody may be interested any more.
            drop(sender.send(notification.payload().to_owned()));
        }
        std::future::ready(())
    }));
    client.batch_execute(&format!("LISTEN {channel}")).await?;
    let heard = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    Ok((client, heard.boxed()))
}

/// How far the views are, as another process says.
async fn listen_for_views(views: &Location) -> Result<watch::Receiver<i64>, Failure> {
    let (client, mut heard) = listen(views.url()?, "views").await?;
    let (applied, news) = watch::channel(0);
    tokio::spawn(async move {
        let _client = client;
        while let Some(position) = heard.next().await {
            if let Ok(position) = position.parse() {
                applied.send_replace(position);
            }
        }
    });
    Ok(news)
}
