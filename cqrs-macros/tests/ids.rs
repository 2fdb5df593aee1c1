//! What `#[derive(Id)]` promises.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeSet, HashSet};

use cqrs_core::prelude::{Id, IdError, Uuid};

#[derive(Id)]
struct OrderId(Uuid);

#[derive(Id)]
struct CustomerId(String);

#[derive(Id)]
#[id(validate = lower_case)]
struct Sku(String);

#[derive(Id)]
#[id(validate = rules::even)]
struct Even(i64);

#[derive(Id)]
struct Count(u8);

#[derive(Id)]
#[id(validate = random)]
struct RandomId(Uuid);

fn lower_case(text: &str) -> Result<(), String> {
    if text.chars().all(|letter| letter.is_ascii_lowercase()) {
        Ok(())
    } else {
        Err(format!("{text} shouts"))
    }
}

mod rules {
    pub(super) fn even(number: i64) -> Result<(), &'static str> {
        if number % 2 == 0 { Ok(()) } else { Err("it is odd") }
    }
}

fn random(uuid: Uuid) -> Result<(), &'static str> {
    if uuid.get_version_num() == 4 { Ok(()) } else { Err("it is not random") }
}

fn round_trip<I: Id>(id: &I, json: &str) {
    assert_eq!(id.to_string().parse::<I>().as_ref(), Ok(id));
    assert_eq!(serde_json::to_string(id).unwrap(), json);
    assert_eq!(&serde_json::from_str::<I>(json).unwrap(), id);
    let owned: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(&serde_json::from_value::<I>(owned).unwrap(), id);
}

#[test]
fn ids_survive_text_and_json_numbers_as_numbers_and_others_as_text() {
    let uuid = Uuid::from_u128(7);
    round_trip(&OrderId::from(uuid), "\"00000000-0000-0000-0000-000000000007\"");
    round_trip(&CustomerId::new("ada/\"1\"").unwrap(), r#""ada/\"1\"""#);
    round_trip(&Sku::new("bolt").unwrap(), "\"bolt\"");
    round_trip(&Even::try_from(-2).unwrap(), "-2");
    round_trip(&Count::from(255), "255");
}

#[test]
fn ids_give_back_what_they_hold() {
    assert_eq!(OrderId::from(Uuid::from_u128(7)).as_uuid(), Uuid::from_u128(7));
    assert_eq!(CustomerId::new("ada").unwrap().as_str(), "ada");
    assert_eq!(Count::from(9).get(), 9);
    assert_eq!(format!("{:?}", Count::from(9)), "Count(9)");
}

#[test]
fn generated_ids_are_new_and_sort_by_time() {
    let ids: Vec<OrderId> = (0..100).map(|_| OrderId::generate()).collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 100);
    assert_eq!(ids[0].as_uuid().get_version_num(), 7);
    assert!(CustomerId::generate().as_str().parse::<Uuid>().is_ok());
}

#[test]
fn text_that_no_store_takes_is_refused_and_named() {
    for (text, reason) in [
        (String::new(), "it is empty"),
        ("x".repeat(256), "it is longer than 255 bytes"),
        ("a\nb".to_owned(), "it has a control character"),
    ] {
        let error: IdError = text.parse::<CustomerId>().unwrap_err();
        assert_eq!((error.type_name, error.reason.as_str()), ("CustomerId", reason));
        assert_eq!(CustomerId::new(text.as_str()), Err(error.clone()));
        assert_eq!(CustomerId::try_from(text.as_str()), Err(error.clone()));
        assert_eq!(CustomerId::try_from(text.clone()), Err(error.clone()));
        let json = serde_json::to_string(&text).unwrap();
        let refused = serde_json::from_str::<CustomerId>(&json).unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
    assert!(CustomerId::new("x".repeat(255)).is_ok());
}

#[test]
fn the_types_own_check_holds_on_every_way_in() {
    let error = Sku::new("BOLT").unwrap_err();
    assert_eq!(error.to_string(), r#""BOLT" is no Sku: BOLT shouts"#);
    assert_eq!("BOLT".parse::<Sku>(), Err(error));
    assert!(Sku::new("").is_err(), "the rules for all ids hold as well");
    assert!(serde_json::from_str::<Sku>("\"BOLT\"").is_err());

    assert_eq!(Even::try_from(3).unwrap_err().to_string(), r#""3" is no Even: it is odd"#);
    assert!("3".parse::<Even>().is_err());
    assert!(serde_json::from_str::<Even>("3").unwrap_err().to_string().contains("it is odd"));

    assert!(RandomId::try_from(Uuid::from_u128(0x6a1f_6c53_0f5e_4d0b_9d43_3c1c_7b0e_5a11)).is_ok());
    assert!(RandomId::try_from(Uuid::now_v7()).is_err());
    assert!(Uuid::now_v7().to_string().parse::<RandomId>().is_err());
    assert!(RandomId::try_from(Uuid::nil()).unwrap_err().text.starts_with("00000000-"));
}

#[test]
fn text_of_another_kind_is_refused() {
    assert_eq!("no uuid".parse::<OrderId>().unwrap_err().type_name, "OrderId");
    assert_eq!("256".parse::<Count>().unwrap_err().type_name, "Count");
    assert!("-1".parse::<Count>().is_err());
    assert!(serde_json::from_str::<Count>("256").is_err());
    assert!(serde_json::from_str::<Count>("\"1\"").is_err());
    assert!(serde_json::from_str::<OrderId>("7").is_err());
}

#[test]
fn ids_compare_as_what_they_hold() {
    let ids: BTreeSet<_> = [10, 9, 100].into_iter().map(Count::from).collect();
    assert_eq!(ids.iter().map(Count::get).collect::<Vec<_>>(), [9, 10, 100]);
    let copied = Count::from(1);
    assert_eq!((copied, copied), (copied, copied));
}
