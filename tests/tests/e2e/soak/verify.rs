//! What has to be true of the views after all.

use crate::{
    http::Client,
    load::in_parallel,
    model::{Model, pages},
    place::Place,
};

/// Each order is in a list; so many are asked for alone, too.
const ALONE: usize = 4_000;

/// No view differs from what the log folds to, by other code than the framework's. Nobody may write meanwhile.
pub(super) fn views_are_the_fold(place: &Place, query: &Client, token: &str) {
    let model = Model::of(&place.events());
    let customers: Vec<_> = model.orders_of.iter().collect();
    in_parallel(&customers, |(customer, orders)| {
        let answer = query.get(&format!("/customers/{customer}")).at_least(token).expect(200);
        assert_eq!(answer.json(), model.customer(customer), "{answer}");
        let listed = pages(query, customer, "limit=200", Some(token));
        assert_eq!(listed.len(), orders.len(), "the orders of {customer}");
        for (listed, id) in listed.iter().zip(orders.iter().rev()) {
            assert_eq!(*listed, model.orders[id], "in the orders of {customer}, newest first");
        }
    });
    let step = model.orders.len().div_ceil(ALONE).max(1);
    let alone: Vec<_> = model.orders.iter().step_by(step).collect();
    in_parallel(&alone, |(id, order)| {
        let answer = query.get(&format!("/orders/{id}")).at_least(token).expect(200);
        assert_eq!(answer.json(), **order, "{answer}");
    });
    println!("{} orders of {} customers are as the log has them", model.orders.len(), customers.len());
}
