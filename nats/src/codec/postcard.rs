//! Events in postcard's wire format.

use crate::codec::{Codec, DecodeError, EncodeError, Format};
use ringbus::EventType;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Events in the wire format of [postcard](https://docs.rs/postcard): small and fast, and read only
/// by who knows the Rust type. Fields have no names in it, so all processes must have the same
/// version of the type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard;

/// Appends to a `Vec` that is borrowed.
struct Append<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl Format for Postcard {
    const ID: u8 = 2;

    fn write<T: Serialize>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        postcard::serialize_with_flavor(value, Append(out)).map_err(EncodeError::new)
    }

    fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        match postcard::take_from_bytes(bytes).map_err(DecodeError::new)? {
            (value, []) => Ok(value),
            (_, rest) => Err(DecodeError::new(format!("{} bytes too many", rest.len()))),
        }
    }
}

impl<E: Serialize + DeserializeOwned> Codec<E> for Postcard {
    const ID: u8 = <Self as Format>::ID;

    fn encode(&self, event: &E, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(event, out)
    }

    fn decode(&self, _: EventType, bytes: &[u8]) -> Result<E, DecodeError> {
        self.read(bytes)
    }
}
