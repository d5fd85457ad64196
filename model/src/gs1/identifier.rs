//! Application identifiers: what the digits in front of a value say about it.
//!
//! Source: GS1 General Specifications, section 3.2 (formats, which identifiers need no separator) and 4.13
//! (which need another beside them).

/// What may stand in a part of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letters {
    /// Digits.
    Digits,
    /// GS1 character set 82.
    Set82,
    /// GS1 character set 39.
    Set39,
    /// The alphabet of base 64 for addresses.
    Base64,
}

/// What else must be true of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing.
    Any,
    /// The last digit is the check digit.
    CheckDigit,
    /// A date `YYMMDD`; the day may be `00`.
    DateOrMonth,
    /// A date `YYMMDD`.
    Date,
    /// A time of day `HHMM`.
    Time,
    /// Nothing but `-`.
    Hyphen,
}

/// A part of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) letters: Letters,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) rule: Rule,
}

/// One identifier, or several that differ in their last digit alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identifier {
    /// Its digits; `n` stands for one of `0` to `last`.
    pattern: &'static str,
    last: u8,
    /// Whether its values have a length that readers know without a separator.
    pub(super) is_predefined: bool,
    pub(super) parts: &'static [Part],
    /// Groups of identifiers: one of each group must stand beside it.
    pub(super) needs: &'static [&'static [&'static str]],
    /// Of a key that a web address may be built on: the qualifiers that may follow it, in order.
    pub(super) qualifiers: Option<&'static [&'static str]>,
}

const fn digits(length: usize) -> Part {
    Part { letters: Letters::Digits, min: length, max: length, rule: Rule::Any }
}

const fn up_to(max: usize) -> Part {
    Part { letters: Letters::Digits, min: 1, max, rule: Rule::Any }
}

const fn text(max: usize) -> Part {
    Part { letters: Letters::Set82, min: 1, max, rule: Rule::Any }
}

const fn maybe(part: Part) -> Part {
    Part { min: 0, ..part }
}

const fn ruled(length: usize, rule: Rule) -> Part {
    Part { letters: Letters::Digits, min: length, max: length, rule }
}

const fn key(length: usize) -> Part {
    ruled(length, Rule::CheckDigit)
}

/// A part of exactly `length` characters.
const fn exactly(length: usize) -> Part {
    Part { letters: Letters::Set82, min: length, max: length, rule: Rule::Any }
}

const HYPHEN: Part = Part { letters: Letters::Set82, min: 0, max: 1, rule: Rule::Hyphen };
const SET_39: Part = Part { letters: Letters::Set39, min: 1, max: 30, rule: Rule::Any };
const SIGNATURE: Part = Part { letters: Letters::Base64, min: 1, max: 90, rule: Rule::Any };

const SIX: &[Part] = &[digits(6)];
const DATE_OR_MONTH: &[Part] = &[ruled(6, Rule::DateOrMonth)];
const DATE_TIME: &[Part] = &[ruled(6, Rule::Date), ruled(4, Rule::Time)];
const TEMPERATURE: &[Part] = &[digits(6), HYPHEN];

type Needs = &'static [&'static [&'static str]];
const ALONE: Needs = &[];
const AN_ITEM: Needs = &[&["01", "02", "8006", "8026"]];
const A_TRADE_ITEM: Needs = &[&["01", "02"]];
const A_GTIN: Needs = &[&["01"]];
const A_PIECE: Needs = &[&["01", "8006"]];
const A_UNIT: Needs = &[&["00"]];
const A_UNIT_OR_ITEM: Needs = &[&["00", "01"]];

/// An identifier that needs a separator after it.
const fn open(pattern: &'static str, parts: &'static [Part], needs: Needs) -> Identifier {
    Identifier { pattern, last: 9, is_predefined: false, parts, needs, qualifiers: None }
}

/// An identifier that needs none.
const fn fixed(pattern: &'static str, parts: &'static [Part], needs: Needs) -> Identifier {
    Identifier { is_predefined: true, ..open(pattern, parts, needs) }
}

/// A measure: six digits, the last digit of the identifier tells how many of them are decimals.
const fn measure(pattern: &'static str, needs: Needs) -> Identifier {
    Identifier { last: 5, ..fixed(pattern, SIX, needs) }
}

const fn primary(identifier: Identifier, qualifiers: &'static [&'static str]) -> Identifier {
    Identifier { qualifiers: Some(qualifiers), ..identifier }
}

const ITEM_QUALIFIERS: &[&str] = &["22", "10", "21"];

