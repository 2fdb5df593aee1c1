//! Long runs under load, in which much goes wrong: `cargo xtask soak` has them whole, the tests of a change a cut of them.
//!
//! A run takes its chances by a seed, which it tells ([`mod@crate::chance`]). How long it goes on is up to [`Run`].

/// Makes a test of a function that takes a choice of stores: on PostgreSQL a part of all tests, elsewhere of `cargo xtask
/// soak` alone.
macro_rules! soak {
    ($name:ident) => {
        mod sqlite {
            #[test]
            #[ignore = "run by `cargo xtask soak --store sqlite`"]
            fn $name() {
                super::$name($crate::stores::Stores::Sqlite);
            }
        }

        mod postgres {
            #[test]
            fn $name() {
                super::$name($crate::stores::Stores::Postgres);
            }

            /// Events there, views here.
            mod mongo {
                #[test]
                #[ignore = "run by `cargo xtask soak --store mongo`"]
                fn $name() {
                    super::super::$name($crate::stores::Stores::PostgresAndMongo);
                }
            }
        }
    };
}

mod audit;
mod load;
mod run;
mod team;
mod verify;

mod mended;
mod owner_death;
mod poison;
mod projectors;
mod rebuild;

use load::Load;
use run::Run;
