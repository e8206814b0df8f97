//! The RPCs. A handler parses the request, asks the store, and converts what it says.

mod catalog;
mod category_rules;
mod events;
mod fixed_bundles;
mod links;
mod operations;
mod stock;
mod surfaces;

pub(crate) use catalog::CatalogService;
pub(crate) use category_rules::CategoryRulesService;
pub(crate) use events::EventsService;
pub(crate) use fixed_bundles::FixedBundlesService;
pub(crate) use links::LinksService;
pub(crate) use operations::OperationsService;
pub(crate) use stock::StockService;
pub(crate) use surfaces::SurfacesService;
