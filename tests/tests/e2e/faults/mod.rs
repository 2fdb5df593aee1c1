//! What goes wrong in production, on servers of a test's own that it may kill, with a proxy on each way to them.

/// Makes tests of functions, all with events on PostgreSQL: `each` are run with each choice of the views' server, `alone`
/// where it plays no part, `mongo` where it must be a MongoDB.
macro_rules! fault_tests {
    (each: [$($each:ident),*], alone: [$($alone:ident),*], mongo: [$($mongo:ident),*]) => {
        mod postgres {
            $(#[test]
            fn $each() {
                super::$each($crate::faults::scene::Views::Postgres);
            })*

            $(#[test]
            fn $alone() {
                super::$alone();
            })*

            /// Events there, views here.
            mod mongo {
                $(#[test]
                fn $each() {
                    super::super::$each($crate::faults::scene::Views::Mongo);
                })*

                $(#[test]
                fn $mongo() {
                    super::super::$mongo();
                })*
            }
        }
    };
}

mod scene;

mod killed;
mod network;
mod outages;
mod put_back;
mod terminated;
