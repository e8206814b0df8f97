//! `tandem query stock`: levels of SKUs.

use anyhow::Result;
use tandem_proto::v1::BatchGetStockRequest;
use tandem_proto::v1::stock_client::StockClient;

use crate::args::Common;
use crate::client::explain;
use crate::output;

pub(super) async fn run(common: &Common, skus: Vec<String>) -> Result<()> {
    let mut client = StockClient::new(common.control().await?);
    let answer = client
        .batch_get_stock(BatchGetStockRequest { sku_ids: skus })
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if common.json {
        return output::print_message("BatchGetStockResponse", &answer);
    }
    let mut table = output::table(&["sku", "pool", "available", "version"]);
    for level in &answer.levels {
        table.add_row([
            level.sku_id.clone(),
            level.pool.clone(),
            level.available.to_string(),
            level.store_version.to_string(),
        ]);
    }
    println!("{table}");
    for missing in &answer.missing_sku_ids {
        println!("nobody reported {missing}");
    }
    Ok(())
}
