//! One part of a run that is split over several processes.

use std::fmt;

use super::id::InvalidValue;

/// Shard `K/N`: the K-th of N parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// The most shards that a run may be split into.
    pub const MOST: u32 = 10_000;

    /// Shard `index` (from 1) of `count`.
    ///
    /// # Errors
    /// When `count` is not from 1 to [`Shard::MOST`], or `index` not from 1 to `count`.
    pub fn try_new(index: u32, count: u32) -> Result<Self, InvalidValue> {
        if count == 0 || count > Self::MOST {
            return Err(InvalidValue::new("a shard", format!("is one of 1 to {} shards", Self::MOST)));
        }
        if index == 0 || index > count {
            return Err(InvalidValue::new("a shard", format!("of {count} has a number from 1 to {count}")));
        }
        Ok(Self { index, count })
    }

    /// Reads `K/N`.
    ///
    /// # Errors
    /// As [`Shard::try_new`], and when it is not two whole numbers.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let shape = || InvalidValue::new("a shard", "is K/N, such as `1/3`: the first of three");
        let (index, count) = text.split_once('/').ok_or_else(shape)?;
        let number = |text: &str| text.trim().parse().map_err(|_| shape());
        Self::try_new(number(index)?, number(count)?)
    }

    /// Which one, from 1.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// Of how many.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn a_shard_is_a_number_of_a_number() {
        for (text, shown) in [("1/1", "1/1"), ("2/3", "2/3"), (" 10000 / 10000", "10000/10000")] {
            assert_eq!(Shard::parse(text).expect(text).to_string(), shown);
        }
        for (text, part) in [
            ("", "is K/N"),
            ("1", "is K/N"),
            ("x/3", "is K/N"),
            ("1/-3", "is K/N"),
            ("0/3", "from 1 to 3"),
            ("4/3", "from 1 to 3"),
            ("1/0", "1 to 10000 shards"),
            ("1/10001", "1 to 10000 shards"),
        ] {
            let error = Shard::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
