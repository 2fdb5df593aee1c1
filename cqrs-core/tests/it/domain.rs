//! The domain of these tests: accounts, which people own, and tallies, which exist from the start.

use cqrs_core::prelude::*;

#[derive(Id)]
pub struct AccountId(String);

#[derive(Id)]
pub struct OwnerId(String);

pub fn account(id: impl Into<String>) -> AccountId {
    AccountId::new(id.into()).unwrap()
}

pub fn owner(id: impl Into<String>) -> OwnerId {
    OwnerId::new(id.into()).unwrap()
}

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "account", id = AccountId)]
pub enum AccountEvent {
    Opened(AccountOpened),
    #[event(version = 2, from(1 = DepositedV1))]
    Deposited(Deposited),
    Labelled(Labelled),
    Noted(Noted),
    Cursed(Cursed),
    HandedOver(HandedOver),
    Closed(AccountClosed),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountOpened {
    pub owner: OwnerId,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepositedV1 {
    pub units: i64,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deposited {
    pub amount: i64,
}
impl From<DepositedV1> for Deposited {
    fn from(old: DepositedV1) -> Self {
        Self { amount: old.units * 100 }
    }
}
/// Any JSON; as text it can be an index value, as a list it can't.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    pub label: serde_json::Value,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noted {}
/// A handler of the projections panics on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursed {}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandedOver {
    pub from: OwnerId,
    pub to: OwnerId,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountClosed {
    pub owner: OwnerId,
}

#[derive(Aggregate, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[aggregate(event = AccountEvent, snapshot(every = 5))]
pub struct Account {
    pub owner: OwnerId,
    pub balance: i64,
    /// When the last deposit was recorded.
    pub touched: Option<jiff::Timestamp>,
}

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Open {
    #[command(id)]
    pub account: AccountId,
    pub owner: OwnerId,
}
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Deposit {
    #[command(id)]
    pub account: AccountId,
    pub amount: i64,
}
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Withdraw {
    #[command(id)]
    pub account: AccountId,
    pub amount: i64,
}
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Label {
    #[command(id)]
    pub account: AccountId,
    pub label: serde_json::Value,
}
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Note {
    #[command(id)]
    pub account: AccountId,
}
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Curse {
    #[command(id)]
    pub account: AccountId,
}
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct HandOver {
    #[command(id)]
    pub account: AccountId,
    pub to: OwnerId,
}
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Close {
    #[command(id)]
    pub account: AccountId,
}
/// Leads to no event.
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct Check {
    #[command(id)]
    pub account: AccountId,
}
/// A map, which serialises in any order.
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
pub struct DepositAll {
    #[command(id)]
    pub account: AccountId,
    pub amounts: std::collections::HashMap<String, i64>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the balance is {balance}, less than {amount}")]
pub struct Overdrawn {
    pub balance: i64,
    pub amount: i64,
}

#[handlers(ignore(Labelled, Noted, Cursed))]
impl Account {
    #[command_handler]
    fn open(command: Open) -> AccountOpened {
        AccountOpened { owner: command.owner }
    }

    #[command_handler]
    fn deposit(&self, command: &Deposit) -> Deposited {
        Deposited { amount: command.amount }
    }

    /// Lets others in between load and append.
    #[command_handler]
    async fn withdraw(&self, command: &Withdraw) -> Result<Deposited, Overdrawn> {
        tokio::task::yield_now().await;
        if self.balance < command.amount {
            return Err(Overdrawn { balance: self.balance, amount: command.amount });
        }
        Ok(Deposited { amount: -command.amount })
    }

    #[command_handler]
    fn label(&self, command: Label) -> Labelled {
        Labelled { label: command.label }
    }

    #[command_handler]
    fn note(&self, _: &Note) -> [Noted; 2] {
        [Noted {}, Noted {}]
    }

    #[command_handler]
    fn curse(&self, _: &Curse) -> Cursed {
        Cursed {}
    }

    #[command_handler]
    fn hand_over(&self, command: HandOver) -> Option<HandedOver> {
        (self.owner != command.to).then(|| HandedOver { from: self.owner.clone(), to: command.to })
    }

    #[command_handler]
    fn close(&self, _: &Close) -> AccountClosed {
        AccountClosed { owner: self.owner.clone() }
    }

    #[command_handler]
    fn check(&self, _: &Check) {}

    #[command_handler]
    fn deposit_all(&self, command: &DepositAll) -> Deposited {
        Deposited { amount: command.amounts.values().sum() }
    }

    #[event_handler]
    fn on_opened(event: &AccountOpened) -> Self {
        Self { owner: event.owner.clone(), balance: 0, touched: None }
    }

    #[event_handler]
    fn on_deposited(&mut self, event: &Deposited, metadata: &Metadata) {
        self.balance += event.amount;
        self.touched = Some(metadata.time);
    }

    #[event_handler]
    fn on_handed_over(&mut self, event: &HandedOver) {
        self.owner = event.to.clone();
    }

    #[event_handler]
    fn on_closed(self, _: &AccountClosed) -> Option<Self> {
        None
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
#[event(stream = "tally", id = TallyId)]
pub enum TallyEvent {
    Counted(Counted),
}
#[derive(Id)]
pub struct TallyId(u64);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counted {}

pub fn tally(id: u64) -> TallyId {
    TallyId(id)
}

#[derive(Aggregate, Default)]
#[aggregate(event = TallyEvent, default, services = Limit)]
pub struct Tally {
    count: u64,
}

/// A service: how far a tally may go.
#[derive(Debug)]
pub struct Limit(pub u64);

#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Tally)]
pub struct Count {
    #[command(id)]
    pub tally: TallyId,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit is {0}")]
pub struct Full(pub u64);

#[handlers]
impl Tally {
    #[command_handler]
    fn count(&self, _: &Count, limit: &Limit) -> Result<Counted, Full> {
        if self.count < limit.0 { Ok(Counted {}) } else { Err(Full(limit.0)) }
    }

    #[event_handler]
    fn on_counted(&mut self, _: &Counted) {
        self.count += 1;
    }
}

/// One document for each account. The digest depends on each event, and on their order.
#[derive(Projection, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[projection(name = "balance", events(AccountEvent))]
pub struct Balance {
    #[projection(index)]
    pub owner: String,
    #[projection(index)]
    pub amount: i64,
    #[projection(index)]
    pub label: serde_json::Value,
    pub digest: i64,
}

impl Balance {
    fn mix(&mut self, value: i64) {
        self.digest = self.digest.wrapping_mul(31).wrapping_add(value);
    }
}

#[handlers(ignore(Noted))]
impl Balance {
    #[event_handler]
    fn on_opened(event: &AccountOpened) -> Self {
        Self { owner: event.owner.to_string(), amount: 0, label: serde_json::Value::Null, digest: 7 }
    }

    #[event_handler]
    fn on_deposited(&mut self, event: &Deposited) {
        self.amount += event.amount;
        self.mix(event.amount);
    }

    #[event_handler]
    fn on_labelled(&mut self, event: &Labelled) {
        self.label = event.label.clone();
        self.mix(1);
    }

    #[event_handler]
    fn on_cursed(&mut self, _: &Cursed) {
        // Half done, so that what is stored shows whether the half was dropped.
        self.amount = -1;
        panic!("cursed");
    }

    #[event_handler]
    fn on_handed_over(&mut self, event: &HandedOver) {
        self.owner = event.to.to_string();
        self.mix(2);
    }

    #[event_handler]
    fn on_closed(self, _: &AccountClosed) -> Option<Self> {
        None
    }
}

/// One document for each owner, which events of many streams reach.
#[derive(Projection, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[projection(name = "portfolio", events(AccountOpened, HandedOver, AccountClosed), key = OwnerId, default)]
pub struct Portfolio {
    pub events: u64,
    pub digest: i64,
}

impl Portfolio {
    fn mix(&mut self, value: i64) {
        self.events += 1;
        self.digest = self.digest.wrapping_mul(31).wrapping_add(value);
    }
}

#[handlers]
impl Portfolio {
    #[event_handler(key = event.owner.clone())]
    fn on_opened(&mut self, event: &AccountOpened) {
        self.mix(i64::from(event.owner.to_string().len() == 1) + 3);
    }

    #[event_handler(keys = [event.from.clone(), event.to.clone()])]
    fn on_handed_over(&mut self, event: &HandedOver) {
        self.mix(5);
        assert!(event.to.to_string() != "panic", "handed over to panic");
    }

    #[event_handler(key = event.owner.clone())]
    fn on_closed(mut self, _: &AccountClosed) -> Option<Self> {
        self.mix(11);
        // Now and then an owner goes, and may come back.
        (self.digest % 3 != 0).then_some(self)
    }
}

/// Promises to be quick.
#[derive(Projection, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[projection(name = "prompt", events(AccountEvent), max_lag = "40ms")]
pub struct Prompt {}

#[handlers(ignore(Deposited, Labelled, Noted, Cursed, HandedOver))]
impl Prompt {
    #[event_handler]
    fn on_opened(_: &AccountOpened) -> Self {
        Self {}
    }

    #[event_handler]
    fn on_closed(self, _: &AccountClosed) -> Option<Self> {
        None
    }
}
