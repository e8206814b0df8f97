use tandem_domain::event::{Event, EventKind};
use tandem_domain::money::Money;

use super::{Cleaned, NotProduct, clean, validate};
use crate::import::fault::Problem;
use crate::import::generic::Faults;
use crate::import::source::unpack;

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
const SLICE: &[u8] = include_bytes!("../../../data/online_retail_slice.csv.gz");

fn cleaned(lines: &str) -> (Vec<Event>, Cleaned) {
    let text = format!("{HEADER}{lines}");
    let mut cleaner = clean(text.as_bytes(), Faults::Skip).unwrap();
    let events = cleaner.by_ref().flat_map(Result::unwrap).collect();
    let cleaned = cleaner.finish();
    assert_eq!(
        cleaned.report.accounted(),
        cleaned.report.lines,
        "every line is counted once"
    );
    (events, cleaned)
}

/// `day 2011-05-DD, one customer`.
fn line(invoice: &str, code: &str, quantity: i64, day: u8, price: &str) -> String {
    format!("{invoice},{code},RED MUG,{quantity},2011-05-{day:02} 09:00:00,{price},17850.0,United Kingdom\n")
}

fn said(events: &[Event]) -> Vec<(&str, EventKind, &str, u32)> {
    let text = |event: &Event| event.group.is_some();
    assert!(events.iter().all(text));
    events
        .iter()
        .map(|e| {
            (
                e.id.as_str(),
                e.kind,
                e.group.as_deref().unwrap_or(""),
                e.quantity,
            )
        })
        .collect()
}

#[test]
fn a_sale_becomes_a_purchase_in_its_order() {
    let (events, cleaned) = cleaned(&line("536365", "85123a", 6, 2, "2.55"));
    assert_eq!(
        said(&events),
        [("536365/85123A/255", EventKind::Purchase, "536365", 6)]
    );
    assert_eq!(events[0].user.as_deref(), Some("17850"));
    assert_eq!(events[0].unit_price, Some(Money::from_minor(255)));
    assert_eq!(
        events[0].time.as_ms(),
        1_304_323_200_000,
        "09:00 in London's summer is 08:00 UTC"
    );
    assert_eq!(cleaned.report.small_letter_codes, 1);
}

#[test]
fn a_line_without_a_customer_keeps_its_order() {
    let (events, cleaned) = cleaned(
        "1,10001,RED MUG,1,2011-05-02 09:00:00,1.00,,United Kingdom\n1,10002,BLUE MUG,1,2011-05-02 09:00:00,1.00,,EIRE\n",
    );
    assert!(
        events
            .iter()
            .all(|event| event.user.is_none() && event.group.as_deref() == Some("1"))
    );
    assert_eq!(
        (
            cleaned.report.orders_without_customer,
            cleaned.report.lines_without_customer
        ),
        (1, 2)
    );
}

#[test]
fn copies_and_repeats_of_a_line_become_one_event_and_another_price_its_own() {
    let copy = line("1", "10001", 2, 2, "1.00");
    let lines = format!(
        "{copy}{copy}{}{}",
        line("1", "10001", 3, 2, "1.00"),
        line("1", "10001", 1, 2, "0.80")
    );
    let (events, cleaned) = cleaned(&lines);
    assert_eq!(
        said(&events),
        [
            ("1/10001/100", EventKind::Purchase, "1", 7),
            ("1/10001/80", EventKind::Purchase, "1", 1)
        ]
    );
    let report = &cleaned.report;
    assert_eq!(
        (report.purchases, report.merged_copies, report.merged_repeats),
        (2, 1, 1)
    );
}

#[test]
fn a_cancellation_returns_units_to_the_order_they_came_from() {
    let lines = [
        line("1", "10001", 12, 2, "1.00"),
        line("2", "10001", 6, 3, "1.00"),
        line("C3", "10001", -6, 4, "1.00"),
        line("C4", "10001", -6, 5, "1.00"),
    ];
    let (events, cleaned) = cleaned(&lines.concat());
    assert_eq!(
        said(&events)[2..],
        [
            ("C3/10001/100/2", EventKind::Return, "2", 6),
            ("C4/10001/100/1", EventKind::Return, "1", 6)
        ]
    );
    assert_eq!(
        (cleaned.report.returns_matched, cleaned.report.cancellations),
        (2, 2)
    );
}

