use std::fmt::Write as _;

use proptest::prelude::*;
use tandem_domain::catalog::ProductInput;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::money::{Currency, Money};
use tandem_domain::stock::{Pool, Reported, StockReport};

use super::{Faults, Row, Summary, batches, read, validate};
use crate::import::fault::RowErrors;
use crate::import::mapping::{Assignment, Mapping};
use crate::import::table::Input;

fn pounds() -> Currency {
    Currency {
        code: "GBP".to_owned(),
        exponent: 2,
    }
}

/// How the rows of a text are written.
type Written = fn(&[u8]) -> Input<&[u8]>;

fn csv(text: &[u8]) -> Input<&[u8]> {
    Input::Csv(text)
}

fn jsonl(text: &[u8]) -> Input<&[u8]> {
    Input::Jsonl(text)
}

fn rows<T: Row>(text: &str, written: Written) -> Vec<T> {
    let rows = read(written(text.as_bytes()), &Mapping::default(), &pounds()).unwrap();
    rows.map(|row| row.unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

fn faults<T: Row>(text: impl AsRef<[u8]>, written: Written) -> RowErrors {
    validate::<T, _>(written(text.as_ref()), &Mapping::default(), &pounds()).unwrap_err()
}

const PRODUCTS_CSV: &str = "\u{feff}id,title,tags,price,category,brand,series,image_uri,quality\r\n\
    p1,\"Mug, red\",colour=red|blue;material=china,4.25,mugs,Home & Co,spots,https://example.org/1.png,0.8\r\n\
    p2,杯子,,,,,,,\r\n";
const PRODUCTS_JSONL: &str = "\u{feff}{\"id\":\"p1\",\"title\":\"Mug, red\",\"price\":4.25,\"category\":\"mugs\",\
    \"tags\":{\"colour\":[\"red\",\"blue\"],\"material\":\"china\"},\"brand\":\"Home & Co\",\"series\":\"spots\",\
    \"image_uri\":\"https://example.org/1.png\",\"quality\":0.8}\n\n{\"id\":\"p2\",\"title\":\"\\u676f子\",\"price\":null}";

#[test]
fn products_read_the_same_from_both_formats() {
    let csv: Vec<ProductInput> = rows(PRODUCTS_CSV, csv);
    assert_eq!(csv, rows::<ProductInput>(PRODUCTS_JSONL, jsonl));
    assert_eq!(csv[0].title, "Mug, red");
    assert_eq!(csv[0].price, Some(Money::from_minor(425)));
    assert_eq!(csv[0].tags["colour"], ["red", "blue"]);
    assert_eq!(
        (csv[1].title.as_str(), csv[1].price, csv[1].tags.len()),
        ("杯子", None, 0)
    );
}

#[test]
fn events_need_no_more_than_id_product_type_and_time() {
    let events: Vec<Event> = rows("event_id,product_id,event_type,ts\ne1,p1,view,1304321160\n", csv);
    assert_eq!(
        (events[0].kind, events[0].quantity, events[0].group.as_ref()),
        (EventKind::View, 1, None)
    );
    let json: Vec<Event> = rows(
        "{\"event_id\":7,\"product_id\":\"p1\",\"event_type\":\"view\",\"ts\":1304321160000,\"quantity\":1.0}",
        jsonl,
    );
    assert_eq!((json[0].id.as_str(), json[0].time), ("7", events[0].time));
}

#[test]
fn stock_is_unique_by_sku_pool_source_and_version() {
    let text = "sku_id,pool,source,available,source_version\ns1,,wms,5,1\ns1,room:r1,wms,5,1\ns1,,wms,4,2\n";
    let reports: Vec<StockReport> = rows(text, csv);
    assert_eq!(reports[1].pool, Pool::Room("r1".to_owned()));
    assert_eq!(
        reports[2].quantity,
        Reported::Set {
            available: 4,
            source_version: 2
        }
    );
    let doubled = faults::<StockReport>(format!("{text}s1,normal,wms,9,2\n"), csv);
    assert_eq!(
        doubled.to_string(),
        "line 5, column source_version: the same key stands on line 4; keys must be unique"
    );
}

#[test]
fn finer_prices_than_the_currency_has_are_rounded_and_counted() {
    let text = "id,title,price\n1,a,2.5450\n2,b,2.55000\n";
    let summary = validate::<ProductInput, _>(Input::Csv(text.as_bytes()), &Mapping::default(), &pounds());
    assert_eq!(
        summary,
        Ok(Summary {
            rows: 2,
            rounded_prices: 1,
            unread: Vec::new(),
        })
    );
}

#[test]
fn a_header_is_refused_with_all_its_faults() {
    insta::assert_snapshot!(faults::<Event>(
        "event_id,produkt_id,event_tpye,ts,ts,colour\n",
        csv
    ));
    insta::assert_snapshot!(faults::<Event>("", csv));
}

#[test]
fn every_bad_row_of_a_csv_file_is_named_with_line_and_column() {
    let mut text =
        b"event_id,user_id,session_or_order_id,product_id,event_type,quantity,unit_price,ts\n".to_vec();
    for row in [
        "e1,u,o,p1,purchase,1,2.50,2011-05-02T08:26:00Z",
        "e1,u,o,p1,purchase,1,2.50,2011-05-02T08:26:00Z",
        ",u,o,p1,purchase,1,2.50,2011-05-02T08:26:00Z",
        "e3,u,o,p1,bought,1,2.50,2011-05-02T08:26:00Z",
        "e4,u,o,p1,purchase,0,2.50,2011-05-02T08:26:00Z",
        "e5,u,o,p1,purchase,1,NaN,2011-05-02T08:26:00Z",
        "e6,u,o,p1,purchase,1,-2.50,2011-05-02T08:26:00Z",
        "e7,u,o,p1,purchase,1,2.50,2011-05-02 08:26",
        "e8,u,o,p1,purchase,1,2.50,12",
        "e9,u,o,p1,purchase,1,2,50,2011-05-02T08:26:00Z",
        "\"e\u{7}10\",u,o,p1,purchase,1,2.50,2011-05-02T08:26:00Z",
        "\"e11\nacross two lines\",u,o,p1,purchase,1,2.50,2011-05-02T08:26:00Z",
        "e12,u,o,,purchase,1,2.50,2011-05-02T08:26:00Z",
    ] {
        text.extend_from_slice(row.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"e13,u,o,p\xff1,purchase,1,2.50,2011-05-02T08:26:00Z\n");
    insta::assert_snapshot!(faults::<Event>(text, csv));
}

#[test]
fn every_bad_row_of_a_json_file_is_named_with_line_and_column() {
    let mut text = Vec::new();
    for row in [
        r#"{"id":"p1","title":"Mug"}"#,
        r#"{"id":"p2"}"#,
        r#"{"id":"p3","title":"Mug","colour":"red"}"#,
        r#"{"id":"p4","title":["Mug"]}"#,
        r#"{"id":"p5","title":"Mug","title":"Cup"}"#,
        r#"{"id":"p6","title":"Mug","tags":"red"}"#,
        r#"{"id":"p7","title":"Mug","price":1e3}"#,
        r#"{"id":"p8","title":"Mug","quality":7}"#,
        r#"{"id":true,"title":"Mug"}"#,
        r#"["p9","Mug"]"#,
        r#"{"id":"p10","#,
        r#"{"id":"p1","title":"Mug again"}"#,
    ] {
        text.extend_from_slice(row.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"{\"id\":\"p\xff\"}\n");
    insta::assert_snapshot!(faults::<ProductInput>(text, jsonl));
}

#[test]
fn checking_stops_at_the_twentieth_error() {
    let bad: String = (0..50).map(|n| format!("s{n},normal,wms,none,1\n")).collect();
    let errors = faults::<StockReport>(format!("sku_id,pool,source,available,source_version\n{bad}"), csv);
    assert_eq!((errors.as_slice().len(), errors.total()), (20, 20));
    assert!(
        errors
            .to_string()
            .ends_with("stopped after 20 errors; there may be more")
    );
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let text = format!("id,title\np1,\"{}\n", "x,y\n".repeat(1 << 20));
    let errors = faults::<ProductInput>(&text, csv);
    assert_eq!((errors.as_slice()[0].line, errors.total()), (2, 1));
    let line = format!("{{\"id\":\"{}\"}}", "x".repeat(3 << 20));
    assert!(
        faults::<ProductInput>(&line, jsonl)
            .to_string()
            .contains("longer than 1048576 bytes")
    );
}

#[test]
fn partial_reading_keeps_the_good_rows_and_counts_the_others() {
    let mut text = "sku_id,source,available,source_version\n".to_owned();
    for n in 0..12_000 {
        let available = if n % 100 == 0 { "none" } else { "1" };
        writeln!(text, "s{n},wms,{available},1").unwrap();
    }
    let mut good = batches::<StockReport, _>(
        Input::Csv(text.as_bytes()),
        &Mapping::default(),
        &pounds(),
        Faults::Skip,
    )
    .unwrap();
    let sizes: Vec<usize> = good.by_ref().map(|batch| batch.unwrap().len()).collect();
    let (summary, left_out) = good.finish();
    assert_eq!(sizes, [5_000, 5_000, 1_880]);
    assert_eq!(
        (summary.rows, left_out.total(), left_out.as_slice().len()),
        (11_880, 120, 20)
    );
    assert!(left_out.to_string().ends_with("and 100 more"));
    let mut strict = batches::<StockReport, _>(
        Input::Csv(text.as_bytes()),
        &Mapping::default(),
        &pounds(),
        Faults::Stop,
    )
    .unwrap();
    assert_eq!(strict.next().unwrap().unwrap_err().line, 2);
}

#[test]
fn the_format_page_names_every_column() {
    for schema in [Event::SCHEMA, ProductInput::SCHEMA, StockReport::SCHEMA] {
        for column in schema.columns {
            assert!(
                crate::import::FORMATS.contains(&format!("| `{}`", column.name)),
                "{}",
                column.name
            );
        }
    }
}

#[derive(Debug, Clone)]
struct RawProduct {
    id: String,
    title: String,
    price: Option<u32>,
    brand: Option<String>,
    tags: Vec<(String, Vec<String>)>,
}

fn raw_product() -> impl Strategy<Value = RawProduct> {
    let tag = ("[a-z]{1,6}", prop::collection::vec("[a-z]{1,6}", 1..3));
    (
        "\\PC{1,12}",
        "\\PC{1,30}",
        any::<Option<u32>>(),
        prop::option::of("\\PC{1,10}"),
        prop::collection::vec(tag, 0..3),
    )
        .prop_map(|(id, title, price, brand, tags)| RawProduct {
            id,
            title,
            price,
            brand,
            tags,
        })
}

fn to_csv(products: &[RawProduct]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["brand", "tags", "id", "title", "price"])
        .unwrap();
    for product in products {
        let price = product
            .price
            .map(|p| format!("{}.{:02}", p / 100, p % 100))
            .unwrap_or_default();
        let tags: Vec<_> = product
            .tags
            .iter()
            .map(|(kind, values)| format!("{kind}={}", values.join("|")))
            .collect();
        let brand = product.brand.clone().unwrap_or_default();
        writer
            .write_record([&brand, &tags.join(";"), &product.id, &product.title, &price])
            .unwrap();
    }
    writer.into_inner().unwrap()
}

fn to_jsonl(products: &[RawProduct]) -> Vec<u8> {
    let mut text = String::new();
    for product in products {
        let price = product
            .price
            .map(|p| format!("{}.{:02}", p / 100, p % 100))
            .unwrap_or("null".to_owned());
        let mut tags = serde_json::Map::new();
        for (kind, values) in &product.tags {
            let list = tags.entry(kind.clone()).or_insert_with(|| serde_json::json!([]));
            list.as_array_mut()
                .unwrap()
                .extend(values.iter().cloned().map(serde_json::Value::from));
        }
        let (id, title) = (serde_json::json!(product.id), serde_json::json!(product.title));
        let (brand, tags) = (serde_json::json!(product.brand), serde_json::Value::from(tags));
        writeln!(
            text,
            "{{\"id\":{id},\"title\":{title},\"price\":{price},\"brand\":{brand},\"tags\":{tags}}}"
        )
        .unwrap();
    }
    text.into_bytes()
}

proptest! {
    #[test]
    fn csv_and_json_lines_give_the_same_values(products in prop::collection::vec(raw_product(), 0..20)) {
        let (csv, jsonl) = (to_csv(&products), to_jsonl(&products));
        let from_csv = read::<ProductInput, _>(Input::Csv(&csv[..]), &Mapping::default(), &pounds()).unwrap();
        let from_json = read::<ProductInput, _>(Input::Jsonl(&jsonl[..]), &Mapping::default(), &pounds()).unwrap();
        let from_csv: Vec<_> = from_csv.map(|row| row.map_err(|error| error.problem)).collect();
        let from_json: Vec<_> = from_json.map(|row| row.map_err(|error| error.problem)).collect();
        prop_assert_eq!(from_csv.len(), products.len());
        for (csv, json) in from_csv.iter().zip(&from_json) {
            match (csv, json) {
                (Ok(csv), Ok(json)) => prop_assert_eq!(csv, json),
                (csv, json) => prop_assert_eq!(csv.is_err(), json.is_err()),
            }
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = validate::<Event, _>(Input::Csv(&bytes[..]), &Mapping::default(), &pounds());
        let _ = validate::<Event, _>(Input::Jsonl(&bytes[..]), &Mapping::default(), &pounds());
        let mut rows = b"sku_id,source,available,source_version\n".to_vec();
        rows.extend_from_slice(&bytes);
        let _ = validate::<StockReport, _>(Input::Csv(&rows[..]), &Mapping::default(), &pounds());
        let _ = crate::import::online_retail::validate(&bytes[..]);
    }
}

#[test]
fn a_foreign_file_is_read_through_its_mapping() {
    let assign =
        |texts: &[&str]| -> Vec<Assignment> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    let mapping = Mapping::new(
        Event::SCHEMA,
        &assign(&[
            "product_id=sku",
            "session_or_order_id=till",
            "ts=sold_at",
            "amount=paid",
        ]),
        &assign(&["event_type=purchase", "event_id=w-{row}"]),
    )
    .unwrap();
    let csv = "sku,till,sold_at,quantity,paid,colour,dwell_ms\n\
        p1,t1,1304321160,3,10.00,red,4500\np2,t1,1304321160,,4.25,blue,\n";
    let jsonl = "{\"sku\":\"p1\",\"till\":\"t1\",\"sold_at\":1304321160,\"quantity\":3,\"paid\":10.00,\"colour\":\"red\",\"dwell_ms\":4500}\n\
        {\"sku\":\"p2\",\"till\":\"t1\",\"sold_at\":1304321160,\"paid\":4.25}\n";
    let from_csv = batches::<Event, _>(Input::Csv(csv.as_bytes()), &mapping, &pounds(), Faults::Stop);
    let mut from_csv = from_csv.unwrap();
    let events = from_csv.next().unwrap().unwrap();
    let from_json = read::<Event, _>(Input::Jsonl(jsonl.as_bytes()), &mapping, &pounds()).unwrap();
    assert_eq!(from_json.map(Result::unwrap).collect::<Vec<_>>(), events);
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let price = event.unit_price.map(Money::minor);
            (event.id.as_str(), event.kind, price, event.dwell_ms)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("w-1", EventKind::Purchase, Some(333), Some(4_500)),
            ("w-2", EventKind::Purchase, Some(425), None)
        ]
    );
    let (summary, _) = from_csv.finish();
    assert_eq!(
        (summary.rounded_prices, summary.unread),
        (1, vec!["colour".to_owned()])
    );
}

#[test]
fn a_return_names_its_order() {
    let rows = "event_id,product_id,event_type,session_or_order_id,ts\n\
        1,a,return,o1,1304321160\n2,a,purchase,,1304321160\n3,a,return,,1304321160\n";
    let errors =
        validate::<Event, _>(Input::Csv(rows.as_bytes()), &Mapping::default(), &pounds()).unwrap_err();
    insta::assert_snapshot!(errors, @"line 4, column session_or_order_id: a return must name the order that it leaves");
}

#[test]
fn a_mapped_column_must_be_there() {
    let mapping = Mapping::new(Event::SCHEMA, &["user_id=customer".parse().unwrap()], &[]).unwrap();
    let header = Input::Csv(&b"event_id,product_id,event_type,ts\n"[..]);
    let errors = validate::<Event, _>(header, &mapping, &pounds()).unwrap_err();
    insta::assert_snapshot!(errors, @"line 1, column customer: the column is missing; the header has event_id,product_id,event_type,ts");
}
