//! Who is to run which partitions of a projection.

use std::collections::BTreeMap;

use uuid::Uuid;

/// What an application is to do for the partitions to be shared evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Enough,
    /// Take so many of those that nobody holds.
    Take(usize),
    /// Give so many up.
    GiveUp(usize),
}

/// The share of `me`, going by how many each application holds that lives. All of them go by the same rule, and move no more
/// than is needed.
pub(super) fn share(held: &BTreeMap<Uuid, usize>, me: Uuid, partitions: usize) -> Share {
    let members = held.len().max(1);
    let (least, over) = (partitions / members, partitions % members);
    let mine = held.get(&me).copied().unwrap_or(0);
    let others = || held.iter().filter(|(other, _)| **other != me);
    // Those that hold one more than the least: there is room for so many of them.
    let over_before_me = || others().filter(|(other, count)| **count > least && **other < me).count();
    if mine > least + 1 || (mine > least && over == 0) {
        return Share::GiveUp(mine - least - usize::from(over > over_before_me()));
    }
    if mine > least {
        let is_one_too_many = over_before_me() >= over;
        let somebody_lacks = others().any(|(_, count)| *count < least);
        return if is_one_too_many && somebody_lacks { Share::GiveUp(1) } else { Share::Enough };
    }
    if mine < least {
        return Share::Take(least - mine);
    }
    let free = partitions.saturating_sub(held.values().sum());
    let lacking: usize = others().map(|(_, count)| least.saturating_sub(*count)).sum();
    if free > lacking { Share::Take(1) } else { Share::Enough }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everybody looks, then does its share, for as long as there is something to do. Answers with what each holds, and how
    /// many partitions were given up.
    fn settle(mut held: BTreeMap<Uuid, usize>, partitions: usize) -> (Vec<usize>, usize) {
        let mut moved = 0;
        for _ in 0..100 {
            let mut still = true;
            // All see the same, and act on it one after the other: somebody else may have been quicker.
            let seen = held.clone();
            for me in seen.keys() {
                match share(&seen, *me, partitions) {
                    Share::Enough => continue,
                    Share::Take(wanted) => {
                        let free = partitions - held.values().sum::<usize>();
                        *held.get_mut(me).expect("it is a member") += wanted.min(free);
                    }
                    Share::GiveUp(count) => {
                        moved += count;
                        *held.get_mut(me).expect("it is a member") -= count;
                    }
                }
                still = false;
            }
            if still {
                return (held.into_values().collect(), moved);
            }
        }
        panic!("it goes on for ever: {held:?}");
    }

    fn members(counts: &[usize]) -> BTreeMap<Uuid, usize> {
        counts.iter().enumerate().map(|(nth, count)| (Uuid::from_u128(nth as u128), *count)).collect()
    }

    #[test]
    fn a_single_one_takes_all() {
        assert_eq!(settle(members(&[0]), 64), (vec![64], 0));
        assert_eq!(settle(members(&[0]), 1), (vec![1], 0));
    }

    #[test]
    fn partitions_are_shared_evenly_and_no_more_of_them_move_than_have_to() {
        for (before, partitions, moves) in [
            (vec![64, 0], 64, 32),
            (vec![32, 32, 0], 64, 21),
            (vec![0, 32, 32], 64, 21),
            (vec![22, 21, 0], 64, 0),
            (vec![0, 0, 0], 64, 0),
            (vec![4, 0, 0, 0, 0, 0], 4, 3),
            (vec![0, 0, 1], 1, 0),
            (vec![16, 16, 16, 16, 0], 64, 12),
        ] {
            let (mut after, moved) = settle(members(&before), partitions);
            after.sort_unstable();
            assert_eq!(after.iter().sum::<usize>(), partitions, "{before:?}");
            assert!(after[after.len() - 1] - after[0] <= 1, "{before:?}: {after:?}");
            assert!(moved <= moves + 1, "{before:?}: {moved} moved");
        }
    }

    #[test]
    fn whoever_runs_the_only_one_keeps_it() {
        for me in 0..3 {
            let mut held = members(&[0, 0, 0]);
            held.insert(Uuid::from_u128(me), 1);
            assert!(held.keys().all(|member| share(&held, *member, 1) == Share::Enough), "{held:?}");
        }
    }
}
