//! `Operations`.

use tandem_domain::generation::{Generation, GenerationNo};
use tandem_domain::id::MarketplaceId;
use tandem_proto::v1 as pb;
use tandem_proto::v1::operations_server::Operations;
use tandem_runtime::status::Refusal;
use tandem_store::{Missing, UserErasure};
use tonic::{Request, Response, Status};

use crate::desk::{Call, Desk};
use crate::page::{self, Pages};
use crate::refusal::{not_found, nothing_on_serve, refuse};
use crate::{convert, parse};

pub(crate) struct OperationsService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Operations for OperationsService {
    async fn get_generation(
        &self,
        request: Request<pb::GetGenerationRequest>,
    ) -> Result<Response<pb::Generation>, Status> {
        let call = Call::of(request)?;
        let no = parse::operation::generation(&call.body)?;
        let marketplace = &call.principal.marketplace;
        let generation = self.generation(marketplace, no).await?;
        let record = self.desk.store.epoch_record(marketplace, generation.no).await;
        let record = record.map_err(refuse)?;
        let mut answer = convert::generation(generation);
        answer.epoch_record_json = record
            .map(|record| convert::outline(record).to_string())
            .unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn list_generations(
        &self,
        request: Request<pb::ListGenerationsRequest>,
    ) -> Result<Response<pb::ListGenerationsResponse>, Status> {
        let call = Call::of(request)?;
        let size = parse::operation::page_size(&call.body)?;
        let pages = Pages::of(&call.principal, "ListGenerations", &[]);
        let before = pages.open::<GenerationNo>(&call.body.page_token)?;
        let store = &self.desk.store;
        let found = store
            .generations(&call.principal.marketplace, before, size + 1)
            .await;
        let mut generations = found.map_err(refuse)?;
        let next_page_token = page::cut(&pages, &mut generations, size, |generation| generation.no);
        Ok(Response::new(pb::ListGenerationsResponse {
            generations: generations.into_iter().map(convert::generation).collect(),
            next_page_token,
        }))
    }

    async fn trigger_build(
        &self,
        request: Request<pb::TriggerBuildRequest>,
    ) -> Result<Response<pb::Job>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let build = parse::operation::build(call.body)?;
        let job = self
            .desk
            .store
            .enqueue_job_because(&ctx, build.kind, &build.reason)
            .await
            .map_err(refuse)?;
        Ok(Response::new(convert::job(job)))
    }

