//! `tandem bundles`: a shop's own sets.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use tandem_proto::v1::fixed_bundles_client::FixedBundlesClient;
use tandem_proto::v1::{
    CreateFixedBundleRequest, DeleteFixedBundleRequest, FixedBundle, FixedBundleMember,
    ListFixedBundlesRequest,
};

use crate::args::Common;
use crate::client::explain;
use crate::output;

/// A shop's own sets.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem bundles create 22423 22720 22697:2 --title 'Tea for two'\n  tandem bundles list 22423\n  tandem bundles delete 01JD…"
)]
pub enum Bundles {
    /// Put a set together around an anchor.
    #[command(
        after_help = "Examples:\n  tandem bundles create 22423 22720 22697 --title 'Tea time'\n  tandem bundles create 22423 22720/22722 22697:2/22699 --title 'Tea for two'"
    )]
    Create {
        /// The anchor.
        anchor: String,
        /// 2 to 4 companions: PRODUCT[:QUANTITY][/STAND-IN…].
        #[arg(required = true, value_name = "MEMBER", value_parser = member)]
        members: Vec<FixedBundleMember>,
        /// What it is called.
        #[arg(long)]
        title: String,
    },
    /// The sets of an anchor.
    #[command(after_help = "Examples:\n  tandem bundles list 22423 --json")]
    List {
        /// The anchor.
        anchor: String,
    },
    /// Delete a set.
    #[command(after_help = "Examples:\n  tandem bundles delete 01JD… --reason 'the season is over'")]
    Delete {
        /// The set.
        id: String,
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Asks control and prints the answer.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, bundles: Bundles) -> Result<()> {
    let mut client = FixedBundlesClient::new(common.control().await?);
    match bundles {
        Bundles::Create {
            anchor,
            members,
            title,
        } => {
            let bundle = FixedBundle {
                anchor_product_id: anchor,
                title,
                members,
                ..FixedBundle::default()
            };
            let request = CreateFixedBundleRequest {
                fixed_bundle: Some(bundle),
                request_id: String::new(),
            };
            let answer = client
                .create_fixed_bundle(request)
                .await
                .map_err(|s| explain(&s))?;
            let bundle = answer.into_inner();
            if common.json {
                return output::print_message("FixedBundle", &bundle);
            }
            print(&bundle);
        }
        Bundles::List { anchor } => {
            let request = ListFixedBundlesRequest {
                anchor_product_id: anchor,
            };
            let answer = client
                .list_fixed_bundles(request)
                .await
                .map_err(|s| explain(&s))?;
            let answer = answer.into_inner();
            if common.json {
                return output::print_message("ListFixedBundlesResponse", &answer);
            }
            answer.fixed_bundles.iter().for_each(print);
        }
        Bundles::Delete { id, reason } => {
            let request = DeleteFixedBundleRequest {
                fixed_bundle_id: id,
                reason,
                request_id: String::new(),
            };
            let answer = client
                .delete_fixed_bundle(request)
                .await
                .map_err(|s| explain(&s))?;
            let answer = answer.into_inner();
            if common.json {
                return output::print_message("DeleteFixedBundleResponse", &answer);
            }
            println!(
                "{}",
                if answer.deleted {
                    "deleted"
                } else {
                    "was deleted before"
                }
            );
        }
    }
    Ok(())
}

fn member(text: &str) -> Result<FixedBundleMember> {
    let mut parts = text.split('/');
    let own = parts.next().unwrap_or_default();
    let (product, quantity) = match own.rsplit_once(':') {
        Some((product, quantity)) => {
            let quantity = quantity
                .parse()
                .with_context(|| format!("{quantity:?} in {text:?} is no quantity: write PRODUCT:2"))?;
            (product, quantity)
        }
        None => (own, 1),
    };
    Ok(FixedBundleMember {
        product_id: product.to_owned(),
        quantity,
        role: String::new(),
        alternate_product_ids: parts.map(str::to_owned).collect(),
    })
}

fn print(bundle: &FixedBundle) {
    println!("{} · {}", bundle.fixed_bundle_id, bundle.title);
    for member in &bundle.members {
        let stand_ins = match member.alternate_product_ids.as_slice() {
            [] => String::new(),
            stand_ins => format!(" (or {})", stand_ins.join(", ")),
        };
        println!("    {} × {}{stand_ins}", member.quantity, member.product_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_product_with_a_quantity_and_stand_ins() {
        let parsed = member("22697:2/22699/22700").expect("a member");
        assert_eq!((parsed.product_id.as_str(), parsed.quantity), ("22697", 2));
        assert_eq!(parsed.alternate_product_ids, ["22699", "22700"]);
        assert_eq!(member("22697").expect("a member").quantity, 1);
        assert!(member("22697:two").is_err());
    }
}
