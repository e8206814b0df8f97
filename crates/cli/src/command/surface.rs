//! `tandem surface`: what lists are made of, and what they were made of before.

mod set;
mod show;
mod stock;

use anyhow::Result;
use clap::{Args, Subcommand};
use tandem_client::Connection;
use tandem_proto::v1 as pb;
use tandem_proto::v1::surfaces_client::SurfacesClient;
use tandem_proto::v1::{
    DeleteSurfaceRequest, GetSurfaceRequest, ListSurfaceRevisionsRequest, ListSurfacesRequest,
    RollbackSurfaceRequest,
};
use tonic::Code;

pub use set::{Scope, Set, Stale, Step};
pub use stock::{PolicyName, PoolName, StockFlags};

use crate::args::Common;
use crate::client::explain;
use crate::output;

/// What to do with serving configurations.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem surface list\n  tandem surface get cart\n  tandem surface set cart --size 8 --max-per-brand 2\n  tandem surface history cart\n  tandem surface rollback cart 3 --reason 'fewer clicks'"
)]
pub enum Surface {
    /// All of them, by id.
    #[command(after_help = "Examples:\n  tandem surface list\n  tandem surface list --json")]
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        size: i32,
        /// Go on where an earlier page ended.
        #[arg(long, default_value = "", hide_default_value = true)]
        page_token: String,
    },
    /// One of them, whole.
    #[command(after_help = "Examples:\n  tandem surface get cart\n  tandem surface get cart --json")]
    Get {
        /// Its id.
        id: String,
    },
    /// Change one, or make one. It is in force in every gateway moments later.
    #[command(
        after_help = "Examples:\n  tandem surface set cart --size 8 --max-per-brand 2 --reason 'more variety'\n  tandem surface set live_room --relation complement=6 --relation upsell --price-percent 50..180\n  tandem surface set mini_app --create --shop-scope same_shop\n  tandem surface set cart --no-max-per-brand --etag 7\n  tandem surface set live_room --anchor-rule suspend_bundles=critical --companion-rule replace=low\n  tandem surface set mall --counts tracked,pre_order --pools normal,promotion"
    )]
    Set(Box<Set>),
    /// Every version of one, newest first.
    #[command(
        after_help = "Examples:\n  tandem surface history cart\n  tandem surface history cart --size 5 --json"
    )]
    History {
        /// Its id.
        id: String,
        /// How many.
        #[arg(long, default_value_t = 50)]
        size: i32,
        /// Go on where an earlier page ended.
        #[arg(long, default_value = "", hide_default_value = true)]
        page_token: String,
    },
    /// Put one back to what it was at a version, as a new version.
    #[command(after_help = "Examples:\n  tandem surface rollback cart 3 --reason 'fewer clicks'")]
    Rollback {
        /// Its id.
        id: String,
        /// The version, as `tandem surface history` shows it.
        #[arg(value_name = "VERSION")]
        to: u64,
        /// Why and under which version.
        #[command(flatten)]
        guard: Guard,
    },
    /// Delete one that the marketplace did not begin with; its history stays.
    #[command(after_help = "Examples:\n  tandem surface delete mini_app --reason 'the app is gone'")]
    Delete {
        /// Its id.
        id: String,
        /// Why and under which version.
        #[command(flatten)]
        guard: Guard,
    },
}

/// Why, and under which version.
#[derive(Debug, Args)]
pub struct Guard {
    /// Why, for the audit trail.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// The version that it must have.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

/// Carries out the command.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, surface: Surface) -> Result<()> {
    let mut client = SurfacesClient::new(common.control().await?);
    match surface {
        Surface::List { size, page_token } => {
            let request = ListSurfacesRequest {
                page_size: size,
                page_token,
            };
            let answer = client.list_surfaces(request).await.map_err(|s| explain(&s))?;
            let answer = answer.into_inner();
            if common.json {
                return output::print_message("ListSurfacesResponse", &answer);
            }
            show::table(&answer.surfaces);
            output::more(&answer.next_page_token);
            Ok(())
        }
        Surface::Get { id } => {
            let request = GetSurfaceRequest { surface_id: id };
            let answer = client.get_surface(request).await.map_err(|s| explain(&s))?;
            show::whole(common, &answer.into_inner())
        }
        Surface::Set(set) => {
            let standing = match set.names_stock_rules() {
                true => standing(&mut client, set.id()).await?,
                false => None,
            };
            let answer = client
                .update_surface(set.request(standing))
                .await
                .map_err(|s| explain(&s))?;
            show::whole(common, &answer.into_inner())
        }
        Surface::History { id, size, page_token } => {
            let request = ListSurfaceRevisionsRequest {
                surface_id: id,
                page_size: size,
                page_token,
            };
            let answer = client
                .list_surface_revisions(request)
                .await
                .map_err(|s| explain(&s))?;
            let answer = answer.into_inner();
            if common.json {
                return output::print_message("ListSurfaceRevisionsResponse", &answer);
            }
            show::history(&answer.revisions);
            output::more(&answer.next_page_token);
            Ok(())
        }
        Surface::Rollback { id, to, guard } => {
            let request = RollbackSurfaceRequest {
                surface_id: id,
                version: to,
                etag: guard.etag,
                reason: guard.reason,
                request_id: String::new(),
            };
            let answer = client.rollback_surface(request).await.map_err(|s| explain(&s))?;
            show::whole(common, &answer.into_inner())
        }
        Surface::Delete { id, guard } => {
            let request = DeleteSurfaceRequest {
                surface_id: id.clone(),
                etag: guard.etag,
                reason: guard.reason,
                request_id: String::new(),
            };
            let answer = client.delete_surface(request).await.map_err(|s| explain(&s))?;
            let answer = answer.into_inner();
            if common.json {
                return output::print_message("DeleteSurfaceResponse", &answer);
            }
            println!("deleted {id} at version {}", answer.version);
            Ok(())
        }
    }
}

/// The surface as it stands; `None` where there is none such, which the change itself will say or make good.
async fn standing(client: &mut SurfacesClient<Connection>, id: &str) -> Result<Option<pb::Surface>> {
    let request = GetSurfaceRequest {
        surface_id: id.to_owned(),
    };
    match client.get_surface(request).await {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(explain(&status)),
    }
}
