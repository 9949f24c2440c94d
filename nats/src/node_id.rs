//! Who a message comes from.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU64;
use std::process;
use std::time::SystemTime;

/// One bridge, from its `connect` to its end: a random number, shown as 16 hexadecimal digits.
///
/// It is drawn anew for each bridge, and so for each restart of a process. Two bridges out of a
/// thousand meet with a probability of 3 in 10^14. It is no secret: who sees one can send in its
/// name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(NonZeroU64);

impl NodeId {
    /// Draws one.
    #[must_use]
    pub(crate) fn random() -> Self {
        // The standard library draws the keys at random, once for a thread. So processes that were
        // forked have the same, but neither the same number nor, some time later, the same time.
        // About one in 2^64 is 0.
        let mut draws = std::iter::repeat_with(|| RandomState::new().hash_one((process::id(), SystemTime::now())));
        draws.find_map(Self::from_bits).expect("the draws do not end")
    }

    /// The node of that number. 0 is none: in an envelope it stands for everybody.
    #[must_use]
    pub(crate) const fn from_bits(bits: u64) -> Option<Self> {
        match NonZeroU64::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The number, which is never 0.
    #[must_use]
    pub(crate) const fn to_bits(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:016x}", self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread;

    #[test]
    fn nodes_of_one_process_differ_whatever_thread_draws_them() {
        let draw = || (0..1_000).map(|_| NodeId::random()).collect::<Vec<_>>();
        let mut nodes = draw();
        nodes.extend(thread::spawn(draw).join().expect("it only draws"));
        assert_eq!(nodes.iter().collect::<HashSet<_>>().len(), 2_000);
    }

    #[test]
    fn every_bit_is_drawn() {
        let nodes: Vec<_> = (0..2_000).map(|_| NodeId::random().to_bits()).collect();
        for bit in 0..u64::BITS {
            let set = nodes.iter().filter(|&node| node >> bit & 1 == 1).count();
            assert!((800..1_200).contains(&set), "bit {bit} is set in {set} of {}", nodes.len());
        }
    }

    #[test]
    fn zero_is_no_node() {
        assert_eq!(NodeId::from_bits(0), None);
        assert_eq!(NodeId::from_bits(7).map(NodeId::to_bits), Some(7));
    }

    #[test]
    fn node_is_shown_as_sixteen_digits_and_can_be_padded() {
        let node = NodeId::from_bits(0xbeef).expect("not 0");
        assert_eq!(node.to_string(), "000000000000beef");
        assert_eq!(format!("{node:>18}|{node:?}"), "  000000000000beef|NodeId(000000000000beef)");
    }
}
