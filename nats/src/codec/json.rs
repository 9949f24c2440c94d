//! Events as JSON.

use crate::codec::{Codec, DecodeError, EncodeError, Format};
use ringbus::EventType;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Events as JSON: larger and slower than [`Postcard`](crate::Postcard), and everybody can read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

impl Format for Json {
    const ID: u8 = 1;

    fn write<T: Serialize>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, value).map_err(EncodeError::new)
    }

    fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        serde_json::from_slice(bytes).map_err(DecodeError::new)
    }
}

impl<E: Serialize + DeserializeOwned> Codec<E> for Json {
    const ID: u8 = <Self as Format>::ID;

    fn encode(&self, event: &E, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(event, out)
    }

    fn decode(&self, _: EventType, bytes: &[u8]) -> Result<E, DecodeError> {
        self.read(bytes)
    }
}
