//! Everybody who has subscribed: a list of which two versions share nearly all.

use crate::mailbox::{self, Mailbox};
use std::sync::Arc;

/// How many mailboxes a chunk has at most. A change copies one chunk, and a pointer to each of the
/// others.
const CHUNK: usize = 128;

type Chunk<E> = Arc<[Arc<Mailbox<E>>]>;

/// The mailboxes, in the order in which their subscribers came.
#[derive(Debug)]
pub(crate) struct Subscribers<E> {
    chunks: Box<[Chunk<E>]>,
    /// How many of them a publish must fence for.
    fenced: usize,
}

impl<E> Clone for Subscribers<E> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), fenced: self.fenced }
    }
}

impl<E> Subscribers<E> {
    pub(crate) fn none() -> Self {
        Self { chunks: Box::default(), fenced: 0 }
    }

    /// One more.
    pub(crate) fn with(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        let mut chunks = Vec::with_capacity(self.chunks.len() + 1);
        chunks.extend(self.chunks.iter().cloned());
        match chunks.last_mut() {
            Some(last) if last.len() < CHUNK => *last = last.iter().chain([mailbox]).cloned().collect(),
            _ => chunks.push([Arc::clone(mailbox)].into()),
        }
        Self { chunks: chunks.into(), fenced: self.fenced + usize::from(mailbox.needs_fence()) }
    }

    /// One less, if it is there.
    pub(crate) fn without(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        let is_it = |other: &Arc<Mailbox<E>>| Arc::ptr_eq(other, mailbox);
        let mut chunks = self.chunks.to_vec();
        let mut fenced = self.fenced;
        if let Some(place) = chunks.iter().position(|chunk| chunk.iter().any(is_it)) {
            fenced -= usize::from(mailbox.needs_fence());
            let mut rest: Vec<_> = chunks[place].iter().filter(|other| !is_it(other)).cloned().collect();
            // Two that are nearly empty become one, so that the list does not go to pieces.
            if chunks.get(place + 1).is_some_and(|next| rest.len() + next.len() <= CHUNK / 2) {
                rest.extend(chunks.remove(place + 1).iter().cloned());
            }
            if rest.is_empty() {
                chunks.remove(place);
            } else {
                chunks[place] = rest.into();
            }
        }
        Self { chunks: chunks.into(), fenced }
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Mailbox<E>>> {
        self.chunks().flatten()
    }

    /// The same in pieces.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[Arc<Mailbox<E>>]> {
        self.chunks.iter().map(|chunk| &**chunk)
    }

    /// Stands between the pushes of a publish to some of them and its look at their state words.
    #[inline]
    pub(crate) fn fence_pushes(&self) {
        if self.fenced != 0 {
            mailbox::fence_pushes();
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::mailbox::options::{Ring, SubscriberOptions};

    /// With an array that evicts, a lane, or an array.
    #[cfg(feature = "lane")]
    fn any_ring(number: usize) -> Arc<Mailbox<u64>> {
        use crate::mailbox::options::Overflow;
        let ring = if number % 3 == 2 { Ring::Array } else { Ring::Lane };
        let mut options = SubscriberOptions::new("any".into(), ring);
        options.capacity = 1;
        options.overflow = if number % 3 == 0 { Overflow::DropOldest } else { Overflow::DropNewest };
        Arc::new(Mailbox::new(options).0)
    }

    /// A publish fences exactly as long as there is an array.
    #[cfg(feature = "lane")]
    #[test]
    fn arrays_are_fenced_for_whoever_comes_and_goes() {
        let mut subscribers = Subscribers::none();
        let mut present = Vec::new();
        for number in 0..30 {
            let mailbox = any_ring(number);
            subscribers = subscribers.with(&mailbox);
            present.push((mailbox, number % 3 != 1));
            assert_eq!(subscribers.fenced, present.iter().filter(|(_, is_array)| *is_array).count());
        }
        let stranger = any_ring(0);
        while !present.is_empty() {
            let (leaver, _) = present.remove(present.len() * 7 % 11 % present.len());
            subscribers = subscribers.without(&stranger).without(&leaver);
            assert_eq!(subscribers.fenced, present.iter().filter(|(_, is_array)| *is_array).count());
        }
    }

    fn any() -> Arc<Mailbox<u64>> {
        let mut options = SubscriberOptions::new("any".into(), Ring::Array);
        options.capacity = 1;
        Arc::new(Mailbox::new(options).0)
    }

    fn assert_are(subscribers: &Subscribers<u64>, expected: &[Arc<Mailbox<u64>>]) {
        assert_eq!(subscribers.len(), expected.len());
        assert!(subscribers.iter().zip(expected).all(|(one, other)| Arc::ptr_eq(one, other)));
        assert!(subscribers.chunks().all(|chunk| (1..=CHUNK).contains(&chunk.len())));
    }

    #[test]
    fn list_keeps_its_order_whoever_comes_and_goes() {
        let mut expected = Vec::new();
        let mut subscribers = Subscribers::none();
        for step in 0..2_000_usize {
            let is_coming = step < 700 || step % 3 == 0 || expected.is_empty();
            if is_coming {
                let mailbox = any();
                subscribers = subscribers.with(&mailbox);
                expected.push(mailbox);
            } else {
                let leaver = expected.remove(step * 7_919 % expected.len());
                subscribers = subscribers.without(&leaver);
            }
            assert_are(&subscribers, &expected);
        }
        let chunks = subscribers.chunks().count();
        assert!(chunks <= 1 + 4 * expected.len() / CHUNK, "{chunks} chunks for {}", expected.len());
        let stranger = any();
        assert_are(&subscribers.without(&stranger), &expected);
        while let Some(last) = expected.pop() {
            subscribers = subscribers.without(&last);
            assert_are(&subscribers, &expected);
        }
    }

    #[test]
    fn chunks_that_are_nearly_empty_become_one() {
        let mut expected: Vec<_> = (0..8 * CHUNK).map(|_| any()).collect();
        let mut subscribers = expected.iter().fold(Subscribers::none(), |before, mailbox| before.with(mailbox));
        // From each chunk in turn.
        for leaver in 0..7 * CHUNK {
            let leaver = expected.remove(leaver * CHUNK % expected.len());
            subscribers = subscribers.without(&leaver);
            assert_are(&subscribers, &expected);
        }
        let chunks = subscribers.chunks().count();
        assert!(chunks <= 4, "{chunks} chunks for {}", expected.len());
    }

    #[test]
    fn chunk_that_runs_empty_takes_nobody_along() {
        for behind in [1, CHUNK / 2 - 1, CHUNK / 2, CHUNK / 2 + 1, CHUNK, 2 * CHUNK] {
            let mut expected: Vec<_> = (0..CHUNK + behind).map(|_| any()).collect();
            let mut subscribers = Subscribers::none();
            for mailbox in &expected {
                subscribers = subscribers.with(mailbox);
            }
            while !expected.is_empty() {
                subscribers = subscribers.without(&expected.remove(0));
                assert_are(&subscribers, &expected);
            }
        }
    }

    #[test]
    fn versions_share_all_but_a_chunk() {
        let mut subscribers = Subscribers::none();
        for _ in 0..10 * CHUNK {
            subscribers = subscribers.with(&any());
        }
        let leaver = subscribers.iter().nth(5 * CHUNK).map(Arc::clone).unwrap();
        let after = subscribers.without(&leaver);
        let shared = after
            .chunks
            .iter()
            .filter(|chunk| subscribers.chunks.iter().any(|other| Arc::ptr_eq(chunk, other)))
            .count();
        assert_eq!((subscribers.chunks.len(), shared), (10, 9));
    }
}
