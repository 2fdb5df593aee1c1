//! A log that is put back while a page of it is read.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use cqrs_core::{
    envelope::Position,
    store::{EventFilter, EventStore, LogPage, Selector},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::sample::{append, appended, soon, stream};
use crate::{
    proxy::{server, url_at},
    server::{Schema, run},
};

/// How much of the log one statement looks through.
const STRETCH: u64 = 50_000;
/// The end of the second stretch, as an argument of a statement.
const SECOND: [u8; 12] = [0, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0x86, 0xa0];

/// A wire to the server that holds up the statement for the second stretch until something is done.
struct Gate {
    port: u16,
    shut: AtomicBool,
    reached: Notify,
    open: Notify,
}

impl Gate {
    async fn new() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate =
            Arc::new(Self { port, shut: AtomicBool::new(true), reached: Notify::new(), open: Notify::new() });
        let accepting = Arc::clone(&gate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, Arc::clone(&accepting)));
            }
        });
        gate
    }
}

async fn relay(client: TcpStream, gate: Arc<Gate>) {
    let (mut answers, mut to_server) = tokio::io::split(server().await);
    let (mut from_client, mut to_client) = client.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut answers, &mut to_client).await });
    let (mut seen, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    while let Ok(count @ 1..) = from_client.read(&mut chunk).await {
        // Its last bytes may come with the next chunk, but nothing is run before it has come whole.
        seen.extend_from_slice(&chunk[..count]);
        if seen.windows(SECOND.len()).any(|bytes| bytes == SECOND) && gate.shut.swap(false, SeqCst) {
            gate.reached.notify_one();
            gate.open.notified().await;
        }
        seen.drain(..seen.len().saturating_sub(SECOND.len()));
        if to_server.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}

/// Events at these positions, of which few are of the category that is looked for.
async fn fill(schema: &Schema, from: u64, to: u64, rare: &str) {
    let schema = &schema.0;
    run(format!(
        "INSERT INTO \"{schema}\".events (
             position, version, recorded_at, event_id, schema_version, category, stream_id, name, metadata, data
         )
         SELECT
             position, position, now(), gen_random_uuid(), 1,
             CASE WHEN position IN ({rare}) THEN 'rare' ELSE 'common' END, 'a', 'noted',
             (SELECT metadata FROM \"{schema}\".events WHERE position = 1), '{{}}'
         FROM generate_series({from}, {to}) AS position"
    ))
    .await;
}

/// The page that is read while, between its two stretches, the log is put back, and then gets other events.
async fn page_while_put_back(to: u64, grows: Option<(u64, &str)>) -> (LogPage, LogPage) {
    let (schema, gate) = (Schema::new(), Gate::new().await);
    let store = schema.events().connect(&url_at(gate.port)).await.unwrap();
    appended(store.append(append(&stream("a"))).await);
    fill(&schema, 2, STRETCH + 10, "10, 49500, 50005").await;
    let selector = Selector { category: "rare".to_owned(), names: None };
    let filter = EventFilter { any_of: Some(vec![selector]) };
    let put_back = async {
        gate.reached.notified().await;
        run(format!(
            "SET session_replication_role = replica; DELETE FROM \"{}\".events WHERE position > {to}",
            schema.0
        ))
        .await;
        if let Some((head, rare)) = grows {
            fill(&schema, to + 1, head, rare).await;
        }
        gate.open.notify_one();
    };
    let (page, ()) =
        soon(Box::pin(async { tokio::join!(store.read_log(Position::ZERO, &filter, 100), put_back) })).await;
    let now = schema.connect_events().await.read_log(Position::ZERO, &filter, 100).await.unwrap();
    (page.unwrap(), now)
}

fn positions(page: &LogPage) -> Vec<u64> {
    page.events.iter().map(|event| event.position.get()).collect()
}

#[tokio::test]
async fn a_page_is_of_one_past_though_the_log_has_grown_as_far_again() {
    let (page, now) = Box::pin(page_while_put_back(49_000, Some((STRETCH + 20, "49600, 50015")))).await;
    assert_eq!(positions(&page), [10, 49_600, 50_015]);
    assert_eq!((page.through.get(), page.head.get()), (50_020, 50_020));
    assert_eq!((page.events, page.last), (now.events, now.last));
}

#[tokio::test]
async fn a_page_is_of_one_past_though_the_log_ends_before_what_was_read() {
    let (page, now) = Box::pin(page_while_put_back(49_000, None)).await;
    assert_eq!(positions(&page), [10]);
    assert_eq!((page.through.get(), page.head.get()), (49_000, 49_000));
    assert_eq!((page.events, page.last), (now.events, now.last));
}

#[tokio::test]
async fn a_page_goes_on_where_only_events_behind_its_first_stretch_were_lost() {
    let (page, now) = Box::pin(page_while_put_back(STRETCH, Some((STRETCH + 5, "50003")))).await;
    assert_eq!(positions(&page), [10, 49_500, 50_003]);
    assert_eq!((page.through.get(), page.head.get()), (50_005, 50_005));
    assert_eq!((page.events, page.last), (now.events, now.last));
}
