#![allow(warnings)]
use cqrs_core::{
    document::{DateTime, Value},
    domain::{IndexSpec, IndexValue},
    envelope::*,
    store::*,
};
use cqrs_mongo::{
    mongodb::{
        Client,
        bson::{Document, doc, rawdoc},
    },
    *,
};
use jiff::Timestamp;
use std::time::{Duration, Instant};
fn spec(name: &str, idx: &[&'static str]) -> ProjectionSpec {
    ProjectionSpec {
        id: ProjectionId { name: name.into(), version: 1 },
        indexes: idx.iter().map(|i| IndexSpec::new(i)).collect(),
        fingerprint: 1,
    }
}
fn put(n: u64, at: u64, idx: usize) -> DocumentWrite {
    let fields = vec![
        ("customer_id", Value::Text(format!("customer-{:05}", n % 1000))),
        ("status", Value::Text("confirmed".into())),
        ("total", Value::Int(n as i64)),
        ("placed_at", Value::Time(DateTime::from_millis(1_700_000_000_000 + at as i64).unwrap())),
        ("lines", Value::List(vec![Value::Text("sku-1".into()), Value::Text("sku-2".into())])),
    ];
    let all = [IndexValue::Text(format!("customer-{:05}", n % 1000)), IndexValue::Int(n as i64)];
    DocumentWrite {
        key: format!("0190d5f4-7c3a-7000-8000-{n:012}"),
        created: Position::new(n + 1),
        applied: Position::new(at),
        change: Change::Put {
            data: Value::Map(fields.into_iter().map(|(a, b)| (a.to_string(), b)).collect()).into(),
            indexes: all[..idx].to_vec(),
        },
    }
}
fn commit(from: u64, to: u64, documents: Vec<DocumentWrite>) -> Commit {
    Commit {
        expected: Position::new(from),
        checkpoint: Checkpoint {
            log: LogId::from_uuid(uuid::Uuid::nil()),
            position: Position::new(to),
            head: Position::new(to),
            as_of: Timestamp::now(),
            parked: 0,
            last: None,
            diverged: false,
        },
        documents,
        parked: vec![],
    }
}
fn p(mut v: Vec<f64>) -> String {
    v.sort_by(|a, b| a.total_cmp(b));
    format!("p50 {:.3} ms p99 {:.3} ms", v[v.len() / 2], v[v.len() * 99 / 100])
}
fn cpu(pid: &str) -> f64 {
    let s = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
struct M {
    t: Instant,
    s: f64,
    c: f64,
    pid: String,
}
impl M {
    fn start() -> M {
        let pid = std::env::var("SPID").unwrap();
        M { t: Instant::now(), s: cpu(&pid), c: cpu("self"), pid }
    }
    fn done(&self, what: &str, n: u64) {
        let n = n as f64;
        println!(
            "{what:40} wall {:7.0}/s server cpu {:6.1} us each, own {:6.1} us",
            n / self.t.elapsed().as_secs_f64(),
            (cpu(&self.pid) - self.s) * 1e6 / n,
            (cpu("self") - self.c) * 1e6 / n
        );
    }
}
#[tokio::main]
async fn main() {
    let url = std::env::var("CQRS_TEST_MONGO_URL").unwrap();
    let db = format!("measure_{}", std::process::id());
    let client = Client::with_uri_str(&url).await.unwrap();
    let raw = client.database(&db);
    let batch = 1000u64;
    let batches = 10u64;
    for round in 0..2u64 {
        // raw limit
        let only_raw = std::env::var("RAW").is_ok(); let variants: Vec<(&str, Vec<Document>)> = vec![
            ("none", vec![]),
            (
                "created partial",
                vec![
                    doc! {"key": {"_cqrs.created": 1, "_id": 1}, "name": "c", "partialFilterExpression": {"_cqrs.created": {"$exists": true}}},
                ],
            ),
            ("created full", vec![doc! {"key": {"_cqrs.created": 1, "_id": 1}, "name": "c"}]),
            (
                "created partial, customer",
                vec![
                    doc! {"key": {"_cqrs.created": 1, "_id": 1}, "name": "c", "partialFilterExpression": {"_cqrs.created": {"$exists": true}}},
                    doc! {"key": {"customer_id": 1, "_id": 1}, "name": "a"},
                ],
            ),
            (
                "created partial, customer, c+created",
                vec![
                    doc! {"key": {"_cqrs.created": 1, "_id": 1}, "name": "c", "partialFilterExpression": {"_cqrs.created": {"$exists": true}}},
                    doc! {"key": {"customer_id": 1, "_id": 1}, "name": "a"},
                    doc! {"key": {"customer_id": 1, "_cqrs.created": 1, "_id": 1}, "name": "b"},
                ],
            ),
        ];
        for (idx, indexes) in variants { if !only_raw { break; }
            let coll = format!("raw{round}_{idx}");
            for i in indexes {
                raw.run_command(doc! {"createIndexes": &coll, "indexes": [i]}).await.unwrap();
            }
            for pass in 0..2u64 {
                let mut commands = vec![];
                for b in 0..batches {
                    let ups: Vec<Document> = (0..batch).map(|i| { let n = if pass == 0 { b * batch + i } else { (b * batch + i) * 7919 % (batch * batches) }; let at = (1 + pass as i64) * 1_000_000; doc!{"q": {"_id": format!("0190d5f4-7c3a-7000-8000-{n:012}"), "_cqrs.applied": {"$lt": at}}, "u": {"_id": format!("0190d5f4-7c3a-7000-8000-{n:012}"), "customer_id": format!("customer-{:05}", n % 1000), "status": "confirmed", "total": n as i64, "placed_at": mongodb::bson::DateTime::from_millis(1_700_000_000_000), "lines": ["sku-1", "sku-2"], "_cqrs": {"created": n as i64, "applied": at}}, "upsert": true} }).collect();
                    commands.push(mongodb::bson::RawDocumentBuf::try_from(&doc!{"update": &coll, "updates": ups, "ordered": false, "writeConcern": {"w": "majority"}}).unwrap());
                }
                let t = M::start();
                for c in commands {
                    let r = raw.run_raw_command(c).await.unwrap();
                    assert!(r.get("writeErrors").is_none());
                }
                t.done(&format!("raw {idx} pass {pass}"), batch * batches);
                if pass == 1 {
                    let t = M::start();
                    for b in 0..batches {
                        let keys: Vec<String> = (0..batch)
                            .map(|i| {
                                format!(
                                    "0190d5f4-7c3a-7000-8000-{:012}",
                                    (b * batch + i) * 7919 % (batch * batches)
                                )
                            })
                            .collect();
                        let mut c = raw
                            .collection::<Document>(&coll)
                            .find(doc! {"_id": {"$in": keys}})
                            .batch_size(1000)
                            .await
                            .unwrap();
                        while c.advance().await.unwrap() {}
                    }
                    t.done(&format!("raw {idx} load"), batch * batches);
                }
            }
        }
        if only_raw { continue; }
        for mode in if std::env::var("TX").is_ok() { [Transactions::Always] } else { [Transactions::Never] } {
            let store = MongoViewStore::options()
                .transactions(mode)
                .connect(&format!("{}/{db}", url.trim_end_matches('/')))
                .await
                .unwrap();
            for idx in [0usize, 1] {
                let spec = spec(&format!("m{round}_{idx}_{mode:?}"), &["customer_id", "total"][..idx]);
                store.prepare(&spec).await.unwrap();
                let mut at = 0;
                for pass in 0..2u64 {
                    let mut load = Duration::ZERO;
                    let t = M::start();
                    for b in 0..batches {
                        let keys: Vec<String> = (0..batch)
                            .map(|i| {
                                let n = if pass == 0 {
                                    b * batch + i
                                } else {
                                    (b * batch + i) * 7919 % (batch * batches)
                                };
                                format!("0190d5f4-7c3a-7000-8000-{n:012}")
                            })
                            .collect();
                        let l = Instant::now();
                        let got = store.load(&spec.id, &keys).await.unwrap();
                        assert_eq!(got.len() as u64, pass * batch);
                        load += l.elapsed();
                        let docs = (0..batch)
                            .map(|i| {
                                let n = if pass == 0 {
                                    b * batch + i
                                } else {
                                    (b * batch + i) * 7919 % (batch * batches)
                                };
                                put(n, at + i + 1, idx)
                            })
                            .collect();
                        store.commit(&spec.id, commit(at, at + batch, docs)).await.unwrap();
                        at += batch;
                    }
                    t.done(&format!("{mode:?} idx {idx} pass {pass} (load {load:?})"), batch * batches);
                }
                if idx == 1 {
                    let m = M::start();
                    for i in 0..500u64 {
                        store.commit(&spec.id, commit(at, at + 1, vec![put(i, at + 1, idx)])).await.unwrap();
                        at += 1;
                    }
                    m.done(&format!("{mode:?} commit of one"), 500);
                    let mut v = vec![];
                    let mut g = vec![];
                    let mut f = vec![];
                    let mut lo = vec![];
                    for i in 0..500u64 {
                        let d = put(i, at + 1, idx);
                        let key = d.key.clone();
                        let l = Instant::now();
                        store.load(&spec.id, &[key.clone()]).await.unwrap();
                        lo.push(l.elapsed().as_secs_f64() * 1e3);
                        let t = Instant::now();
                        store.commit(&spec.id, commit(at, at + 1, vec![d])).await.unwrap();
                        v.push(t.elapsed().as_secs_f64() * 1e3);
                        at += 1;
                        let t = Instant::now();
                        store.get(&spec.id, &key).await.unwrap();
                        g.push(t.elapsed().as_secs_f64() * 1e3);
                        let t = Instant::now();
                        let r = store
                            .find(
                                &spec.id,
                                &Find {
                                    filters: vec![Filter {
                                        index: "customer_id".into(),
                                        comparison: Comparison::OneOf(vec![IndexValue::Text(
                                            "customer-00007".into(),
                                        )]),
                                    }],
                                    order: OrderBy::Created,
                                    direction: Direction::Descending,
                                    after: None,
                                    limit: 20,
                                },
                            )
                            .await
                            .unwrap();
                        f.push(t.elapsed().as_secs_f64() * 1e3);
                        assert_eq!(r.value.len(), 10);
                    }
                    println!(
                        "{mode:?} one document: load {} commit {} get {} find {}",
                        p(lo),
                        p(v),
                        p(g),
                        p(f)
                    );
                }
            }
        }
    }
    raw.drop().await.unwrap();
}