/// All identifiers.
const ALL: &[Identifier] = &[
    // what it is
    primary(fixed("00", &[key(18)], ALONE), &[]),
    primary(fixed("01", &[key(14)], ALONE), ITEM_QUALIFIERS),
    fixed("02", &[key(14)], &[&["37"]]),
    open("10", &[text(20)], AN_ITEM),
    fixed("11", DATE_OR_MONTH, AN_ITEM),
    fixed("12", DATE_OR_MONTH, &[&["8020"]]),
    fixed("13", DATE_OR_MONTH, AN_ITEM),
    fixed("15", DATE_OR_MONTH, AN_ITEM),
    fixed("16", DATE_OR_MONTH, AN_ITEM),
    fixed("17", DATE_OR_MONTH, &[&["01", "02", "255", "8006", "8026"]]),
    fixed("20", &[digits(2)], AN_ITEM),
    open("21", &[text(20)], A_PIECE),
    open("22", &[text(20)], A_GTIN),
    open("235", &[text(28)], A_GTIN),
    open("240", &[text(30)], AN_ITEM),
    open("241", &[text(30)], AN_ITEM),
    open("242", &[up_to(6)], AN_ITEM),
    open("243", &[text(20)], A_GTIN),
    open("250", &[text(30)], &[&["01", "8006"], &["21"]]),
    open("251", &[text(30)], A_PIECE),
    primary(open("253", &[key(13), maybe(text(17))], ALONE), &[]),
    open("254", &[text(20)], &[&["414"]]),
    primary(open("255", &[key(13), maybe(up_to(12))], ALONE), &[]),
    open("30", &[up_to(8)], A_TRADE_ITEM),
    open("37", &[up_to(8)], &[&["00"], &["02", "8026"]]),
    // measures of an item, and of a logistic unit
    measure("310n", A_TRADE_ITEM),
    measure("311n", A_TRADE_ITEM),
    measure("312n", A_TRADE_ITEM),
    measure("313n", A_TRADE_ITEM),
    measure("314n", A_TRADE_ITEM),
    measure("315n", A_TRADE_ITEM),
    measure("316n", A_TRADE_ITEM),
    measure("320n", A_TRADE_ITEM),
    measure("321n", A_TRADE_ITEM),
    measure("322n", A_TRADE_ITEM),
    measure("323n", A_TRADE_ITEM),
    measure("324n", A_TRADE_ITEM),
    measure("325n", A_TRADE_ITEM),
    measure("326n", A_TRADE_ITEM),
    measure("327n", A_TRADE_ITEM),
    measure("328n", A_TRADE_ITEM),
    measure("329n", A_TRADE_ITEM),
    measure("330n", A_UNIT_OR_ITEM),
    measure("331n", A_UNIT_OR_ITEM),
    measure("332n", A_UNIT_OR_ITEM),
    measure("333n", A_UNIT_OR_ITEM),
    measure("334n", A_UNIT_OR_ITEM),
    measure("335n", A_UNIT_OR_ITEM),
    measure("336n", A_UNIT_OR_ITEM),
    measure("337n", A_GTIN),
    measure("340n", A_UNIT_OR_ITEM),
    measure("341n", A_UNIT_OR_ITEM),
    measure("342n", A_UNIT_OR_ITEM),
    measure("343n", A_UNIT_OR_ITEM),
    measure("344n", A_UNIT_OR_ITEM),
    measure("345n", A_UNIT_OR_ITEM),
    measure("346n", A_UNIT_OR_ITEM),
    measure("347n", A_UNIT_OR_ITEM),
    measure("348n", A_UNIT_OR_ITEM),
    measure("349n", A_UNIT_OR_ITEM),
    measure("350n", A_TRADE_ITEM),
    measure("351n", A_TRADE_ITEM),
    measure("352n", A_TRADE_ITEM),
    measure("353n", A_UNIT_OR_ITEM),
    measure("354n", A_UNIT_OR_ITEM),
    measure("355n", A_UNIT_OR_ITEM),
    measure("356n", A_TRADE_ITEM),
    measure("357n", A_TRADE_ITEM),
    measure("360n", A_TRADE_ITEM),
    measure("361n", A_TRADE_ITEM),
    measure("362n", A_UNIT_OR_ITEM),
    measure("363n", A_UNIT_OR_ITEM),
    measure("364n", A_TRADE_ITEM),
    measure("365n", A_TRADE_ITEM),
    measure("366n", A_TRADE_ITEM),
    measure("367n", A_UNIT_OR_ITEM),
    measure("368n", A_UNIT_OR_ITEM),
    measure("369n", A_UNIT_OR_ITEM),
    // money
    open("390n", &[up_to(15)], &[&["255", "8020"]]),
    open("391n", &[digits(3), up_to(15)], &[&["8020"]]),
    open("392n", &[up_to(15)], A_GTIN),
    open("393n", &[digits(3), up_to(15)], A_GTIN),
    Identifier { last: 3, ..open("394n", &[digits(4)], &[&["255"]]) },
    Identifier { last: 5, ..open("395n", &[digits(6)], A_GTIN) },
    // where it goes, and where it is
    open("400", &[text(30)], ALONE),
    primary(open("401", &[text(30)], ALONE), &[]),
    primary(open("402", &[key(17)], ALONE), &[]),
    open("403", &[text(30)], A_UNIT),
    fixed("410", &[key(13)], ALONE),
    fixed("411", &[key(13)], ALONE),
    fixed("412", &[key(13)], ALONE),
    fixed("413", &[key(13)], ALONE),
    primary(fixed("414", &[key(13)], ALONE), &["254"]),
    primary(fixed("415", &[key(13)], &[&["8020"]]), &["8020"]),
    fixed("416", &[key(13)], ALONE),
    primary(fixed("417", &[key(13)], ALONE), &[]),
    open("420", &[text(20)], ALONE),
    open("421", &[digits(3), text(9)], ALONE),
    open("422", &[digits(3)], AN_ITEM),
    open("423", &[up_to(15)], A_TRADE_ITEM),
    open("424", &[digits(3)], A_TRADE_ITEM),
    open("425", &[up_to(15)], A_TRADE_ITEM),
    open("426", &[digits(3)], A_TRADE_ITEM),
    open("427", &[text(3)], &[&["01", "02"], &["422"]]),
    Identifier { last: 1, ..open("430n", &[text(35)], A_UNIT) },
    open("4302", &[text(70)], A_UNIT),
    open("4303", &[text(70)], &[&["4302"]]),
    open("4304", &[text(70)], A_UNIT),
    open("4305", &[text(70)], A_UNIT),
    open("4306", &[text(70)], A_UNIT),
    open("4307", &[exactly(2)], A_UNIT),
    open("4308", &[text(30)], A_UNIT),
    open("4309", &[digits(20)], A_UNIT),
    Identifier { last: 1, ..open("431n", &[text(35)], A_UNIT) },
    open("4312", &[text(70)], A_UNIT),
    open("4313", &[text(70)], &[&["4312"]]),
    open("4314", &[text(70)], A_UNIT),
    open("4315", &[text(70)], A_UNIT),
    open("4316", &[text(70)], A_UNIT),
    open("4317", &[exactly(2)], A_UNIT),
    open("4318", &[text(20)], A_UNIT),
    open("4319", &[text(30)], A_UNIT),
    open("4320", &[text(35)], A_UNIT),
    open("4321", &[digits(1)], A_UNIT),
    open("4322", &[digits(1)], A_UNIT),
    open("4323", &[digits(1)], A_UNIT),
    open("4324", &[ruled(6, Rule::DateOrMonth), ruled(4, Rule::Time)], A_UNIT),
    open("4325", &[ruled(6, Rule::DateOrMonth), ruled(4, Rule::Time)], A_UNIT),
    open("4326", &[ruled(6, Rule::Date)], A_UNIT),
    open("4330", TEMPERATURE, A_UNIT),
    open("4331", TEMPERATURE, A_UNIT),
    open("4332", TEMPERATURE, A_UNIT),
    open("4333", TEMPERATURE, A_UNIT),
    // more about an item
    open("7001", &[digits(13)], AN_ITEM),
    open("7002", &[text(30)], A_TRADE_ITEM),
    open("7003", DATE_TIME, A_TRADE_ITEM),
    open("7004", &[up_to(4)], &[&["01"], &["10"]]),
    open("7005", &[text(12)], A_TRADE_ITEM),
    open("7006", &[ruled(6, Rule::Date)], A_TRADE_ITEM),
    open("7007", &[ruled(6, Rule::Date), maybe(ruled(6, Rule::Date))], A_TRADE_ITEM),
    open("7008", &[text(3)], A_TRADE_ITEM),
    open("7009", &[text(10)], A_TRADE_ITEM),
    open("7010", &[text(2)], A_TRADE_ITEM),
    open("7011", &[ruled(6, Rule::Date), maybe(ruled(4, Rule::Time))], A_TRADE_ITEM),
    open("7020", &[text(20)], &[&["01", "8006"], &["416"]]),
    open("7021", &[text(20)], A_PIECE),
    open("7022", &[text(20)], &[&["7021"]]),
    open("7023", &[text(30)], ALONE),
    open("703n", &[digits(3), text(27)], A_TRADE_ITEM),
    open("7040", &[digits(1), exactly(3)], ALONE),
    Identifier { last: 5, ..open("71n", &[text(20)], A_GTIN) },
    open("723n", &[exactly(2), text(28)], &[&["01", "8004"]]),
    open("7240", &[text(20)], A_PIECE),
    open("7241", &[digits(2)], &[&["8017", "8018"]]),
    open("7242", &[text(25)], &[&["8017", "8018"]]),
    open("8001", &[digits(14)], A_GTIN),
    open("8002", &[text(20)], ALONE),
    primary(open("8003", &[digits(1), key(13), maybe(text(16))], ALONE), &[]),
    primary(open("8004", &[text(30)], ALONE), &[]),
    open("8005", &[digits(6)], A_TRADE_ITEM),
    primary(open("8006", &[key(14), digits(4)], ALONE), ITEM_QUALIFIERS),
    open("8007", &[text(34)], &[&["415"]]),
    open("8008", &[digits(8), maybe(up_to(4))], A_TRADE_ITEM),
    open("8009", &[text(50)], A_UNIT_OR_ITEM),
    primary(open("8010", &[SET_39], ALONE), &["8011"]),
    open("8011", &[up_to(12)], &[&["8010"]]),
    open("8012", &[text(20)], A_PIECE),
    primary(open("8013", &[text(25)], ALONE), &[]),
    primary(open("8017", &[key(18)], ALONE), &["8019"]),
    primary(open("8018", &[key(18)], ALONE), &["8019"]),
    open("8019", &[up_to(10)], &[&["8017", "8018"]]),
    open("8020", &[text(25)], &[&["415"]]),
    open("8026", &[key(14), digits(4)], &[&["37"]]),
    open("8030", &[SIGNATURE], ALONE),
    open("8110", &[text(70)], ALONE),
    open("8111", &[digits(4)], &[&["255"]]),
    open("8112", &[text(70)], ALONE),
    open("8200", &[text(70)], A_GTIN),
    open("90", &[text(30)], ALONE),
    open("9n", &[text(90)], ALONE),
];