    async fn rollback_generation(
        &self,
        request: Request<pb::RollbackGenerationRequest>,
    ) -> Result<Response<pb::Job>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let rollback = parse::operation::rollback(call.body)?;
        let store = &self.desk.store;
        let job = store
            .enqueue_rollback(&ctx, rollback.generation, &rollback.reason)
            .await
            .map_err(refuse)?;
        Ok(Response::new(convert::job(job)))
    }

    async fn explain_pair(
        &self,
        request: Request<pb::ExplainPairRequest>,
    ) -> Result<Response<pb::Job>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let pair = parse::operation::pair(&call.body)?;
        let job = self.desk.store.enqueue_job(&ctx, pair).await.map_err(refuse)?;
        Ok(Response::new(convert::job(job)))
    }

    async fn get_job(&self, request: Request<pb::GetJobRequest>) -> Result<Response<pb::Job>, Status> {
        let call = Call::of(request)?;
        let id = parse::operation::job_id(&call.body)?;
        let found = self.desk.store.job(&call.principal.marketplace, &id).await;
        let job = found
            .map_err(refuse)?
            .ok_or_else(|| not_found(&Missing::Job(id)))?;
        Ok(Response::new(convert::job(job)))
    }

    async fn list_dead_letters(
        &self,
        request: Request<pb::ListDeadLettersRequest>,
    ) -> Result<Response<pb::ListDeadLettersResponse>, Status> {
        let call = Call::of(request)?;
        let size = parse::dead_letter::page_size(&call.body)?;
        let pages = Pages::of(&call.principal, "ListDeadLetters", &[]);
        let before = pages.open::<u64>(&call.body.page_token)?;
        let store = &self.desk.store;
        let found = store
            .dead_letters(&call.principal.marketplace, before, size + 1)
            .await;
        let mut letters = found.map_err(refuse)?;
        let next_page_token = page::cut(&pages, &mut letters, size, |letter| letter.id);
        Ok(Response::new(pb::ListDeadLettersResponse {
            dead_letters: letters.iter().map(convert::dead_letter).collect(),
            next_page_token,
        }))
    }

    async fn get_dead_letter(
        &self,
        request: Request<pb::GetDeadLetterRequest>,
    ) -> Result<Response<pb::DeadLetter>, Status> {
        let call = Call::of(request)?;
        let id = parse::dead_letter::id(&call.body)?;
        let store = &self.desk.store;
        let found = store.dead_letter(&call.principal.marketplace, id).await;
        let letter = found
            .map_err(refuse)?
            .ok_or_else(|| not_found(&Missing::DeadLetter(id)))?;
        let mut answer = convert::dead_letter(&letter);
        answer.change_json = letter.letter.change;
        Ok(Response::new(answer))
    }

    async fn replay_dead_letters(
        &self,
        request: Request<pb::ReplayDeadLettersRequest>,
    ) -> Result<Response<pb::ReplayDeadLettersResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let parse::dead_letter::Settlement { ids, reason } = parse::dead_letter::replay(call.body)?;
        let replayed = self.desk.store.replay_dead_letters(&ctx, &ids, &reason).await;
        Ok(Response::new(pb::ReplayDeadLettersResponse {
            replayed_count: replayed.map_err(refuse)?,
        }))
    }

    async fn drop_dead_letters(
        &self,
        request: Request<pb::DropDeadLettersRequest>,
    ) -> Result<Response<pb::DropDeadLettersResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let parse::dead_letter::Settlement { ids, reason } = parse::dead_letter::discard(call.body)?;
        let dropped = self.desk.store.drop_dead_letters(&ctx, &ids, &reason).await;
        Ok(Response::new(pb::DropDeadLettersResponse {
            dropped_count: dropped.map_err(refuse)?,
        }))
    }

    async fn erase_user(
        &self,
        request: Request<pb::EraseUserRequest>,
    ) -> Result<Response<pb::UserErasure>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let parse::user_erasure::Erasure { user, reason } = parse::user_erasure::erasure(call.body)?;
        let erasure = self.desk.store.erase_user(&ctx, &user, &reason).await;
        self.erasure(&ctx.principal.marketplace, erasure.map_err(refuse)?)
            .await
    }

    async fn get_user_erasure(
        &self,
        request: Request<pb::GetUserErasureRequest>,
    ) -> Result<Response<pb::UserErasure>, Status> {
        let call = Call::of(request)?;
        let id = parse::user_erasure::id(&call.body)?;
        let marketplace = &call.principal.marketplace;
        let found = self.desk.store.user_erasure(marketplace, id).await;
        let erasure = found
            .map_err(refuse)?
            .ok_or_else(|| not_found(&Missing::UserErasure(id)))?;
        self.erasure(marketplace, erasure).await
    }
}

impl OperationsService {
    /// An erasure, and what is left of it in the graph.
    async fn erasure(
        &self,
        marketplace: &MarketplaceId,
        erasure: UserErasure,
    ) -> Result<Response<pb::UserErasure>, Status> {
        let stale = self.desk.store.count_stale_products(marketplace).await;
        let answer = convert::user_erasure(&erasure, stale.map_err(refuse)?);
        Ok(Response::new(answer))
    }

    /// A generation, or the one on serve.
    async fn generation(
        &self,
        marketplace: &MarketplaceId,
        no: Option<GenerationNo>,
    ) -> Result<Generation, Refusal> {
        let store = &self.desk.store;
        let found = match no {
            Some(no) => store.generation(marketplace, no).await,
            None => store.serving_generation(marketplace).await,
        };
        found.map_err(refuse)?.ok_or_else(|| match no {
            Some(no) => not_found(&Missing::Generation(no)),
            None => nothing_on_serve(),
        })
    }
}
