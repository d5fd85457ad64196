//! What a scanner gave, or somebody typed: what it is, and what to take.

use axum::Json;
use axum::extract::State;
use chrono::{Datelike, NaiveDate};
use model::gs1::scan::{Scan, ScanError};
use model::gs1::{Gtin, LotKey, LotText, Sscc};
use model::name::Name;
use model::role::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Sighted;
use crate::body::Parameters;
use crate::problem::Problem;
use crate::state::Shared;
use crate::stock::{Standing, Stock};
use crate::view::unit::UnitView;

/// Units told of at most.
const UNITS: usize = 100;
/// Units told to be taken first.
const FIRST: usize = 10;

/// What was scanned.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScanParams {
    /// What the scanner gave, as it came (FNC1 is `%1D`); or the number of a unit or a product, or product and lot with
    /// a space or a slash between them.
    code: String,
    /// Whether the code must have an expiry: one that lacks it is refused.
    expect_expiry: Option<bool>,
}

/// What a code says, and what it leads to.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanView {
    /// What it names.
    keys: Keys,
    /// Its elements, in the order they stand; none when it was typed.
    elements: Vec<ElementView>,
    /// The same as a web address.
    digital_link: Option<String>,
    /// The units it leads to, at most 100: the unit, what is on the pallet, or the lot's units that have not ended.
    units: Vec<UnitView>,
    /// How many it leads to.
    unit_count: usize,
    /// What to take first of the product: units that may be issued, by effective expiry, at most 10.
    fefo: Vec<UnitView>,
    /// What somebody should know.
    warnings: Vec<Warning>,
}

/// What a code names.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Keys {
    /// The unit, by a name that is no SSCC.
    unit: Option<String>,
    /// The logistic unit.
    sscc: Option<String>,
    /// The product.
    gtin: Option<String>,
    /// The lot number.
    lot: Option<String>,
    /// The serial number.
    serial: Option<String>,
    /// When it expires.
    expiry: Option<String>,
    /// When it was made.
    produced_on: Option<String>,
    /// The place.
    gln: Option<String>,
}

/// One element of a code.
#[derive(Serialize, ToSchema)]
pub(crate) struct ElementView {
    /// The application identifier.
    ai: String,
    /// Its value.
    value: String,
}

/// Something that somebody should know.
#[derive(Serialize, ToSchema)]
pub(crate) struct Warning {
    /// `unknown_unit`, `unknown_product`, `unknown_lot`, `expiry_differs` or `not_first`.
    code: &'static str,
    /// What it is, for people.
    detail: String,
}

/// What was typed or scanned, read.
enum Code {
    Scanned(Scan),
    Unit(Name),
    Product(Gtin, Option<LotText>),
}

