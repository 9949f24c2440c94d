//! A list of mailboxes of which two versions share nearly all.

use crate::mailbox::Mailbox;
use std::sync::Arc;

/// How many mailboxes a chunk has at most. A change copies one chunk, and a pointer to each of the
/// others.
const CHUNK: usize = 128;

type Chunk<E> = Arc<[Arc<Mailbox<E>>]>;

/// Mailboxes, in the order in which their subscribers came.
#[derive(Debug)]
pub(crate) struct List<E> {
    /// The first chunk, and nearly always the only one. Empty if the list is.
    first: Chunk<E>,
    /// The others, none of which is empty.
    more: Arc<[Chunk<E>]>,
}

impl<E> Clone for List<E> {
    fn clone(&self) -> Self {
        Self { first: Arc::clone(&self.first), more: Arc::clone(&self.more) }
    }
}

impl<E> Default for List<E> {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl<E> List<E> {
    fn of(chunks: Vec<Chunk<E>>) -> Self {
        let mut chunks = chunks.into_iter();
        let first = chunks.next().unwrap_or_default();
        // (An empty slice is not allocated so.)
        let more = if chunks.len() == 0 { Arc::default() } else { chunks.collect() };
        Self { first, more }
    }

    fn to_chunks(&self) -> Vec<Chunk<E>> {
        let mut chunks = Vec::with_capacity(self.more.len() + 2);
        if !self.first.is_empty() {
            chunks.push(Arc::clone(&self.first));
        }
        chunks.extend(self.more.iter().cloned());
        chunks
    }

    /// One more.
    pub(crate) fn with(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        let mut chunks = self.to_chunks();
        match chunks.last_mut() {
            Some(last) if last.len() < CHUNK => *last = last.iter().chain([mailbox]).cloned().collect(),
            _ => chunks.push([Arc::clone(mailbox)].into()),
        }
        Self::of(chunks)
    }

    /// One less, if it is there.
    pub(crate) fn without(&self, mailbox: &Arc<Mailbox<E>>) -> Option<Self> {
        let is_it = |other: &Arc<Mailbox<E>>| Arc::ptr_eq(other, mailbox);
        let place = self.chunks().position(|chunk| chunk.iter().any(is_it))?;
        let mut chunks = self.to_chunks();
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
        Some(Self::of(chunks))
    }

    /// The first chunk: all there is, unless the list [is long](Self::is_long).
    #[inline]
    pub(crate) fn first(&self) -> &[Arc<Mailbox<E>>] {
        &self.first
    }

    /// Whether it has several chunks.
    pub(crate) fn is_long(&self) -> bool {
        !self.more.is_empty()
    }

    /// All of it, in pieces, none of which is empty.
    pub(crate) fn chunks(&self) -> impl DoubleEndedIterator<Item = &[Arc<Mailbox<E>>]> + Clone {
        let first = (!self.first.is_empty()).then_some(&self.first);
        first.into_iter().chain(self.more.iter()).map(|chunk| &**chunk)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks().map(<[_]>::len).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Mailbox<E>>> {
        self.chunks().flatten()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::mailbox::options::{Ring, SubscriberOptions};

    fn any() -> Arc<Mailbox<u64>> {
        let mut options = SubscriberOptions::new("any".into(), Ring::Array);
        options.capacity = 1;
        Arc::new(Mailbox::new(options).0)
    }

    fn assert_are(list: &List<u64>, expected: &[Arc<Mailbox<u64>>]) {
        assert_eq!(list.len(), expected.len());
        assert!(list.iter().zip(expected).all(|(one, other)| Arc::ptr_eq(one, other)));
        assert!(list.chunks().all(|chunk| (1..=CHUNK).contains(&chunk.len())));
    }

    #[test]
    fn list_keeps_its_order_whoever_comes_and_goes() {
        let mut expected = Vec::new();
        let mut list = List::default();
        for step in 0..2_000_usize {
            let is_coming = step < 700 || step % 3 == 0 || expected.is_empty();
            if is_coming {
                let mailbox = any();
                list = list.with(&mailbox);
                expected.push(mailbox);
            } else {
                let leaver = expected.remove(step * 7_919 % expected.len());
                list = list.without(&leaver).expect("it is there");
            }
            assert_are(&list, &expected);
        }
        let chunks = list.chunks().count();
        assert!(chunks <= 1 + 4 * expected.len() / CHUNK, "{chunks} chunks for {}", expected.len());
        let stranger = any();
        assert!(list.without(&stranger).is_none());
        while let Some(last) = expected.pop() {
            list = list.without(&last).expect("it is there");
            assert_are(&list, &expected);
        }
    }

    #[test]
    fn chunks_that_are_nearly_empty_become_one() {
        let mut expected: Vec<_> = (0..8 * CHUNK).map(|_| any()).collect();
        let mut list = expected.iter().fold(List::default(), |before, mailbox| before.with(mailbox));
        // From each chunk in turn.
        for leaver in 0..7 * CHUNK {
            let leaver = expected.remove(leaver * CHUNK % expected.len());
            list = list.without(&leaver).expect("it is there");
            assert_are(&list, &expected);
        }
        let chunks = list.chunks().count();
        assert!(chunks <= 4, "{chunks} chunks for {}", expected.len());
    }

    #[test]
    fn chunk_that_runs_empty_takes_nobody_along() {
        for behind in [1, CHUNK / 2 - 1, CHUNK / 2, CHUNK / 2 + 1, CHUNK, 2 * CHUNK] {
            let mut expected: Vec<_> = (0..CHUNK + behind).map(|_| any()).collect();
            let mut list = List::default();
            for mailbox in &expected {
                list = list.with(mailbox);
            }
            while !expected.is_empty() {
                list = list.without(&expected.remove(0)).expect("it is there");
                assert_are(&list, &expected);
            }
        }
    }

    #[test]
    fn versions_share_all_but_a_chunk() {
        let mut list = List::default();
        for _ in 0..10 * CHUNK {
            list = list.with(&any());
        }
        let leaver = list.iter().nth(5 * CHUNK).map(Arc::clone).unwrap();
        let after = list.without(&leaver).expect("it is there");
        let is_shared = |chunk: &&[_]| list.chunks().any(|other| std::ptr::eq(other, *chunk));
        assert_eq!((list.chunks().count(), after.chunks().filter(is_shared).count()), (10, 9));
    }
}
