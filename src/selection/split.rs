//! Which shard sends an operation, and what each may spend: the arithmetic of `docs/selection.md`.

use std::num::NonZeroU32;

use sha2::{Digest as _, Sha256};

use crate::model::{OperationId, Quota, Shard};

/// The shard, from 1, that sends an operation when there are `count` of them: the first eight bytes of the SHA-256 of its id,
/// as a big-endian number, modulo `count`, plus one. Its place in the plan, and what else is in it, make no difference.
#[must_use]
pub fn shard_of(id: &OperationId, count: NonZeroU32) -> u32 {
    let hash: [u8; 32] = Sha256::digest(id.as_str().as_bytes()).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    let index = u64::from_be_bytes(first) % u64::from(count.get());
    u32::try_from(index).unwrap_or_default() + 1
}

/// What one shard may send of a quota that all share.
///
/// Of C calls in a window each of N shards gets C / N, rounded down, and one of the remainder each of the lowest shards. Where
/// that would be none for some (C < N), each gets one call in a window that is N / C times as long, rounded up.
#[must_use]
pub fn share(quota: Quota, shard: Shard) -> Quota {
    let (calls, count) = (quota.calls.get(), shard.count());
    let own = calls / count + u32::from(shard.index() <= calls % count);
    match NonZeroU32::new(own).filter(|_| calls >= count) {
        Some(calls) => Quota { calls, ..quota },
        None => Quota { calls: NonZeroU32::MIN, per: quota.per.saturating_mul(count.div_ceil(calls)), ..quota },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{shard_of, share};
    use crate::model::{OperationId, Quota, Shard};
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn shares(quota: &str, count: u32) -> Vec<String> {
        let quota = Quota::parse(quota).expect("legal");
        (1..=count).map(|index| share(quota, Shard::try_new(index, count).expect("legal")).to_string()).collect()
    }

    #[test]
    fn the_remainder_goes_to_the_lowest_and_less_than_one_makes_the_window_longer() {
        assert_eq!(shares("5/1m", 1), ["5 a minute"]);
        assert_eq!(shares("5/1m", 3), ["2 a minute", "2 a minute", "1 a minute"]);
        assert_eq!(shares("6/1m", 3), ["2 a minute", "2 a minute", "2 a minute"]);
        assert_eq!(shares("5/1m", 5), ["1 a minute"; 5]);
        // 6 / 5 is 1.2: with a window of two minutes 6 calls take two, and 10 would be allowed.
        assert_eq!(shares("5/1m", 6), ["1 per 2 min 00 s"; 6]);
        assert_eq!(shares("1/1m", 3), ["1 per 3 min 00 s"; 3]);
    }

    #[test]
    fn the_shard_is_the_hash_that_the_page_names() {
        // printf %s payments/cn-north-4/0/3f2a | sha256sum: computed by hand for the page as well.
        let id = OperationId::parse("payments/cn-north-4/0/3f2a").expect("legal");
        let shard = |count| shard_of(&id, NonZeroU32::new(count).expect("not 0"));
        assert_eq!((shard(1), shard(2), shard(3), shard(1000)), (1, 2, 2, 52));
    }

    proptest! {
        /// In one window (in one of the longer ones, where they are longer) all shards together stay inside the whole.
        #[test]
        fn all_shards_together_stay_inside_the_whole(calls in 1_u32..200, seconds in 1_u64..4000, count in 1_u32..300) {
            let calls = NonZeroU32::new(calls).expect("not 0");
            let whole = Quota { calls, per: Duration::from_secs(seconds), ..Quota::default() };
            let shares: Vec<Quota> =
                (1..=count).map(|index| share(whole, Shard::try_new(index, count).expect("legal"))).collect();
            let per = shares[0].per;
            prop_assert!(shares.iter().all(|share| share.per == per && share.scope == whole.scope));
            let windows = u32::try_from(per.as_secs() / whole.per.as_secs()).expect("small");
            prop_assert_eq!(whole.per * windows, per, "whole windows");
            let together: u32 = shares.iter().map(|share| share.calls.get()).sum();
            prop_assert!(together <= calls.get() * windows);
            if calls.get() >= count {
                prop_assert_eq!((together, windows), (calls.get(), 1), "nothing is lost");
            }
        }
    }
}