#[test]
fn a_large_return_is_split_and_what_no_order_explains_is_left_out() {
    let lines = [
        line("1", "10001", 4, 2, "1.00"),
        line("2", "10001", 6, 3, "1.00"),
        line("C3", "10001", -13, 4, "1.00"),
        line("C4", "10002", -1, 5, "1.00"),
        "C5,10001,RED MUG,-2,2011-05-06 09:00:00,1.00,,EIRE\n".to_owned(),
    ];
    let (events, cleaned) = cleaned(&lines.concat());
    assert_eq!(
        said(&events)[2..],
        [
            ("C3/10001/100/2", EventKind::Return, "2", 6),
            ("C3/10001/100/1", EventKind::Return, "1", 4)
        ]
    );
    let report = &cleaned.report;
    assert_eq!((report.returns_split, report.returns_partly_matched), (1, 1));
    assert_eq!(
        (report.returns_without_purchase, report.returns_without_customer),
        (1, 1)
    );
    assert_eq!(
        (report.return_units_matched, report.return_units_left_out),
        (10, 6)
    );
    assert_eq!(report.codes_never_sold, 1);
}

#[test]
fn a_return_never_leaves_an_order_that_comes_after_it() {
    let lines = [
        line("C1", "10001", -1, 2, "1.00"),
        line("2", "10001", 5, 3, "1.00"),
    ];
    let (events, _) = cleaned(&lines.concat());
    assert_eq!(said(&events), [("2/10001/100", EventKind::Purchase, "2", 5)]);
}

#[test]
fn what_is_charged_beside_products_is_no_product() {
    let codes = [
        ("POST", NotProduct::Postage),
        ("DOT", NotProduct::DotcomPostage),
        ("C2", NotProduct::Carriage),
        ("23444", NotProduct::Carriage),
        ("m", NotProduct::Manual),
        ("D", NotProduct::Discount),
        ("S", NotProduct::Samples),
        ("BANK CHARGES", NotProduct::BankCharges),
        ("AMAZONFEE", NotProduct::AmazonFee),
        ("CRUK", NotProduct::Commission),
        ("gift_0001_20", NotProduct::GiftVoucher),
        ("B", NotProduct::BadDebt),
        ("ADJUST2", NotProduct::Adjustment),
        ("TEST001", NotProduct::Test),
    ];
    for (code, kind) in codes {
        let (events, cleaned) = cleaned(&line("1", code, 1, 2, "18.00"));
        assert!(events.is_empty(), "{code}");
        assert_eq!(
            cleaned.report.not_products.into_iter().collect::<Vec<_>>(),
            [(kind, 1)],
            "{code}"
        );
    }
    let (_, debt) = cleaned(&line("A563186", "10001", 1, 2, "-11062.06"));
    assert_eq!(
        debt.report.not_products.keys().collect::<Vec<_>>(),
        [&NotProduct::BadDebt]
    );
}

#[test]
fn stock_that_vanishes_or_turns_up_is_an_adjustment() {
    let lines = "1,10001,damaged,-40,2011-05-02 09:00:00,0.0,,United Kingdom\n\
                 2,10001,,12,2011-05-02 09:01:00,0.0,,United Kingdom\n\
                 3,10001,found,1,2011-05-02 09:02:00,0.0,,United Kingdom\n\
                 4,10001,?,0,2011-05-02 09:02:00,0.0,,United Kingdom\n";
    let (events, cleaned) = cleaned(lines);
    assert!(events.is_empty() && cleaned.products.is_empty());
    assert_eq!(
        (cleaned.report.stock_written_off, cleaned.report.stock_written_on),
        (2, 2)
    );
}

