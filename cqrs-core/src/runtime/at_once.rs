use std::{future::poll_fn, pin::Pin, task::Poll};

/// How many are under way at a time.
const MOST: usize = 16;

enum Slot<F: Future> {
    Open(Pin<Box<F>>),
    Done(F::Output),
}

/// Waits for all of these, some at a time, and gives what came of each, in their order: for asking a store once for each of
/// many partitions. Of one that fails, the others go on to their ends. Where this is dropped, what is under way is left alone: a lease
/// that was taken just then runs out by itself.
pub(super) async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut slots: Vec<Slot<F>> = futures.into_iter().map(|future| Slot::Open(Box::pin(future))).collect();
    poll_fn(|context| {
        let mut open = 0;
        for slot in &mut slots {
            let Slot::Open(future) = slot else { continue };
            match future.as_mut().poll(context) {
                Poll::Ready(output) => *slot = Slot::Done(output),
                Poll::Pending => open += 1,
            }
            if open == MOST {
                break;
            }
        }
        if open == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let outputs = slots.into_iter().filter_map(|slot| match slot {
        Slot::Done(output) => Some(output),
        Slot::Open(_) => None,
    });
    outputs.collect()
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn some_are_under_way_at_a_time_and_what_comes_of_them_is_in_their_order() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let answers = at_once((0..40_u64).map(|number| {
            let (running, most) = (&running, &most);
            async move {
                running.set(running.get() + 1);
                most.set(running.get().max(most.get()));
                // Later ones end sooner.
                tokio::time::sleep(Duration::from_millis(40 - number)).await;
                running.set(running.get() - 1);
                number
            }
        }));
        assert_eq!(answers.await, (0..40).collect::<Vec<_>>());
        assert_eq!(most.get(), MOST);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_where_there_is_nothing() {
        assert!(at_once(std::iter::empty::<std::future::Ready<()>>()).await.is_empty());
    }
}
