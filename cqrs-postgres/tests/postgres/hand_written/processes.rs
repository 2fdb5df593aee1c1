//! Several programs with one projection, and the death of programs.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use cqrs_core::{app::App, runtime::ProjectionState, store::EventStore};

use super::{
    ledger::Ledger,
    log,
    scene::{append, curse, deposit, eventually},
};
use crate::server::{Schema, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_programs_one_applies_a_batch_and_nothing_is_taken_for_a_fault() {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    let mut apps = Vec::new();
    for batch in [3, 5, 7] {
        apps.push(ledger.app(&log, batch).await);
    }
    for round in 0..60 {
        let account = ["a", "b", "c", "d"][round % 4];
        append(&*log, &[deposit(account, 1), deposit("all", 2), deposit(account, 3)]).await;
        if round == 30 {
            append(&*log, &[curse("poor", "own error"), deposit("poor", 1)]).await;
        }
        tokio::time::sleep(Duration::from_millis(u64::try_from(round).unwrap() % 7)).await;
    }
    ledger.assert_as_the_log(&*log).await;
    assert_eq!(ledger.letters().await.len(), 2);
    assert_eq!(ledger.seen.most.load(SeqCst), 1, "batches were applied at one time");
    for app in apps {
        app.shutdown().await;
    }
}

#[tokio::test]
async fn a_program_that_stands_still_in_the_midst_of_a_batch_holds_up_its_successor_for_its_time_limit_at_most()
 {
    let (log, ledger) = (log(), Ledger::new(&Schema::new()));
    append(&*log, &[deposit("a", 1), deposit("b", 2)]).await;
    let paused = Ledger { seen: Arc::default(), ..ledger.clone() };
    let (reach, reached) = mpsc::channel();
    let (resume, resumed) = mpsc::channel::<()>();
    *paused.seen.midst.lock().unwrap() = Some(Box::new(move || {
        // An error means that the test is over.
        let _ = reach.send(());
        let _ = resumed.recv();
    }));
    let program = thread::spawn({
        let log = Arc::clone(&log);
        // Its only thread stands still, and with it all that it does.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        move || {
            runtime.block_on(async {
                let views = Arc::new(paused.schema.views().connect(&url()).await.unwrap());
                let projection = views.sql(paused.clone()).time_limit(Duration::from_secs(1));
                let app = App::builder(log).batch_projection(projection).build().await.unwrap();
                // Until it is resumed, and has found out that another one runs the projection.
                let stands_by = async || {
                    let health = app.projections().remove(0);
                    matches!(health.state, ProjectionState::Standby { .. })
                };
                eventually("it stands by", stands_by).await;
                app.shutdown().await;
            });
        }
    });
    reached.recv().expect("it comes to a batch");
    let app = ledger.app(&log, 100).await;
    ledger.assert_as_the_log(&*log).await;
    append(&*log, &[deposit("a", 3)]).await;
    resume.send(()).expect("it waits");
    ledger.assert_as_the_log(&*log).await;
    while !program.is_finished() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    program.join().expect("it has found out");
    ledger.assert_nothing_is_parked().await;
    app.shutdown().await;
}

/// Names the schema in the environment of a child, which is this test once more, and how many batches it is to apply.
const SCHEMA: &str = "CQRS_POSTGRES_TEST_SCHEMA";
const BATCHES: &str = "CQRS_POSTGRES_TEST_BATCHES";
const TEST: &str = "hand_written::processes::programs_that_are_killed_at_any_moment_apply_each_event_once";

#[test]
fn programs_that_are_killed_at_any_moment_apply_each_event_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Ok(schema) = std::env::var(SCHEMA) {
        let batches = std::env::var(BATCHES).unwrap().parse().unwrap();
        return runtime.block_on(apply_until_killed(schema, batches));
    }
    let ledger = Ledger::new(&Schema::new());
    let log = runtime.block_on(fill(&ledger));
    for batches in [1, 2, 5] {
        let (tell, told) = mpsc::channel();
        let mut children: Vec<_> =
            (0..2).map(|number| start(&ledger, batches, number, tell.clone())).collect();
        drop(tell);
        // The first one to be in the midst of its last batch keeps the other from beginning one, until it is dead.
        for _ in 0..2 {
            let number = told.recv_timeout(Duration::from_mins(1)).expect("one is in the midst of a batch");
            children[number].kill().unwrap();
            children[number].wait().unwrap();
        }
    }
    runtime.block_on(async {
        let app = ledger.app(&log, 50).await;
        ledger.assert_as_the_log(&*log).await;
        ledger.assert_nothing_is_parked().await;
        app.shutdown().await;
    });
}

async fn events(schema: &Schema) -> Arc<dyn EventStore> {
    Arc::new(schema.events().connect(&url()).await.unwrap())
}

async fn fill(ledger: &Ledger) -> Arc<dyn EventStore> {
    let log = events(&ledger.schema).await;
    for _ in 0..60 {
        let events: Vec<_> = (0..20).map(|nth| deposit(["a", "b", "c"][nth % 3], 1)).collect();
        append(&*log, &events).await;
    }
    log
}

/// Starts a program that tells its number when it hangs.
fn start(ledger: &Ledger, batches: usize, number: usize, tell: mpsc::Sender<usize>) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(SCHEMA, &ledger.schema.0)
        .env(BATCHES, batches.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if line.contains("in the midst") {
                // Nobody listens any more where the test has failed.
                let _: Result<_, _> = tell.send(number);
            }
        }
    });
    child
}

async fn apply_until_killed(schema: String, batches: usize) {
    // The parent drops it.
    let schema = Arc::new(Schema(schema));
    std::mem::forget(Arc::clone(&schema));
    let log = events(&schema).await;
    let ledger = Ledger::new(&schema);
    let left = AtomicUsize::new(batches);
    *ledger.seen.midst.lock().unwrap() = Some(Box::new(move || {
        if left.fetch_sub(1, SeqCst) == 1 {
            let mut parent = io::stdout().lock();
            writeln!(parent, "in the midst").unwrap();
            // A parent that is gone kills nobody.
            thread::sleep(Duration::from_mins(2));
            std::process::exit(1);
        }
    }));
    let _app = ledger.app(&log, 20).await;
    std::future::pending::<()>().await;
}
