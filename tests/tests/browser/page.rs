//! What a person can do on the page.

use serde_json::{Value, json};

use crate::{
    chromium::Chromium,
    devtools::Tab,
    http::Client,
    orders::{cancel, place},
    place::Place,
    service::Service,
};

/// A service with a browser that shows its page.
struct Shown {
    tab: Tab,
    client: Client,
    service: Service,
    _browser: Chromium,
    files: Place,
}

impl Shown {
    fn open() -> Self {
        let files = Place::of_files();
        let mut browser = Chromium::start();
        let service = files.start("all");
        let tab = browser.open(&format!("{}/", service.url()));
        Self { client: service.client(), tab, service, _browser: browser, files }
    }

    /// Clicks "Place order", and returns the order's id, as the newest receipt shows it.
    #[track_caller]
    fn place(&mut self) -> String {
        let receipts = self.tab.value(RECEIPTS).as_u64().expect("a number");
        self.tab.click(&button("Place order"));
        self.tab.wait("there is a receipt", &format!("{RECEIPTS} > {receipts}"));
        self.tab.text("document.querySelector('#receipts li code')")
    }

    #[track_caller]
    fn wait_for_status(&mut self, order: &str, status: &str) {
        let shown = format!("{}?.querySelector('.status').innerText === '{status}'", item(order));
        self.tab.wait(&format!("{order} is shown as {status}"), &shown);
    }

    /// The sums: orders, confirmed, cancelled, total.
    fn sums(&mut self) -> Value {
        self.tab.value("[...document.querySelectorAll('#sums b')].map(it => it.innerText)")
    }

    #[track_caller]
    fn check_nothing_went_wrong(&self) {
        assert_eq!(self.tab.complaints(), [""; 0]);
        let home = format!("{}/", self.service.url());
        let foreign: Vec<_> = self
            .tab
            .requests()
            .into_iter()
            .filter(|url| !url.starts_with(&home) && !url.starts_with("data:"))
            .collect();
        assert_eq!(foreign, [""; 0], "the page asks nobody else");
    }
}

const RECEIPTS: &str = "document.querySelectorAll('#receipts li').length";
const CUSTOMER: &str = "document.getElementById('customer')";
const PROBLEM: &str = "document.querySelector('#problem[role=alert]')";

fn button(name: &str) -> String {
    format!("[...document.querySelectorAll('button')].find(it => it.innerText === {})", json!(name))
}

/// A button of one order, as a screen reader names it.
fn act(name: &str, order: &str) -> String {
    format!("document.querySelector('[aria-label=\"{name} order {order}\"]')")
}

fn item(order: &str) -> String {
    format!("[...document.querySelectorAll('#orders li')].find(it => it.innerText.includes('{order}'))")
}

