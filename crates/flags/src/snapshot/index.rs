//! Keys to places, with a hash that is the same in every process.

/// Open addressing over a table that is at most half full.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// A place plus one; 0 is free. The length is a power of two, or nothing.
    table: Box<[u32]>,
}

impl Index {
    pub fn new<'k>(keys: impl ExactSizeIterator<Item = &'k str>) -> Self {
        let size = (keys.len() * 2).next_power_of_two();
        let mut table = vec![0; size];
        for (place, key) in (1..).zip(keys) {
            let mut slot = hash(key) & (size - 1);
            while table[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = place;
        }
        Self { table: table.into() }
    }

    pub fn find<'f>(&self, key: &str, key_at: impl Fn(usize) -> &'f str) -> Option<usize> {
        let last = self.table.len().checked_sub(1)?;
        let mut slot = hash(key) & last;
        loop {
            let place = usize::try_from(*self.table.get(slot)?).ok()?.checked_sub(1)?;
            if key_at(place) == key {
                return Some(place);
            }
            slot = (slot + 1) & last;
        }
    }
}

/// FNV-1a, 64 bits, folded. Keys are chosen by the owners of the flags, not by who asks: nobody can crowd a slot.
fn hash(key: &str) -> usize {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    (hash ^ (hash >> 32)) as usize
}