impl Identifier {
    /// The identifier with exactly these digits.
    pub(super) fn of(digits: &str) -> Option<&'static Self> {
        ALL.iter().find(|known| known.is(digits))
    }

    /// The identifier that `text` begins with, and its digits. No identifier begins with another.
    pub(super) fn before(text: &str) -> Option<(&'static Self, &str)> {
        (2..=4).find_map(|length| {
            let digits = text.get(..length)?;
            Self::of(digits).map(|known| (known, digits))
        })
    }

    fn is(&self, digits: &str) -> bool {
        digits.len() == self.pattern.len()
            && self.pattern.bytes().zip(digits.bytes()).all(|(pattern, digit)| match pattern {
                b'n' => digit.is_ascii_digit() && digit - b'0' <= self.last,
                own => own == digit,
            })
    }

    /// How long its values are at most.
    pub(super) fn longest(&self) -> usize {
        self.parts.iter().map(|part| part.max).sum()
    }

    /// Whether `digits` is that of a measure, and how many decimals it has.
    pub(super) fn decimals(&self, digits: &str) -> Option<usize> {
        let is_measure = self.is_predefined && self.pattern.len() == 4 && self.pattern.ends_with('n');
        let last = digits.bytes().last().filter(|_| is_measure)?;
        Some(usize::from(last - b'0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_identifier_begins_with_another() {
        for number in 0..10_000 {
            let digits = format!("{number:04}");
            let found: Vec<usize> = (2..=4).filter(|length| Identifier::of(&digits[..*length]).is_some()).collect();
            assert!(found.len() <= 1, "{digits}: {found:?}");
        }
        assert!(Identifier::of("3106").is_none());
        assert!(Identifier::of("716").is_none());
        assert_eq!(Identifier::of("3103").and_then(|known| known.decimals("3103")), Some(3));
    }

    #[test]
    fn what_needs_no_separator_has_one_length() {
        for known in ALL.iter().filter(|known| known.is_predefined) {
            assert!(known.parts.iter().all(|part| part.min == part.max), "{}", known.pattern);
        }
    }
}
