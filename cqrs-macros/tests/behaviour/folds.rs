use cqrs_core::{
    domain::{Apply, Feeds, Fold, FoldError, Model, Payload, State},
    envelope::{CommandId, Metadata},
    prelude::*,
};

#[derive(Id)]
struct AccountId(Uuid);

#[derive(Id)]
struct Holder(String);

#[derive(Clone, Serialize, Deserialize)]
struct Opened {
    holder: String,
}
#[derive(Clone, Serialize, Deserialize)]
struct Paid {
    cents: i64,
}
#[derive(Clone, Serialize, Deserialize)]
struct Closed;

#[derive(Event)]
#[event(stream = "account", id = AccountId)]
enum AccountEvent {
    Opened(Opened),
    Paid(Paid),
    Closed(Closed),
}

#[derive(Aggregate, Debug, PartialEq)]
#[aggregate(event = AccountEvent)]
struct Account {
    cents: i64,
}

#[handlers]
impl Account {
    #[event_handler]
    fn on_opened(_event: &Opened) -> Account {
        Self { cents: 0 }
    }

    #[event_handler]
    fn on_paid(mut self, event: &Paid) -> Self {
        self.cents += event.cents;
        self
    }

    #[event_handler]
    fn on_closed(self, _event: &Closed) -> Option<Account> {
        None
    }
}

/// As `Account`, but for one character in a handler.
#[derive(Aggregate, Debug, PartialEq)]
#[aggregate(event = AccountEvent)]
struct Inverted {
    cents: i64,
}

#[handlers]
impl Inverted {
    /// The docs may differ.
    #[event_handler]
    fn on_opened(_event: &Opened) -> Inverted {
        Self { cents: 0 }
    }

    #[event_handler]
    fn on_paid(mut self, event: &Paid) -> Self {
        self.cents -= event.cents;
        self
    }

    #[event_handler]
    fn on_closed(
        // So may comments and layout.
        self,
        _event: &Closed,
    ) -> Option<Inverted> {
        None
    }
}

#[derive(Projection, Serialize, Deserialize, Default, Debug, PartialEq)]
#[projection(events(AccountEvent), key = Holder, default)]
struct Wealth {
    cents: i64,
}

#[handlers]
impl Wealth {
    #[event_handler(key = event.holder.parse()?)]
    fn on_opened(&mut self, _event: &Opened) {}

    #[event_handler(keys = (0..event.cents).map(|number| Holder(format!("holder {number}"))))]
    fn on_paid(&mut self, Paid { cents }: &Paid) {
        self.cents += cents;
    }

    #[event_handler(keys = None)]
    fn on_closed(&mut self, _: &Closed) {}
}

fn metadata() -> Metadata {
    Metadata::of_command(CommandId::generate(), jiff::Timestamp::UNIX_EPOCH)
}

fn fold<M>(events: impl IntoIterator<Item = AccountEvent>) -> Result<State<M>, FoldError>
where
    M: Model,
    AccountEvent: Fold<M>,
{
    events.into_iter().try_fold(State::Absent, |state, event| event.fold(state, &metadata()))
}

fn opened() -> AccountEvent {
    Opened { holder: "ada".into() }.into()
}

#[test]
fn handlers_create_replace_and_remove() {
    assert_eq!(fold([opened(), Paid { cents: 5 }.into()]), Ok(State::Present(Account { cents: 5 })));
    assert_eq!(fold::<Account>([opened(), Closed.into()]), Ok(State::Removed));
    assert_eq!(fold([opened(), Closed.into(), opened()]), Ok(State::Present(Account { cents: 0 })));
}

#[test]
fn an_event_that_does_not_fit_the_state_is_named() {
    let missing = fold::<Account>([Paid { cents: 5 }.into()]);
    assert_eq!(missing, Err(FoldError::Missing { event: "paid", model: "Account" }));
    let exists = fold::<Account>([opened(), opened()]);
    assert_eq!(exists, Err(FoldError::Exists { event: "opened", model: "Account" }));
}

#[test]
fn a_default_model_exists_from_the_start() {
    assert_eq!(Wealth::initial(), Some(Wealth::default()));
    assert_eq!(Account::initial(), None);
    assert_eq!(fold([Paid { cents: 5 }.into()]), Ok(State::Present(Wealth { cents: 5 })));
}

#[test]
fn a_fingerprint_follows_the_code_and_nothing_else() {
    fn handler<M: Apply<E>, E: Payload>() -> u64 {
        <M as Apply<E>>::FINGERPRINT
    }
    assert_ne!(handler::<Account, Paid>(), handler::<Inverted, Paid>());
    assert_ne!(handler::<Account, Paid>(), handler::<Account, Opened>());
    assert_ne!(<AccountEvent as Fold<Account>>::FINGERPRINT, <AccountEvent as Fold<Inverted>>::FINGERPRINT);
    assert_ne!(<Account as Model>::FINGERPRINT, <Inverted as Model>::FINGERPRINT);
    assert_ne!(handler::<Account, Closed>(), handler::<Inverted, Closed>());
}

#[test]
fn keys_come_from_expressions_which_may_fail() {
    let mut keys = Vec::new();
    Fold::<Wealth>::route(&opened(), "any", &mut keys).unwrap();
    Fold::<Wealth>::route(&AccountEvent::from(Paid { cents: 2 }), "any", &mut keys).unwrap();
    Fold::<Wealth>::route(&AccountEvent::from(Closed), "any", &mut keys).unwrap();
    assert_eq!(keys.iter().map(Holder::as_str).collect::<Vec<_>>(), ["ada", "holder 0", "holder 1"]);
    let nameless = AccountEvent::from(Opened { holder: String::new() });
    assert_eq!(Fold::<Wealth>::route(&nameless, "any", &mut keys).unwrap_err().type_name, "Holder");
    assert!(Feeds::<Wealth>::of().iter().all(|feed| !feed.by_stream));
}

#[test]
fn the_streams_id_is_the_key_where_none_is_named() {
    let (id, mut keys) = (AccountId::generate(), Vec::new());
    Fold::<Account>::route(&opened(), &id.to_string(), &mut keys).unwrap();
    assert_eq!(keys, [id]);
    assert!(Fold::<Account>::route(&opened(), "no uuid", &mut keys).is_err());
}
