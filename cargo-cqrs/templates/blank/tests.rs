use cqrs_testkit::{Spec, ViewSpec};

use super::{Account, AccountId, Balance, Deposit, Deposited};

#[test]
fn a_deposit_of_nothing_is_none() {
    let account = AccountId::generate();
    Spec::<Account>::given(()).when(Deposit { account, cents: 5 }).then(Deposited { cents: 5 });
    Spec::<Account>::given(()).when(Deposit { account, cents: 0 }).then_nothing();
}

#[test]
fn a_balance_is_the_sum_of_what_was_deposited() {
    let account = AccountId::generate();
    ViewSpec::<Balance>::given(&account, [Deposited { cents: 5 }, Deposited { cents: 7 }])
        .then(&account, Balance { cents: 12 });
}