#[test]
fn orders_are_placed_confirmed_and_cancelled_by_clicking() {
    let mut shown = Shown::open();
    assert_eq!(shown.tab.value("document.title"), "Order service");
    shown.tab.fill(CUSTOMER, "grace");

    let order = shown.place();
    shown.wait_for_status(&order, "placed");
    let placed = shown.client.get(&format!("/orders/{order}")).expect(200).json();
    assert_eq!((&placed["customer_id"], &placed["status"]), (&json!("grace"), &json!("placed")));
    let total = placed["total_cents"].as_i64().expect("cents");
    let price = format!("{}.{:02}", total / 100, total % 100);
    assert!(shown.tab.text(&item(&order)).contains(&price), "it shows the price {price}");
    shown.tab.wait(
        "the query with the token has the change",
        "document.querySelector('#receipts li dd:last-of-type').innerText.includes('has the change')",
    );
    assert_eq!(shown.sums(), json!(["1", "0", "0", price]));

    shown.tab.click(&act("Confirm", &order));
    shown.wait_for_status(&order, "confirmed");
    assert_eq!(shown.client.get(&format!("/orders/{order}")).expect(200).json()["status"], "confirmed");
    assert_eq!(
        shown.tab.value(&format!("{}.disabled", act("Confirm", &order))),
        true,
        "it can't be confirmed again"
    );

    shown.tab.click(&act("Cancel", &order));
    shown.tab.fill("document.getElementById('reason')", "<img src=x onerror=alert(1)> ünnecessary");
    shown.tab.click(&button("Cancel the order"));
    shown.wait_for_status(&order, "cancelled");
    shown.tab.wait("the sums follow", "document.querySelector('#sums').innerText.replace(/\\s+/g, ' ').startsWith('1 orders 0 confirmed 1 cancelled 0.00')");
    let history = shown.client.get(&format!("/orders/{order}/history")).expect(200).json();
    let types: Vec<_> =
        history["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["order_placed", "order_confirmed", "order_cancelled"]);
    assert_eq!(history["events"][2]["data"]["reason"], "<img src=x onerror=alert(1)> ünnecessary");

    shown.tab.click(&act("History", &order));
    shown
        .tab
        .wait("the history is shown", &format!("{}.innerText.includes('order_cancelled')", item(&order)));
    assert!(shown.tab.text(&item(&order)).contains("<img src=x"), "what came in is shown as text");
    assert_eq!(shown.tab.value("document.images.length"), 0);
    shown.check_nothing_went_wrong();
}

#[test]
fn the_page_follows_what_others_do() {
    let mut shown = Shown::open();
    shown.tab.fill(CUSTOMER, "grace");
    shown.tab.wait(
        "there is nothing yet",
        "document.getElementById('orders').innerText.includes('Nothing ordered')",
    );

    let order = place(&shown.client, "grace");
    place(&shown.client, "somebody-else");
    shown.wait_for_status(&order.id, "placed");
    shown.tab.wait("both views have come to the end of the log", "[...document.querySelectorAll('#meter .row')].map(it => it.innerText).filter(it => it.includes('up to date')).length === 2");
    cancel(&shown.client, &order.id);
    shown.wait_for_status(&order.id, "cancelled");
    assert_eq!(shown.sums(), json!(["1", "0", "1", "0.00"]));
    assert!(!shown.tab.text("document.getElementById('orders')").contains("somebody-else"));

    let orders: Vec<_> = (0..15).map(|_| place(&shown.client, "grace").id).collect();
    shown.wait_for_status(&orders[14], "placed");
    assert_eq!(shown.tab.value("document.querySelectorAll('#orders > li').length"), 10);
    shown.tab.click("document.getElementById('more')");
    shown.tab.wait("all are shown", "document.querySelectorAll('#orders > li').length === 16");
    shown.check_nothing_went_wrong();
}

const LIVE: &str = "document.getElementById('live')";

#[test]
fn an_order_that_is_watched_is_told_by_the_stream() {
    let mut shown = Shown::open();
    shown.tab.fill(CUSTOMER, "grace");
    let order = shown.place();
    shown.wait_for_status(&order, "placed");
    shown.tab.wait("it is live", &format!("{LIVE}.innerText.includes('{order}: live')"));
    // Nothing but the stream tells of it: the page asks no more.
    shown.tab.value("clearInterval(following)");
    cancel(&shown.client, &order);
    shown.wait_for_status(&order, "cancelled");
    shown.tab.wait("the sums follow", "document.querySelectorAll('#sums b')[2].innerText === '1'");

    let other = place(&shown.client, "grace").id;
    shown.tab.value("follow()");
    shown.wait_for_status(&other, "placed");
    shown.tab.click(&act("Watch", &other));
    shown.tab.wait("the other one is live", &format!("{LIVE}.innerText.includes('{other}: live')"));
    cancel(&shown.client, &other);
    shown.wait_for_status(&other, "cancelled");
    shown.tab.click(&act("Stop watching", &other));
    shown.tab.wait("nothing is watched", &format!("{LIVE}.hidden"));
    shown.check_nothing_went_wrong();
}

#[test]
fn a_stream_that_is_lost_is_shown_and_comes_back() {
    let Shown { mut tab, client, service, _browser, files } = Shown::open();
    tab.fill(CUSTOMER, "grace");
    let order = place(&client, "grace").id;
    tab.wait("it is shown", &format!("Boolean({})", act("Watch", &order)));
    tab.click(&act("Watch", &order));
    let live = format!("{LIVE}.innerText.includes('{order}: live')");
    tab.wait("it is live", &live);
    let address = service.address().to_owned();
    service.kill();
    tab.wait("the loss is shown", &format!("{LIVE}.innerText.includes('the stream is lost')"));
    let service = files.start_at("all", &address);
    tab.wait("it is live again", &live);
    cancel(&service.client(), &order);
    tab.wait("it is shown", &format!("{}?.querySelector('.status').innerText === 'cancelled'", item(&order)));
    assert_eq!(tab.complaints(), [""; 0]);
}

#[test]
fn a_repeated_command_is_shown_to_have_done_nothing() {
    let mut shown = Shown::open();
    shown.tab.fill(CUSTOMER, "grace");
    let order = shown.place();
    shown.wait_for_status(&order, "placed");
    shown.tab.click(&button("Send it again"));
    shown.tab.wait(
        "it says so",
        "document.querySelector('#receipts .again').innerText.includes('The same answer')",
    );
    assert_eq!(shown.client.get("/customers/grace").expect(200).json()["orders"], 1);
    shown.check_nothing_went_wrong();
}

#[test]
fn a_rejection_is_shown_in_words() {
    let mut shown = Shown::open();
    shown.tab.fill(CUSTOMER, "grace");
    let order = shown.place();
    shown.wait_for_status(&order, "placed");
    assert_eq!(shown.tab.value(&format!("{PROBLEM}.checkVisibility()")), false);

    // Somebody is faster, while the question is open.
    shown.tab.click(&act("Cancel", &order));
    cancel(&shown.client, &order);
    shown.tab.click(&button("Cancel the order"));
    shown
        .tab
        .wait("the rejection is shown", &format!("{PROBLEM}.innerText.includes('order_already_cancelled')"));
    assert!(shown.tab.text(PROBLEM).contains("The order is cancelled already"));
    assert_eq!(shown.tab.value(&format!("{PROBLEM}.checkVisibility()")), true);
    assert_eq!(shown.tab.value(RECEIPTS), 1);

    // Nothing that is typed is silently made into something else.
    shown.tab.fill("document.querySelector('[aria-label=Price]')", "for free");
    shown.tab.click(&button("Place order"));
    shown.tab.wait("the field is named", &format!("{PROBLEM}.innerText.includes('unit_price_cents')"));
    assert!(shown.tab.text(PROBLEM).contains("The order is not valid"));
    assert_eq!(shown.tab.value(RECEIPTS), 1);
    shown.tab.fill("document.querySelector('[aria-label=Price]')", "0.50");
    shown.place();
    assert_eq!(shown.tab.text(PROBLEM), "", "the problem goes when it is mended");

    shown.tab.fill(CUSTOMER, "no id at all");
    shown.tab.wait(
        "the list says why it is empty",
        "document.getElementById('orders').innerText.includes('Not an id')",
    );
    shown.check_nothing_went_wrong();
}

#[test]
fn the_page_says_that_the_service_is_gone() {
    let Shown { mut tab, service, _browser, files: _files, .. } = Shown::open();
    tab.wait("all is well", "document.getElementById('meter').innerText.includes('order_summary')");
    service.kill();
    tab.wait("it says so", "document.getElementById('health').innerText.includes('does not answer')");
    tab.click(&button("Place order"));
    tab.wait("a command says so, too", &format!("{PROBLEM}.innerText.includes('does not answer')"));
    assert_eq!(tab.complaints(), [""; 0]);
}

#[test]
fn the_page_fits_a_telephone() {
    let mut shown = Shown::open();
    let size = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    shown.tab.call("Emulation.setDeviceMetricsOverride", &size);
    let longest = "x".repeat(128);
    shown.tab.fill(CUSTOMER, &longest);
    let order = shown.place();
    shown.wait_for_status(&order, "placed");
    shown.tab.click(&act("History", &order));
    shown.tab.wait("the history is shown", &format!("{}.innerText.includes('order_placed')", item(&order)));
    let widths = shown.tab.value("[document.documentElement.scrollWidth, innerWidth]");
    assert!(widths[0].as_u64() <= widths[1].as_u64(), "nothing sticks out to the side: {widths}");
    shown.check_nothing_went_wrong();
}
