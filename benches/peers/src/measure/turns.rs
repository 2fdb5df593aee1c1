/// The contenders of a round, each time with another one in front, so that none has the same neighbour always.
pub(super) fn turns(contenders: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |place| (place + round) % contenders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contender_has_its_turn_in_every_round() {
        assert_eq!(turns(3, 0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(turns(3, 1).collect::<Vec<_>>(), [1, 2, 0]);
    }
}