#[test]
fn gifts_in_an_order_are_free_of_charge() {
    let lines = "1,10001,RED MUG,1,2011-05-02 09:00:00,1.25,,United Kingdom\n\
                 1,10002,BLUE MUG,1,2011-05-02 09:00:00,0.0,,United Kingdom\n\
                 2,PADS,PADS TO MATCH ALL CUSHIONS,1,2011-05-02 09:00:00,0.001,13408.0,United Kingdom\n";
    let (events, cleaned) = cleaned(lines);
    assert_eq!(events.len(), 1);
    assert_eq!(cleaned.report.free_of_charge, 2);
}

#[test]
fn a_product_is_called_what_most_of_its_sales_call_it_and_costs_their_median() {
    let lines = "1,10001,RED MUG,1,2011-05-02 09:00:00,1.25,1.0,UK\n\
                 2,10001,RED  SPOTTY MUG ,1,2011-05-02 09:00:00,1.25,1.0,UK\n\
                 3,10001,RED SPOTTY MUG,1,2011-05-02 09:00:00,2.46,1.0,UK\n\
                 4,10001,damages,-1,2011-05-02 09:00:00,0.0,,UK\n\
                 5,10001,damages,-1,2011-05-02 09:00:00,0.0,,UK\n";
    let (_, cleaned) = cleaned(lines);
    let product = &cleaned.products[0];
    assert_eq!(
        (product.title.as_str(), product.price),
        ("Red Spotty Mug", Some(Money::from_minor(125)))
    );
    assert_eq!(
        (product.category.as_ref(), cleaned.report.codes_never_sold),
        (None, 0)
    );
}

#[test]
fn an_invoice_may_be_interrupted_by_another_but_not_come_back_much_later() {
    let lines = [
        line("1", "10001", 1, 2, "1.00"),
        line("2", "10001", 1, 2, "1.00"),
        line("1", "10001", 2, 2, "1.00"),
    ];
    let (events, interrupted) = cleaned(&lines.concat());
    assert_eq!(said(&events)[0], ("1/10001/100", EventKind::Purchase, "1", 3));
    assert_eq!(interrupted.report.invoices_interrupted, 1);

    let many: String = (1..=20)
        .map(|n| line(&n.to_string(), "10001", 1, 2, "1.00"))
        .collect();
    let (_, torn) = cleaned(&(many + &line("1", "10001", 2, 2, "1.00")));
    assert_eq!(torn.report.unreadable, 1);
    assert_eq!(torn.errors.as_slice()[0].line, 22);
    assert!(matches!(
        torn.errors.as_slice()[0].problem,
        Problem::TornInvoice(_)
    ));
}

#[test]
fn faults_name_line_and_column() {
    let text = format!(
        "{HEADER}1,10001,RED MUG,many,2011-05-02 09:00:00,1.00,,UK\n1,10001,RED MUG,1,02/05/2011 09:00,1.00,,UK\n\
         1,10001,RED MUG,1,2011-05-02 09:00:00,£1,,UK\n1,10001\n,10001,RED MUG,1,2011-05-02 09:00:00,1.00,,UK\n"
    );
    insta::assert_snapshot!(validate(text.as_bytes()).unwrap_err());
    insta::assert_snapshot!(validate(&b"InvoiceNo,StockCod,Description,Quantity\n"[..]).unwrap_err());
    let mut strict = clean(text.as_bytes(), Faults::Stop).unwrap();
    assert!(strict.next().unwrap().is_err());
}

#[test]
fn the_shipped_slice_is_cleaned_as_before() {
    let mut cleaner = clean(unpack(SLICE).unwrap(), Faults::Stop).unwrap();
    let batches: Vec<_> = cleaner.by_ref().map(Result::unwrap).collect();
    let cleaned = cleaner.finish();
    assert!(
        batches
            .iter()
            .all(|batch| batch.len() <= crate::import::BATCH_ROWS)
    );
    let ids: std::collections::HashSet<_> = batches.iter().flatten().map(|event| &event.id).collect();
    assert_eq!(
        ids.len(),
        batches.iter().map(Vec::len).sum::<usize>(),
        "event ids are unique"
    );
    assert_eq!(cleaned.report.accounted(), cleaned.report.lines);
    insta::assert_snapshot!(cleaned.report);
    insta::assert_json_snapshot!(cleaned.report);
}
