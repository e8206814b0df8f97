//! [`Publishes`] on Redis.

use ::redis::{Pipeline, cmd};
use async_trait::async_trait;
use bytes::Bytes;
use tandem_domain::generation::Manifest;
use tandem_domain::id::MarketplaceId;

use super::RedisCache;
use super::keys::{Keys, index_name};
use super::script::PUBLISH;
use crate::codec;
use crate::error::CacheError;
use crate::port::{Publishes, RecordKey, Result};

/// Bytes sent in one round trip, about; an answer must come within the response timeout.
const LOT_BYTES: usize = 1 << 20;
/// Records sent in one round trip, and named in one lot of the index.
const LOT: usize = 500;
const DROPPING: &str = "dropping a segment";

#[async_trait]
impl Publishes for RedisCache {
    async fn put_records(
        &self,
        marketplace: &MarketplaceId,
        segment: u64,
        records: &[(RecordKey, Bytes)],
    ) -> Result<()> {
        let keys = Keys::of(marketplace);
        for lot in lots(records) {
            let names: Vec<String> = lot.iter().map(|(key, _)| index_name(key)).collect();
            let names = names.join("\n");
            let digest = blake3::hash(names.as_bytes());
            let mut put = Pipeline::with_capacity(lot.len() + 2);
            // Named before they are put, so that none is ever out of reach; putting them again changes nothing.
            put.cmd("SADD").arg(keys.segments()).arg(segment).ignore();
            put.cmd("HSET")
                .arg(keys.index(segment))
                .arg(&digest.as_bytes()[..16])
                .arg(names)
                .ignore();
            for (key, bytes) in lot {
                put.cmd("SET")
                    .arg(keys.record(segment, key))
                    .arg(&bytes[..])
                    .ignore();
            }
            self.link.ask_all::<()>("putting records", &put).await?;
        }
        Ok(())
    }

    async fn publish_manifest(
        &self,
        marketplace: &MarketplaceId,
        fence: u64,
        manifest: &Manifest,
    ) -> Result<()> {
        let keys = Keys::of(marketplace);
        let mut publish = PUBLISH.call([&*keys.feed(), &*keys.pointer()]);
        publish
            .arg(fence)
            .arg(&codec::encode_manifest(manifest)[..])
            .arg(manifest.generation.0);
        let standing: Option<u64> = self.link.ask("publishing a generation", &publish).await?;
        match standing {
            Some(theirs) => Err(CacheError::Fenced { ours: fence, theirs }),
            None => Ok(()),
        }
    }

    async fn drop_segment(&self, marketplace: &MarketplaceId, segment: u64) -> Result<u64> {
        let keys = Keys::of(marketplace);
        let (mut dropped, mut cursor) = (0, "0".to_owned());
        loop {
            let mut scan = cmd("HSCAN");
            scan.arg(keys.index(segment)).arg(&cursor).arg("COUNT").arg(4);
            let (next, lots): (String, Vec<(Bytes, String)>) = self.link.ask(DROPPING, &scan).await?;
            for (_, names) in lots {
                dropped += self.unlink(&keys, segment, &names).await?;
            }
            if next == "0" {
                break;
            }
            cursor = next;
        }
        // The index goes last: dropping a segment that was dropped half-way starts over.
        let mut forget = Pipeline::new();
        forget.cmd("UNLINK").arg(keys.index(segment)).ignore();
        forget.cmd("SREM").arg(keys.segments()).arg(segment).ignore();
        self.link.ask_all::<()>(DROPPING, &forget).await?;
        Ok(dropped)
    }

    async fn segments(&self, marketplace: &MarketplaceId) -> Result<Vec<u64>> {
        let mut members = cmd("SMEMBERS");
        members.arg(Keys::of(marketplace).segments());
        let mut segments: Vec<u64> = self.link.ask("listing segments", &members).await?;
        segments.sort_unstable();
        Ok(segments)
    }
}

impl RedisCache {
    async fn unlink(&self, keys: &Keys, segment: u64, names: &str) -> Result<u64> {
        let names = names.split('\n').filter_map(|name| keys.indexed(segment, name));
        let mut unlink = Pipeline::new();
        for name in names {
            unlink.cmd("UNLINK").arg(name);
        }
        let gone: Vec<u64> = self.link.ask_all(DROPPING, &unlink).await?;
        Ok(gone.into_iter().sum())
    }
}

/// Cuts records into lots that are bounded in number and, but for single giants, in bytes.
fn lots(records: &[(RecordKey, Bytes)]) -> impl Iterator<Item = &[(RecordKey, Bytes)]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take(LOT).take_while(|(_, record)| {
            let first = bytes == 0;
            bytes += record.len() + 64;
            first || bytes <= LOT_BYTES
        });
        let (lot, after) = rest.split_at(fits.count());
        rest = after;
        (!lot.is_empty()).then_some(lot)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_hold_everything_in_order_and_are_bounded() {
        let sizes = [10, LOT_BYTES * 2, LOT_BYTES / 2, LOT_BYTES / 2, 0].into_iter();
        let records: Vec<_> = sizes
            .chain(std::iter::repeat_n(1, 1_200))
            .map(|size| (RecordKey::Bestsellers(None), Bytes::from(vec![0; size])))
            .collect();
        let lots: Vec<_> = lots(&records).collect();
        assert_eq!(lots.concat(), records);
        let sizes: Vec<_> = lots.iter().map(|lot| lot.len()).collect();
        assert_eq!(sizes, [1, 1, 1, 500, 500, 202]);
    }
}
