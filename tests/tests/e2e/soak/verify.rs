//! What has to be true of the views after all.

use crate::{http::Client, model::Model, place::Place};

/// No view differs from what the log folds to, by other code than the framework's. Nobody may write meanwhile.
pub(super) fn views_are_the_fold(place: &Place, query: &Client, token: &str) {
    let model = Model::of(&place.events());
    model.check(query, token);
    println!("{} orders of {} customers are as the log has them", model.orders.len(), model.orders_of.len());
}
