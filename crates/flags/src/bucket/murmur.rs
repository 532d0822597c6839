//! MurmurHash3, x86, 32 bits, seed 0: the hash of flagd's buckets. Source: A. Appleby, `MurmurHash3_x86_32`.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// Hashes bytes that come in pieces, as if they lay side by side.
#[derive(Default)]
pub struct Murmur {
    state: u32,
    /// The bytes of a block that is not complete yet, lowest first.
    pending: u32,
    length: u32,
}

impl Murmur {
    pub fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.push(byte);
        }
    }

    fn push(&mut self, byte: u8) {
        let place = self.length % 4;
        self.pending |= u32::from(byte) << (8 * place);
        self.length = self.length.wrapping_add(1);
        if place == 3 {
            self.state = (self.state ^ mix(self.pending)).rotate_left(13);
            self.state = self.state.wrapping_mul(5).wrapping_add(0xe654_6b64);
            self.pending = 0;
        }
    }

    pub fn finish(&self) -> u32 {
        let mut hash = self.state ^ mix(self.pending) ^ self.length;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }
}

fn mix(block: u32) -> u32 {
    block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}
