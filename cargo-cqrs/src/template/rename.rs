//! Gives the demo's text the names of a project.

use crate::name::CrateName;

/// A text with other words in the place of some.
#[derive(Debug)]
pub(crate) struct Renames(Vec<(String, String)>);

impl Renames {
    /// From the demo to a project. The words of the domain stay: its orders are what the service is about.
    pub(crate) fn to(name: &CrateName) -> Self {
        let (ident, variable, title) = (name.ident(), name.variable(), name.title());
        let database = name.database();
        let mut renames = vec![
            ("ORDER_SERVICE", variable),
            ("Order service", title),
            ("order-service", name.to_string()),
            ("order_service", ident.clone()),
            // Its files.
            ("orders-write.db", format!("{name}-write.db")),
            ("orders-read.db", format!("{name}-read.db")),
            // The database, as compose.yaml makes it and as the defaults name it.
            ("postgres:orders@", format!("postgres:{database}@")),
            (":5432/orders", format!(":5432/{database}")),
            (":27017/orders", format!(":27017/{database}")),
            ("_PASSWORD: \"orders\"", format!("_PASSWORD: \"{database}\"")),
            ("_DB: \"orders\"", format!("_DB: \"{database}\"")),
            ("--dbname=orders", format!("--dbname={database}")),
        ];
        for (hyphen, underscore, krate) in [
            ("order-domain", "order_domain", "domain"),
            ("order-events", "order_events", "events"),
            ("order-views", "order_views", "views"),
        ] {
            renames.push((hyphen, format!("{name}-{krate}")));
            renames.push((underscore, format!("{ident}_{krate}")));
        }
        Self(renames.into_iter().map(|(from, to)| (from.to_owned(), to)).collect())
    }

    /// What holds such words of its own is left as it is.
    pub(crate) fn keeping(mut self, texts: impl IntoIterator<Item = String>) -> Self {
        self.0.splice(0..0, texts.into_iter().map(|text| (text.clone(), text)));
        self
    }

    /// In one go, so that no name is renamed twice, whatever a project is called.
    pub(crate) fn apply(&self, text: &str) -> String {
        let (mut renamed, mut rest) = (String::with_capacity(text.len()), text);
        let next = |rest: &str| {
            let found = self.0.iter().filter_map(|(from, to)| Some((rest.find(from)?, from, to)));
            found.min_by_key(|(at, ..)| *at).map(|(at, from, to)| (at, from.len(), to.clone()))
        };
        while let Some((at, length, to)) = next(rest) {
            renamed.push_str(&rest[..at]);
            renamed.push_str(&to);
            rest = &rest[at + length..];
        }
        renamed + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(name: &str, text: &str) -> String {
        Renames::to(&CrateName::new(name).expect("a name")).apply(text)
    }

    #[test]
    fn each_way_to_write_the_name_is_renamed_and_the_domain_is_not() {
        let text = "order-service order_service::Order ORDER_SERVICE_WRITE order_events order-views Order service \
                    postgres://postgres:orders@127.0.0.1:5432/orders sqlite:data/orders-write.db /orders";
        let expected = "my-shop my_shop::Order MY_SHOP_WRITE my_shop_events my-shop-views My shop \
                        postgres://postgres:my_shop@127.0.0.1:5432/my_shop sqlite:data/my-shop-write.db /orders";
        assert_eq!(renamed("my-shop", text), expected);
    }

    #[test]
    fn a_database_of_the_servers_own_is_not_taken() {
        let text =
            "name: order-service _DB: \"orders\" :5432/orders :27017/orders?replicaSet=rs0 --dbname=orders";
        let expected = "name: admin _DB: \"admin_service\" :5432/admin_service :27017/admin_service?replicaSet=rs0 --dbname=admin_service";
        assert_eq!(renamed("admin", text), expected);
    }

    #[test]
    fn a_name_that_holds_the_demos_is_not_renamed_again() {
        let text = "order-service order-events order_service";
        assert_eq!(
            renamed("order-service-2", text),
            "order-service-2 order-service-2-events order_service_2"
        );
        assert_eq!(renamed("order-events", text), "order-events order-events-events order_events");
    }
}
