//! What companions must be like, and for whom.

use std::collections::HashSet;
use std::fmt::Display;
use std::str::FromStr;

use tandem_domain::id::ProductId;
use tandem_domain::money::Money;
use tandem_domain::overlay::{Filter, Segment};
use tandem_proto::v1;

use super::Fields;
use crate::related::Shopper;

/// The most categories, brands or shops of one list.
const MAX_NAMED: usize = 50;
/// The most products that a shopper looked at.
const MAX_RECENT: usize = 20;
/// The most products that a shopper bought.
const MAX_BOUGHT: usize = 200;
/// Bytes of a shopper's id.
const SHOPPER_BYTES: usize = 128;
/// Characters of a brand.
const BRAND_CHARS: usize = 200;

impl Fields {
    pub(in crate::rpc) fn filter(&mut self, filter: &v1::ProductFilter) -> Filter {
        let parsed = Filter {
            categories: self.each("filter.category_ids", &filter.category_ids, MAX_NAMED),
            brands: self.brands("filter.brands", &filter.brands),
            shops: self.each("filter.shop_ids", &filter.shop_ids, MAX_NAMED),
            min_price: self.price("filter.min_price", filter.min_price.as_ref()),
            max_price: self.price("filter.max_price", filter.max_price.as_ref()),
            in_stock_only: filter.in_stock_only,
        };
        let range = parsed.min_price.zip(parsed.max_price);
        if range.is_some_and(|(min, max)| max < min) {
            self.wrong("filter.max_price", "must not be below min_price");
        }
        parsed
    }

    pub(in crate::rpc) fn shopper(&mut self, shopper: &v1::Shopper) -> Shopper {
        let recent: Vec<ProductId> = self.each(
            "shopper.recent_product_ids",
            &shopper.recent_product_ids,
            MAX_RECENT,
        );
        let mut seen = HashSet::new();
        let newest_first = recent.into_iter().rev();
        let recent = newest_first
            .filter(|product| seen.insert(product.clone()))
            .collect();
        let bought = self.each(
            "shopper.bought_product_ids",
            &shopper.bought_product_ids,
            MAX_BOUGHT,
        );
        let segment = shopper.segment.as_ref().map(|segment| self.segment(segment));
        Shopper {
            id: self.shopper_id("shopper.shopper_id", &shopper.shopper_id),
            recent,
            bought: bought.into_iter().collect(),
            segment: segment.unwrap_or_default(),
        }
    }

    fn shopper_id(&mut self, field: &str, id: &str) -> Option<String> {
        if id.len() > SHOPPER_BYTES {
            self.wrong(
                field,
                format!("has {} bytes, {SHOPPER_BYTES} is the limit", id.len()),
            );
        }
        if id.chars().any(char::is_control) {
            self.wrong(field, "holds a control character");
        }
        (!id.is_empty()).then(|| id.to_owned())
    }

    fn segment(&mut self, segment: &v1::ShopperSegment) -> Segment {
        let categories = self.each("shopper.segment.category_ids", &segment.category_ids, MAX_NAMED);
        let brands = self.brands("shopper.segment.brands", &segment.brands);
        Segment {
            categories: categories.into_iter().collect(),
            brands: brands.into_iter().collect(),
            price: self.price("shopper.segment.usual_price", segment.usual_price.as_ref()),
        }
    }

    fn each<T: FromStr<Err: Display>>(&mut self, field: &str, ids: &[String], most: usize) -> Vec<T> {
        if !self.fits(field, ids.len(), most) {
            return Vec::new();
        }
        let ids = ids.iter().enumerate();
        ids.filter_map(|(at, id)| self.parsed(format!("{field}[{at}]"), id))
            .collect()
    }

    fn brands(&mut self, field: &str, brands: &[String]) -> Vec<String> {
        if !self.fits(field, brands.len(), MAX_NAMED) {
            return Vec::new();
        }
        for (at, brand) in brands.iter().enumerate() {
            let why = match brand.chars().count() {
                0 => "must not be empty".to_owned(),
                1..=BRAND_CHARS if !brand.chars().any(char::is_control) => continue,
                1..=BRAND_CHARS => "holds a control character".to_owned(),
                chars => format!("is {chars} characters long, {BRAND_CHARS} is the limit"),
            };
            self.wrong(format!("{field}[{at}]"), why);
        }
        brands.to_vec()
    }

    fn price(&mut self, field: &str, price: Option<&v1::Money>) -> Option<Money> {
        match Money::price(price?.amount_minor) {
            Ok(price) => Some(price),
            Err(why) => {
                self.wrong(format!("{field}.amount_minor"), why);
                None
            }
        }
    }

    fn fits(&mut self, field: &str, length: usize, most: usize) -> bool {
        if length > most {
            self.limit = Some(most);
            self.wrong(field, format!("holds {length}, {most} is the limit"));
        }
        length <= most
    }
}
