//! The demo as three processes.

use std::{collections::BTreeMap, sync::Arc};

use crate::{http::Client, place::Place, service::Service};

const ROLES: [&str; 3] = ["command", "projector", "query"];

/// One service for each role, on the same stores.
#[derive(Debug)]
pub(crate) struct Fleet {
    place: Arc<Place>,
    running: BTreeMap<&'static str, Service>,
}

impl Fleet {
    /// Starts all of them.
    #[track_caller]
    pub(crate) fn start(place: &Arc<Place>) -> Self {
        let launched = ROLES.map(|role| (role, place.launch(role)));
        Self {
            place: Arc::clone(place),
            running: launched.map(|(role, service)| (role, service.listening())).into(),
        }
    }

    #[track_caller]
    pub(crate) fn service(&self, role: &str) -> &Service {
        self.running.get(role).unwrap_or_else(|| panic!("the {role} service was killed"))
    }

    /// Of the service that takes commands.
    #[track_caller]
    pub(crate) fn command(&self) -> Client {
        self.service("command").client()
    }

    /// Of the service that answers queries.
    #[track_caller]
    pub(crate) fn query(&self) -> Client {
        self.service("query").client()
    }

    /// `kill -9`.
    #[track_caller]
    pub(crate) fn kill(&mut self, role: &str) {
        self.running.remove(role).unwrap_or_else(|| panic!("the {role} service was killed before")).kill();
    }

    /// Starts one that was killed.
    #[track_caller]
    pub(crate) fn start_again(&mut self, role: &'static str) {
        let before = self.running.insert(role, self.place.start(role));
        assert!(before.is_none(), "the {role} service runs already");
    }
}
