//! An account: what happens to it, what it decides, and what is shown of it.
use cqrs_core::prelude::*;
use cqrs_sqlite::{SqliteEventStore, SqliteViewStore};
#[cfg(test)]
mod tests;

#[derive(Id)]
struct AccountId(Uuid);
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Deposited {
    cents: u32,
}
#[derive(Event, Debug, PartialEq)]
#[event(stream = "account", id = AccountId)]
enum AccountEvent {
    Deposited(Deposited),
}

#[derive(Aggregate, Default)]
#[aggregate(event = AccountEvent, default)] // Before its first event it is `Account::default()`.
struct Account;
#[derive(Command, Serialize, Deserialize)]
#[command(aggregate = Account)]
struct Deposit {
    #[command(id)]
    account: AccountId,
    cents: u32,
}
#[handlers(ignore(Deposited))] // That event changes nothing which decisions depend on.
impl Account {
    #[command_handler]
    fn deposit(&self, command: Deposit) -> Option<Deposited> {
        (command.cents > 0).then_some(Deposited { cents: command.cents })
    }
}
#[derive(Projection, Debug, Default, PartialEq, Serialize, Deserialize)]
#[projection(name = "balance", events(AccountEvent), default)] // It begins as `Balance::default()`.
struct Balance {
    cents: u64,
}
#[handlers]
impl Balance {
    #[event_handler]
    fn on_deposited(&mut self, event: &Deposited) {
        self.cents += u64::from(event.cents);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (log, views) = (SqliteEventStore::open("data/log").await?, SqliteViewStore::open("data/view").await?);
    let app = App::builder(log).projection::<Balance>(views.clone()).build().await?;
    let account = AccountId::generate();
    let receipt = app.execute(Deposit { account, cents: 4_200 }).await?;
    let balance = app.view::<Balance>(&account).at_least(&receipt.token).await?.into_value();
    println!("{account} has {} cents", balance.map_or(0, |balance| balance.cents));
    app.shutdown().await;
    Ok(())
}