/// What a code says, the units it leads to, and what to take first of the product.
#[utoipa::path(get, path = "/v1/scan", tag = "assessments", params(ScanParams), security(("bearer" = [])), responses(
    (status = 200, body = ScanView),
    (status = 400, description = "The code tells what is wrong with it: `check_digit`, `unknown_identifier` …",
     body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn scan(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(params): Parameters<ScanParams>,
) -> Result<Json<ScanView>, Problem> {
    caller.must_have(Permission::Read)?;
    Stock::look(&shared, &caller, move |stock| {
        let code = Code::read(stock, &params.code)?;
        let code = match code {
            Code::Scanned(scan) if params.expect_expiry == Some(true) => {
                Code::Scanned(scan.with_expiry().map_err(refused)?)
            }
            other => other,
        };
        code.look(stock).map(Json)
    })
    .await
}

fn refused(error: ScanError) -> Problem {
    Problem::bad_request(error.fault.as_str(), error.to_string())
}

impl Code {
    fn read(stock: &Stock, text: &str) -> Result<Self, Problem> {
        let text = text.trim_matches([' ', '\r', '\n', '\t']);
        if let Some(unit) =
            Name::parse(text).ok().filter(|unit| stock.registry().is_tracked(unit) && stock.sight.unit(unit))
        {
            return Ok(Self::Unit(unit));
        }
        let wrong = |error: model::gs1::KeyError| Problem::bad_request("check_digit", error.to_string());
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            match text.len() {
                8 | 12 | 13 | 14 => return Gtin::parse(text).map(|gtin| Self::Product(gtin, None)).map_err(wrong),
                18 => {
                    let sscc = Sscc::parse(text).map_err(wrong)?;
                    return Name::parse(sscc.as_str())
                        .map(Self::Unit)
                        .map_err(|error| Problem::bad_request("name", error.to_string()));
                }
                _ => {}
            }
        }
        let separated = text.split_once([' ', '/', ',', ';', '\t']).filter(|(product, _)| {
            matches!(product.len(), 8 | 12 | 13 | 14) && product.bytes().all(|byte| byte.is_ascii_digit())
        });
        if let Some((product, lot)) = separated {
            let gtin = Gtin::parse(product).map_err(wrong)?;
            let lot = LotText::parse(lot.trim());
            let lot = lot.map_err(|error| Problem::bad_request("bad_length_or_charset", error.to_string()))?;
            return Ok(Self::Product(gtin, Some(lot)));
        }
        let year = chrono::DateTime::from_timestamp_millis(stock.now.millis()).unwrap_or_default().year();
        let scan = Scan::parse(text, year).map_err(refused)?;
        Self::not_swallowed(stock, scan)
    }

    /// The scan, unless its lot is another one's with an expiry at its end: then the separator is missing.
    fn not_swallowed(stock: &Stock, scan: Scan) -> Result<Self, Problem> {
        let lots = &stock.registry().lots;
        let known = |lot: &LotText| {
            let key = scan.gtin().map(|gtin| LotKey { gtin, lot: lot.clone() });
            key.is_some_and(|key| lots.contains(&key) && stock.sight.lot(&key))
        };
        let swallowed = scan.swallowed().is_some_and(|(lot, _)| known(&lot));
        if swallowed && !scan.lot().is_some_and(|lot| known(&lot)) {
            return Err(scan.with_expiry().err().map_or_else(|| Problem::bad_request("expiry_missing", ""), refused));
        }
        Ok(Self::Scanned(scan))
    }

    fn keys(&self) -> Keys {
        match self {
            Self::Unit(unit) => match Sscc::parse(unit.as_str()) {
                Ok(sscc) => Keys { sscc: Some(sscc.to_string()), ..Keys::default() },
                Err(_) => Keys { unit: Some(unit.to_string()), ..Keys::default() },
            },
            Self::Product(gtin, lot) => {
                let lot = lot.as_ref().map(ToString::to_string);
                Keys { gtin: Some(gtin.to_string()), lot, ..Keys::default() }
            }
            Self::Scanned(scan) => {
                let made = scan.elements().iter().find(|element| &*element.ai == "11");
                Keys {
                    unit: None,
                    sscc: scan.sscc().map(|key| key.to_string()),
                    gtin: scan.gtin().map(|key| key.to_string()),
                    lot: scan.lot().map(|lot| lot.to_string()),
                    serial: scan.serial().map(str::to_owned),
                    expiry: scan.expiry().map(|expiry| expiry.day().to_string()),
                    produced_on: made.and_then(|made| made.date).map(|date| date.to_string()),
                    gln: scan.gln().map(|key| key.to_string()),
                }
            }
        }
    }

    /// The unit or pallet, the product and the lot it names.
    fn named(&self) -> (Option<Name>, Option<Gtin>, Option<LotText>) {
        match self {
            Self::Unit(unit) => (Some(unit.clone()), None, None),
            Self::Product(gtin, lot) => (None, Some(*gtin), lot.clone()),
            Self::Scanned(scan) => {
                let unit = scan.sscc().and_then(|sscc| Name::parse(sscc.as_str()).ok());
                (unit, scan.gtin(), scan.lot())
            }
        }
    }

    fn look(self, stock: &Stock) -> Result<ScanView, Problem> {
        let registry = stock.registry();
        let (unit, mut gtin, lot) = self.named();
        let mut warnings = Vec::new();
        let mut warn = |code: &'static str, detail: String| warnings.push(Warning { code, detail });
        let mut found: Vec<Standing> = Vec::new();
        if let Some(unit) = &unit {
            let mut units = registry.units_in(unit, stock.now);
            units.retain(|unit| stock.sight.unit(unit));
            if units.is_empty() {
                warn("unknown_unit", format!("nothing is registered as `{unit}`"));
            }
            found.extend(units.iter().filter_map(|unit| stock.standing(unit)));
        } else if let Some((gtin, lot)) = gtin.zip(lot.clone()) {
            let key = LotKey { gtin, lot };
            match registry.lots.get(&key).filter(|_| stock.sight.lot(&key)) {
                None => warn("unknown_lot", format!("there is no lot `{key}`")),
                Some(lot) => {
                    if let Some(expiry) = self.expiry().filter(|expiry| *expiry != lot.expires_on) {
                        let detail = format!("the code says it expires on {expiry}, registered is {}", lot.expires_on);
                        warn("expiry_differs", detail);
                    }
                }
            }
            let units = stock.units();
            let of_lot = units.iter().filter(|unit| registry.lot_of(unit).as_ref() == Some(&key));
            found.extend(of_lot.filter_map(|unit| stock.standing(unit)).filter(Standing::is_open));
        }
        if let Some(gtin) = gtin.filter(|gtin| !registry.products.contains(gtin) || !stock.sight.product(gtin)) {
            warn("unknown_product", format!("there is no product `{gtin}`"));
        }
        gtin = gtin.or_else(|| {
            let mut products = found.iter().map(|standing| standing.lot.gtin);
            let first = products.next()?;
            products.all(|other| other == first).then_some(first)
        });
        let first = gtin.map(|gtin| first_of(stock, gtin)).unwrap_or_default();
        let earliest = first.iter().filter_map(Standing::effective_expiry).min();
        let later = found.iter().filter(|standing| standing.is_issuable()).filter_map(Standing::effective_expiry).min();
        if let Some((earliest, later)) = earliest.zip(later).filter(|(earliest, later)| earliest < later) {
            warn(
                "not_first",
                format!(
                    "something of the product is to be taken before: it is good until {earliest}, this until {later}"
                ),
            );
        }
        let (elements, digital_link) = match &self {
            Self::Scanned(scan) => {
                let view = |element: &model::gs1::scan::Element| ElementView {
                    ai: element.ai.to_string(),
                    value: element.value.to_string(),
                };
                (scan.elements().iter().map(view).collect(), scan.to_link())
            }
            _ => (Vec::new(), None),
        };
        Ok(ScanView {
            keys: self.keys(),
            elements,
            digital_link,
            unit_count: found.len(),
            units: found.iter().take(UNITS).map(|standing| UnitView::of(stock, standing)).collect(),
            fefo: first.iter().map(|standing| UnitView::of(stock, standing)).collect(),
            warnings,
        })
    }

    fn expiry(&self) -> Option<NaiveDate> {
        match self {
            Self::Scanned(scan) => scan.expiry().map(model::gs1::scan::Expiry::day),
            _ => None,
        }
    }
}

/// What to take first of a product: units that may be issued, by effective expiry.
fn first_of(stock: &Stock, gtin: Gtin) -> Vec<Standing> {
    let units = stock.units();
    let of_product = units.iter().filter(|unit| stock.is_of(unit, Some(gtin.as_str()), None));
    let standing = of_product.filter_map(|unit| stock.standing(unit)).filter(Standing::is_issuable);
    let mut issuable: Vec<Standing> = standing.collect();
    issuable.sort_by(|one, other| {
        (one.effective_expiry(), &one.lot, &one.unit).cmp(&(other.effective_expiry(), &other.lot, &other.unit))
    });
    issuable.truncate(FIRST);
    issuable
}
