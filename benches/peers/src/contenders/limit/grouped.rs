use peers_harness::{Contender, Failure};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::{LOG, VERSIONS, connections::connect, data, name};

const INSERT_ALL: &str = "
    INSERT INTO log (stream, version, name, data)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])";

/// The most events of one statement.
const MOST: usize = 500;

/// One connection that inserts all events that are waiting by one statement, through arrays. Nothing is loaded.
pub(crate) struct Grouped {
    waiting: mpsc::UnboundedSender<Waiting>,
}

struct Waiting {
    order: Uuid,
    number: u32,
    data: String,
    done: oneshot::Sender<Result<(), String>>,
}

impl Contender for Grouped {
    const NAME: &'static str = "limit c: grouped";
    const CHECK: &'static str = VERSIONS;

    async fn setup(place: &str, _: usize) -> Result<Self, Failure> {
        let client = connect(place).await?;
        client.batch_execute(LOG).await?;
        let statement = client.prepare(INSERT_ALL).await?;
        let (waiting, queue) = mpsc::unbounded_channel();
        tokio::spawn(write(client, statement, queue));
        Ok(Self { waiting })
    }

    async fn command(&self, order: Uuid, number: u32) -> Result<(), Failure> {
        let (done, answer) = oneshot::channel();
        let data = data(number)?;
        self.waiting.send(Waiting { order, number, data, done }).map_err(|_| "the writer is gone")?;
        Ok(answer.await??)
    }

    async fn close(self) {}
}

/// Writes until all senders are gone.
async fn write(client: Client, statement: Statement, mut queue: mpsc::UnboundedReceiver<Waiting>) {
    let mut batch = Vec::with_capacity(MOST);
    while queue.recv_many(&mut batch, MOST).await > 0 {
        let (mut orders, mut versions, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let (mut datas, mut answers) = (Vec::new(), Vec::new());
        for Waiting { order, number, data, done } in batch.drain(..) {
            orders.push(order);
            versions.push(i64::from(number) + 1);
            names.push(name(number));
            datas.push(data);
            answers.push(done);
        }
        let written = client.execute(&statement, &[&orders, &versions, &names, &datas]).await;
        let answer = written.map(drop).map_err(|error| error.to_string());
        for done in answers {
            // A task that was stopped does not wait for its answer.
            let _: Result<(), _> = done.send(answer.clone());
        }
    }
}
