//! An event that cannot be read parks its own key while all others go on, until a mended program copes with it.

use std::{sync::Arc, thread, time::Duration};

use cqrs_core::{
    operations::{Operator, Parked, RequestOutcome},
    store::{ProjectionId, ViewStore},
};
use serde_json::{Value, json};

use super::{Load, Run, mended, verify::views_are_the_fold};
use crate::{
    deadline::eventually,
    http::{Answer, Client},
    log::{self, Like},
    orders::{cancel, confirm, place as place_order},
    place::Place,
    runtime::block_on,
    stores::Stores,
};

const PROJECTIONS: [&str; 2] = ["order_summary", "customer_summary"];

/// The event that can't be read, and the one behind it.
const PARKED: u64 = 2;

/// Events for other keys that come while one is parked.
const OTHERS: u64 = 10_000;
const OTHERS_OF_CUT: u64 = 1_000;

soak!(a_poison_event_under_load_parks_one_key_and_a_retry_restores_its_order);

fn a_poison_event_under_load_parks_one_key_and_a_retry_restores_its_order(stores: Stores) {
    let run = Run::begin("poison", Duration::from_secs(10));
    let mut rng = run.chances();
    let place = Place::new(stores);
    let (command, query) = (place.start("command"), place.start("query"));
    let (command, query) = (command.client(), query.client());
    let mut projector = Some(Run::projector(&place, "projector"));
    // What the poison is made after.
    let order = place_order(&command, "sample");
    confirm(&command, &order.id);
    let sample = cancel(&command, &order.id);
    query.get(&order.path()).at_least(&sample).expect(200);
    let known = place.events();

    let token = Load::offer(&command, run.rate(), &mut rng, |load| {
        let mut round = 1;
        loop {
            let customer = format!("poisoned-{round}");
            let order = place_order(&command, &customer);
            for path in [order.path(), format!("/customers/{customer}")] {
                query.get(&path).at_least(&order.token).expect(200);
            }
            let like = |name: &str, change: &dyn Fn(&mut Value)| {
                let event = known.iter().find(|event| event.name == name).expect("one of each");
                let mut data = log::data(event);
                change(&mut data);
                Like { event, stream: order.id.clone(), data }
            };
            let poison = like("order_confirmed", &|data| data["customer_id"] = json!({ "id": customer }));
            let behind = like("order_cancelled", &|data| data["customer_id"] = customer.clone().into());
            log::append(place.write_store(), [poison, behind]);
            let case = Case { run: &run, place: &place, load, query: &query, order: order.path(), customer };
            case.is_parked();
            case.others_go_on(round);
            case.is_not_retried_in_vain();
            assert!(projector.take().expect("it runs").terminate().status.success());
            case.is_mended();
            projector = Some(Run::projector(&place, "projector"));
            if run.of(run.is_over(), true) {
                break;
            }
            round += 1;
        }
    });
    views_are_the_fold(&place, &query, &token);
}

/// How many events are counted as parked. Which customers the unreadable event concerns is not known, so that it waits in each
/// partition; the one behind it waits in that of its customer.
fn parked(projection: &Value) -> u64 {
    if projection["name"] == "customer_summary" { Run::partitions() + PARKED - 1 } else { PARKED }
}

struct Case<'a> {
    run: &'a Run,
    place: &'a Place,
    load: &'a Load,
    query: &'a Client,
    order: String,
    customer: String,
}

impl Case<'_> {
    fn operator(views: &Arc<dyn ViewStore>) -> Operator {
        Operator::new(Arc::clone(views), "soak")
    }

    fn health(&self) -> (Answer, Vec<Value>) {
        let answer = self.query.get("/health/ready").send();
        let health: Value = serde_json::from_slice(&answer.body).expect("health is JSON");
        (answer, health["projections"].as_array().expect("a list").clone())
    }

    /// Both events are parked in each projection, and nothing else; so the views of the key stay as they are.
    fn is_parked(&self) {
        eventually("both events are parked", || {
            self.load.sent();
            let (_, projections) = self.health();
            projections.iter().all(|projection| projection["parked"] == parked(projection)).then_some(())
        });
        let (order, customer) = self.views();
        assert_eq!(order["status"], "placed");
        assert_eq!(
            (&customer["orders"], &customer["confirmed"], &customer["cancelled"]),
            (&json!(1), &json!(0), &json!(0))
        );
    }

    fn others_go_on(&self, round: u32) {
        let goal = self.load.sent() + self.run.of(OTHERS, OTHERS_OF_CUT);
        while self.load.sent() < goal {
            self.run.tell(|| format!("round {round}, {} commands, a key is parked", self.load.sent()));
            thread::sleep(Duration::from_millis(50));
        }
        let token = self.load.token();
        for path in ["/customers/nobody", "/customers/nobody/orders"] {
            self.query.get(path).at_least(&token).expect(200);
        }
        let (_, projections) = self.health();
        for projection in projections {
            assert_eq!(projection["parked"], parked(&projection), "one key alone is parked: {projection}");
        }
        self.is_parked();
    }

    /// Whoever can't read the event changes nothing by trying it again.
    fn is_not_retried_in_vain(&self) {
        let views = self.place.open_views();
        let operator = Self::operator(&views);
        for (name, dry_run) in PROJECTIONS.into_iter().flat_map(|name| [(name, true), (name, false)]) {
            let projection = ProjectionId::new(name, 1);
            let report = block_on(operator.retry(&projection, Parked::All, dry_run)).expect("a report");
            assert_eq!((report.retried, report.failing.len()), (0, 1), "{name}: {report:?}");
        }
        self.is_parked();
    }

    /// A mended program takes over, and its retry makes of the views what they would have been.
    fn is_mended(&self) {
        let views = self.place.open_views();
        let app = mended::start(self.place, &views);
        let operator = Self::operator(&views);
        for name in PROJECTIONS {
            let projection = ProjectionId::new(name, 1);
            for dry_run in [true, false] {
                let report = block_on(operator.retry(&projection, Parked::All, dry_run)).expect("a report");
                assert_eq!((report.retried, &*report.failing), (PARKED, &[][..]), "{name}: {report:?}");
            }
            let requests = block_on(operator.requests(&projection)).expect("they are on record");
            let last = &requests.last().expect("those of just now").asked;
            assert_eq!(last.by, "soak");
            assert!(
                matches!(&last.outcome, Some(RequestOutcome::Done(done)) if done.retried == PARKED),
                "{last:?}"
            );
        }
        let (order, customer) = self.views();
        assert_eq!(order["status"], "cancelled");
        assert_eq!(
            customer,
            json!({ "customer_id": self.customer, "orders": 1, "confirmed": 0, "cancelled": 1, "total_cents": 0 })
        );
        eventually("all is well", || {
            self.load.sent();
            let (answer, projections) = self.health();
            let is_well = projections.iter().all(|projection| projection["parked"] == 0);
            (answer.status == 200 && is_well).then_some(())
        });
        block_on(app.shutdown());
    }

    fn views(&self) -> (Value, Value) {
        let of = |path: &str| self.query.get(path).expect(200).json();
        (of(&self.order), of(&format!("/customers/{}", self.customer)))
    }
}
