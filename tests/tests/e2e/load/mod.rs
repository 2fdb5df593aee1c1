//! Clients that place orders all the while, whatever happens to the services, and what has to be true of it afterwards.

mod client;
mod clients;
mod outcome;
mod told;

pub(crate) use clients::Clients;
pub(crate) use outcome::check;
