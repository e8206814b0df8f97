//! Request ids: the first answer, stored in the transaction that gave it.

use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Tx;
use crate::context::{RequestId, WriteContext};
use crate::error::{Result, StoreError};

#[derive(FromQueryResult)]
struct Answered {
    body_hash: Vec<u8>,
    answer: String,
}

/// What a request id stands for.
pub(crate) enum Claim<T> {
    /// Nobody used it: the caller does the work and gives the [`answer`].
    First,
    /// It was answered before.
    Answered(T),
    /// This transaction claimed it and has not answered yet.
    Pending,
}

/// Runs `body` unless `request` was answered before.
pub(super) async fn once<T, F>(
    tx: &Tx,
    ctx: &WriteContext,
    request: &RequestId,
    body: impl FnOnce() -> F,
) -> Result<T>
where
    T: Serialize + DeserializeOwned,
    F: Future<Output = Result<T>>,
{
    match claim(tx, ctx, request).await? {
        Claim::Answered(value) => Ok(value),
        Claim::Pending => Err(StoreError::Busy { during: "answer" }),
        Claim::First => {
            let value = body().await?;
            answer(tx, ctx, request, &value).await?;
            Ok(value)
        }
    }
}

/// Claims a request id.
///
/// Two transactions cannot both insert its row: the second waits until the first commits, and finds the answer, or
/// until it fails, and takes its place.
pub(crate) async fn claim<T: DeserializeOwned>(
    tx: &Tx,
    ctx: &WriteContext,
    request: &RequestId,
) -> Result<Claim<T>> {
    let first = tx
        .execute(
            "INSERT INTO request_ids (marketplace_id, shop_id, subject, method, request_id, body_hash, answer, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, '', $7) ON CONFLICT DO NOTHING",
            key(ctx, request).into_iter().chain([request.body_hash.to_vec().into(), ctx.now.as_ms().into()]),
        )
        .await?
        == 1;
    if first {
        return Ok(Claim::First);
    }
    let answered = tx
        .one(
            "SELECT body_hash, answer FROM request_ids WHERE marketplace_id = $1 AND shop_id = $2
             AND subject = $3 AND method = $4 AND request_id = $5",
            key(ctx, request),
        )
        .await?;
    // Gone in between: its lifetime ended. The next attempt is the first again.
    answered.map_or(Err(StoreError::Busy { during: "answer" }), |row| {
        again(row, request)
    })
}

/// Keeps the answer to a claimed request id.
pub(crate) async fn answer<T: Serialize>(
    tx: &Tx,
    ctx: &WriteContext,
    request: &RequestId,
    value: &T,
) -> Result<()> {
    let answer = serde_json::to_string(value).map_err(corrupt)?;
    tx.execute(
        "UPDATE request_ids SET answer = $6 WHERE marketplace_id = $1 AND shop_id = $2
         AND subject = $3 AND method = $4 AND request_id = $5",
        key(ctx, request).into_iter().chain([answer.into()]),
    )
    .await?;
    Ok(())
}

fn key(ctx: &WriteContext, request: &RequestId) -> [Value; 5] {
    let principal = &ctx.principal;
    [
        principal.marketplace.as_str().into(),
        principal.shop.as_ref().map_or("", |shop| shop.as_str()).into(),
        principal.subject.as_str().into(),
        request.method.into(),
        request.id.as_str().into(),
    ]
}

fn again<T: DeserializeOwned>(row: Answered, request: &RequestId) -> Result<Claim<T>> {
    if row.body_hash != request.body_hash {
        return Err(StoreError::RequestIdReused);
    }
    if row.answer.is_empty() {
        return Ok(Claim::Pending);
    }
    serde_json::from_str(&row.answer)
        .map(Claim::Answered)
        .map_err(corrupt)
}

fn corrupt(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        what: "answer",
        why: error.to_string(),
    }
}
