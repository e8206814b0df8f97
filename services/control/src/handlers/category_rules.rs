//! `CategoryRules`.

use tandem_domain::id::MarketplaceId;
use tandem_domain::principal::{Principal, Scope};
use tandem_domain::rule::{RuleKey, StandingRule};
use tandem_proto::v1 as pb;
use tandem_proto::v1::category_rules_server::CategoryRules;
use tandem_runtime::status::Refusal;
use tandem_store::{Missing, RuleQuery};
use tonic::{Request, Response, Status};

use crate::access::require;
use crate::desk::{Call, Desk};
use crate::page::{self, Pages};
use crate::refusal::{not_found, refuse};
use crate::{convert, parse};

pub(crate) struct CategoryRulesService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl CategoryRules for CategoryRulesService {
    async fn get_category_rule(
        &self,
        request: Request<pb::GetCategoryRuleRequest>,
    ) -> Result<Response<pb::CategoryRule>, Status> {
        let call = Call::of(request)?;
        let key = parse::category_rule::key(&call.body)?;
        let found = self.desk.store.category_rule(&call.principal, &key).await;
        let found = found
            .map_err(refuse)?
            .ok_or_else(|| not_found(&Missing::CategoryRule(key)))?;
        self.told(&call.principal, found).await
    }

    async fn list_category_rules(
        &self,
        request: Request<pb::ListCategoryRulesRequest>,
    ) -> Result<Response<pb::ListCategoryRulesResponse>, Status> {
        let call = Call::of(request)?;
        let (anchor, size) = parse::category_rule::listing(&call.body)?;
        let of_anchor = &call.body.anchor_category_id;
        let pages = Pages::of(&call.principal, "ListCategoryRules", &[of_anchor]);
        let query = RuleQuery {
            anchor,
            after: pages.open::<RuleKey>(&call.body.page_token)?,
            limit: size + 1,
        };
        let found = self.desk.store.category_rules(&call.principal, &query).await;
        let mut found = found.map_err(refuse)?;
        let next_page_token = page::cut(&pages, &mut found, size, |standing| standing.rule.key.clone());
        let built = self.built_under(&call.principal.marketplace).await?;
        let rules = found
            .into_iter()
            .map(|standing| convert::category_rule(standing, built));
        Ok(Response::new(pb::ListCategoryRulesResponse {
            category_rules: rules.collect(),
            next_page_token,
        }))
    }

    async fn update_category_rule(
        &self,
        request: Request<pb::UpdateCategoryRuleRequest>,
    ) -> Result<Response<pb::CategoryRule>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let update = parse::category_rule::update(call.body)?;
        require(&call.principal, needed(&update.rule.key))?;
        let updated = self.desk.store.update_category_rule(&ctx, &update).await;
        self.told(&call.principal, updated.map_err(refuse)?).await
    }

    async fn delete_category_rule(
        &self,
        request: Request<pb::DeleteCategoryRuleRequest>,
    ) -> Result<Response<pb::DeleteCategoryRuleResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let asked = parse::category_rule::deletion(call.body)?;
        require(&call.principal, needed(&asked.key))?;
        let store = &self.desk.store;
        let deleted = store
            .delete_category_rule(&ctx, &asked.key, asked.etag, &asked.reason)
            .await;
        Ok(Response::new(pb::DeleteCategoryRuleResponse {
            deleted: deleted.map_err(refuse)?,
        }))
    }
}

/// The scope that a change of a rule needs.
const fn needed(key: &RuleKey) -> Scope {
    match key.shop {
        Some(_) => Scope::LinksWrite,
        None => Scope::OpsAdmin,
    }
}

impl CategoryRulesService {
    async fn told(
        &self,
        principal: &Principal,
        standing: StandingRule,
    ) -> Result<Response<pb::CategoryRule>, Status> {
        let built = self.built_under(&principal.marketplace).await?;
        Ok(Response::new(convert::category_rule(standing, built)))
    }

    /// The version of the rules that the generation on serve was built under.
    async fn built_under(&self, marketplace: &MarketplaceId) -> Result<u64, Refusal> {
        let serving = self.desk.store.serving_generation(marketplace).await;
        let serving = serving.map_err(refuse)?;
        Ok(serving.map_or(0, |serving| serving.stats.rules_version))
    }
}
