//! What is held, and what is not held again.

mod dispatch;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::assessment::{
    Alarm, Assessment, BudgetUse, Coverage, EndKind, Equivalent, Excursion, Extent, Interval, Life, Provenance,
    StartKind, Verdict,
};
use crate::gs1::{Gtin, LotText};
use crate::registry::{Registry, RegistryDocument, from_canonical, to_canonical};

const MINUTE_MS: i64 = 60_000;
/// 2026-11-22T10:00:00Z.
const TEN: i64 = 1_795_341_600_000;

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn minute(minute: i64) -> ValidAt {
    ValidAt::from_millis(TEN + minute * MINUTE_MS)
}

/// An excursion of `rule` from one minute to another; open when `to` is the last reading and `open` says so.
#[expect(clippy::cast_precision_loss, reason = "minutes of a test")]
fn excursion(rule: &str, from: i64, to: i64, open: bool) -> Excursion {
    let lasts_s = ((to - from) * 60) as f64;
    Excursion {
        rule: name(rule),
        start: minute(from),
        end: (!open).then(|| minute(to)),
        start_kind: StartKind::Crossing,
        end_kind: if open { EndKind::Open } else { EndKind::Recovered },
        duration_s: lasts_s,
        time_out_s: lasts_s,
        peak: 9.1,
        peak_at: minute(from),
        degree_seconds: lasts_s,
    }
}

/// An assessment at `as_of` with `excursions`, those of 30 minutes or more of `hot` firing.
fn assessment(as_of: i64, excursions: Vec<Excursion>) -> Assessment {
    let fires = |one: &&Excursion| one.rule.as_str() == "hot" && one.duration_s >= 1800.0;
    let at = |one: &Excursion| ValidAt::from_millis(one.start.millis() + 30 * MINUTE_MS);
    let alarms: Vec<Alarm> = excursions
        .iter()
        .filter(fires)
        .map(|one| Alarm { rule: one.rule.clone(), at: Some(at(one)), worst_case_at: Some(at(one)) })
        .collect();
    let reasons: Vec<Reason> = alarms
        .iter()
        .filter_map(|alarm| alarm.at)
        .map(|at| Reason { verdict: Verdict::Hold, code: ReasonCode::Excursion, rule: Some(name("hot")), at })
        .collect();
    let date = |text: &str| text.parse().expect("a date");
    Assessment {
        unit: name("U"),
        gtin: Gtin::parse("09506000134352").expect("a GTIN"),
        lot: LotText::parse("L").expect("a lot"),
        as_of: minute(as_of),
        known_at: None,
        window: Interval { from: minute(0), to: minute(as_of) },
        verdict: if reasons.is_empty() { Verdict::Pass } else { Verdict::Hold },
        reasons,
        excursions,
        alarms,
        coverage: Coverage { known_s: 0.0, unknown_s: 0.0, partial_s: 0.0, fraction: None, gaps: Vec::new() },
        humidity_coverage: None,
        temperature: Extent::default(),
        humidity: Extent::default(),
        mkt: None,
        life: Life {
            elapsed_s: 0.0,
            equivalent_s: Equivalent { low: 0.0, nominal: 0.0, upper: 0.0 },
            extra_s: 0.0,
            contributions: Vec::new(),
        },
        budget: None,
        frozen: false,
        labelled_expiry: date("2026-12-31"),
        effective_expiry: date("2026-12-31"),
        effective_expiry_nominal: date("2026-12-31"),
        provenance: Provenance {
            readings: 10,
            conflicts: 0,
            product_version: 1,
            watermark: Some(minute(as_of)),
            readings_digest: "sha256:00".to_owned(),
        },
    }
}

/// Holds as the ledger would have them: every event a number and a minute later.
#[derive(Default)]
struct Book {
    holds: Holds,
    events: u64,
    cumulative: bool,
}

impl Book {
    fn now(&mut self) -> (u64, RecordedAt) {
        self.events += 1;
        (self.events, RecordedAt::from_millis(TEN + i64::try_from(self.events).unwrap_or(0) * MINUTE_MS))
    }

    /// Does what `assessment` calls for; tells how many holds were placed and how many versions added.
    fn take(&mut self, assessment: &Assessment) -> (usize, usize) {
        let registry = Registry::default();
        let cumulative = self.cumulative;
        let changes = decide(&self.holds.unit(&registry, &assessment.unit), assessment, |_| cumulative);
        let placed = changes.iter().filter(|change| matches!(change, HoldChange::Place { .. })).count();
        let versions = changes.len() - placed;
        for change in changes {
            let (number, at) = self.now();
            match change {
                HoldChange::Place { cause, evidence } => self.put(number, at, cause, vec![evidence]),
                HoldChange::Version { hold, evidence } => {
                    self.holds.add_version(hold, evidence, at).expect("it is open");
                }
            }
        }
        (placed, versions)
    }

    fn put(&mut self, number: u64, at: RecordedAt, cause: Cause, evidence: Vec<Arc<Evidence>>) {
        self.holds.put(Hold {
            id: HoldId::new(number),
            scope: Scope::Unit(name("U")),
            cause,
            incident: IncidentId::new(name("i1")),
            state: HoldState::Open,
            placed_at: at,
            author: name("system"),
            reason: None,
            inherited_from: None,
            evidence: evidence.into_iter().map(|evidence| Version { recorded_at: at, evidence }).collect(),
            quarantine: None,
            acts: Vec::new(),
        });
    }

    fn act(&mut self, meaning: Meaning, assessment: Option<&Assessment>) -> Result<(), String> {
        let open: Vec<_> = self.holds.iter().filter(|hold| hold.state.is_undecided()).collect();
        for hold in open {
            let accepted = assessment.map(|assessment| Evidence::of(assessment, &hold.cause));
            let acted = Acted { hold: hold.id, record: "00".into(), accepted };
            let (_, at) = self.now();
            self.holds.act(acted, meaning, (&name("m.lin"), at, "seen"), None)?;
        }
        Ok(())
    }
}

#[test]
fn a_firing_excursion_is_held_once_and_its_evidence_follows_it() {
    let mut book = Book::default();
    assert_eq!(book.take(&assessment(20, vec![excursion("hot", 10, 20, true)])), (0, 0));
    assert_eq!(book.take(&assessment(45, vec![excursion("hot", 10, 45, true)])), (1, 0));
    // It goes on, and nothing is news; it closes, and that is.
    assert_eq!(book.take(&assessment(60, vec![excursion("hot", 10, 60, true)])), (0, 0));
    let closed = assessment(70, vec![excursion("hot", 10, 65, false)]);
    assert_eq!(book.take(&closed), (0, 1));
    assert_eq!(book.take(&closed), (0, 0));
    // Another one closes; a late reading shortens the first; late data takes both away, and the hold stays.
    assert_eq!(
        book.take(&assessment(90, vec![excursion("hot", 10, 65, false), excursion("hot", 80, 90, true)])),
        (0, 0)
    );
    assert_eq!(
        book.take(&assessment(99, vec![excursion("hot", 10, 65, false), excursion("hot", 80, 95, false)])),
        (0, 1)
    );
    assert_eq!(
        book.take(&assessment(99, vec![excursion("hot", 10, 60, false), excursion("hot", 80, 95, false)])),
        (0, 1)
    );
    assert_eq!(book.take(&assessment(99, vec![])), (0, 1));
    let hold = book.holds.iter().next().expect("one hold");
    assert_eq!((book.holds.len(), hold.state, hold.evidence.len()), (1, HoldState::Open, 5));
    assert_eq!(hold.cause, Cause::Finding { code: ReasonCode::Excursion, rule: Some(name("hot")) });
}

#[test]
fn an_older_assessment_changes_no_evidence() {
    let mut book = Book::default();
    book.take(&assessment(70, vec![excursion("hot", 10, 65, false)]));
    assert_eq!(book.take(&assessment(60, vec![excursion("hot", 10, 60, true)])), (0, 0));
}

#[test]
fn a_released_cause_is_held_again_only_for_evidence_beyond_what_was_accepted() {
    let first = || excursion("hot", 10, 65, false);
    let mut book = Book::default();
    let seen = assessment(70, vec![first()]);
    book.take(&seen);
    book.act(Meaning::Released, Some(&seen)).expect("it is open");
    assert_eq!(book.take(&seen), (0, 0));
    assert_eq!(book.take(&assessment(90, vec![first()])), (0, 0));
    // A short one does not fire; less time in the accepted one, or its halves, is nothing new either.
    assert_eq!(book.take(&assessment(90, vec![first(), excursion("hot", 80, 90, false)])), (0, 0));
    assert_eq!(book.take(&assessment(90, vec![excursion("hot", 12, 60, false)])), (0, 0));
    let halves = vec![excursion("hot", 10, 41, false), excursion("hot", 42, 65, false)];
    assert_eq!(book.take(&assessment(90, halves)), (0, 0));
    // More time in it by late data, or another that fires, is.
    for beyond in [vec![excursion("hot", 9, 65, false)], vec![first(), excursion("hot", 80, 111, false)]] {
        let mut again = Book { holds: book.holds.clone(), ..Book::default() };
        again.events = 100;
        assert_eq!(again.take(&assessment(120, beyond)), (1, 0));
    }
}

#[test]
fn released_while_still_out_it_is_held_again_when_it_goes_on() {
    let mut book = Book::default();
    let seen = assessment(45, vec![excursion("hot", 10, 45, true)]);
    book.take(&seen);
    book.act(Meaning::Released, Some(&seen)).expect("it is open");
    assert_eq!(book.take(&seen), (0, 0));
    assert_eq!(book.take(&assessment(46, vec![excursion("hot", 10, 46, true)])), (1, 0));
}

#[test]
fn figures_count_above_one_percent_of_their_allowance() {
    let with = |used_fraction: f64, extra_s: f64| {
        let mut assessment = assessment(70, vec![]);
        assessment.budget = Some(BudgetUse { used_fraction, bands: Vec::new() });
        assessment.life.extra_s = extra_s;
        let reason = Reason { verdict: Verdict::Hold, code: ReasonCode::Budget, rule: None, at: minute(60) };
        assessment.reasons.push(reason);
        assessment
    };
    let allowance_s = Figures::of(&with(1.0, 0.0)).life_allowance_s;
    // From 10:00 on 22 November to the end of 31 December.
    assert!((allowance_s - (39.0 * 86_400.0 + 14.0 * 3600.0)).abs() < 1e-6, "{allowance_s}");
    let mut book = Book::default();
    assert_eq!(book.take(&with(1.0, 1000.0)), (1, 0));
    book.act(Meaning::Released, Some(&with(1.0, 1000.0))).expect("it is open");
    assert_eq!(book.take(&with(1.01, 1000.0 + 0.01 * allowance_s)), (0, 0));
    for (used, extra_s) in [(1.011, 1000.0), (1.0, 1001.0 + 0.01 * allowance_s)] {
        let mut again = Book { holds: book.holds.clone(), ..Book::default() };
        again.events = 100;
        assert_eq!(again.take(&with(used, extra_s)), (1, 0), "{used} {extra_s}");
    }
}

#[test]
fn every_excursion_of_a_cumulative_rule_adds_to_it() {
    let mut book = Book { cumulative: true, ..Book::default() };
    let seen = assessment(70, vec![excursion("hot", 10, 65, false)]);
    book.take(&seen);
    book.act(Meaning::Released, Some(&seen)).expect("it is open");
    assert_eq!(
        book.take(&assessment(90, vec![excursion("hot", 10, 65, false), excursion("hot", 80, 81, false)])),
        (1, 0)
    );
}

#[test]
fn what_expired_is_not_released_and_what_was_rejected_stays_so() {
    let mut expired = assessment(70, vec![]);
    expired.reasons = vec![Reason { verdict: Verdict::Hold, code: ReasonCode::Expired, rule: None, at: minute(0) }];
    let mut book = Book::default();
    assert_eq!(book.take(&expired), (1, 0));
    assert!(book.act(Meaning::Released, Some(&expired)).is_err());
    book.act(Meaning::UnderReview, None).expect("it is open");
    assert_eq!(book.take(&expired), (0, 0));
    book.act(Meaning::Rejected(Disposition::Destroy), None).expect("it is under review");
    assert_eq!(book.take(&expired), (0, 0));
    assert!(book.holds.iter().all(|hold| hold.state.blocks() && hold.ended_at().is_some()));
    assert!(
        book.holds
            .add_version(HoldId::new(1), Arc::new(Evidence::of(&expired, &Cause::Manual)), RecordedAt::from_millis(0))
            .is_err()
    );
}

#[test]
fn a_mean_that_rises_is_held_once_and_a_model_that_fails_again_is_held_again() {
    for (code, again) in [(ReasonCode::Mkt, 0), (ReasonCode::ModelRange, 1)] {
        let with = |at: i64| {
            let mut assessment = assessment(at + 10, vec![]);
            assessment.reasons = vec![Reason { verdict: Verdict::Hold, code, rule: None, at: minute(at) }];
            assessment
        };
        let mut book = Book::default();
        assert_eq!(book.take(&with(10)), (1, 0));
        book.act(Meaning::Released, Some(&with(10))).expect("it is open");
        assert_eq!(book.take(&with(30)), (again, 0), "{code:?}");
        let mut fired = with(10);
        let other = assessment(90, vec![excursion("hot", 40, 80, false)]);
        (fired.as_of, fired.excursions, fired.alarms) = (other.as_of, other.excursions, other.alarms);
        if again == 0 {
            assert_eq!(book.take(&fired), (1, 0), "{code:?}");
        }
    }
}

#[test]
fn records_read_back_to_the_bit() {
    let mut book = Book::default();
    let mut odd = assessment(70, vec![excursion("hot", 10, 65, false), excursion("hot", 66, 70, true)]);
    odd.budget = Some(BudgetUse { used_fraction: 0.1 + 0.2, bands: Vec::new() });
    odd.life.extra_s = 1_234.567_890_123_456_7;
    book.take(&odd);
    book.put(7, RecordedAt::from_millis(TEN), Cause::Manual, Vec::new());
    book.act(Meaning::UnderReview, None).expect("open");
    book.act(Meaning::Rejected(Disposition::Return), Some(&odd)).expect("open");
    for hold in book.holds.iter() {
        let text = to_canonical(&hold.to_json());
        let read = Hold::read(&from_canonical(&text).expect("it is JSON")).expect("it reads");
        assert_eq!(read, *hold);
        assert_eq!(to_canonical(&read.to_json()), text);
    }
    assert!(Hold::read(&Value::Null).is_err());
    assert!(Hold::read(&json!({ "id": "h1" })).is_err());
    for id in ["h", "h01", "17", "h+1", "h-1", "a1", "h1.", "h1.0", "h1.01", "h.1", "h1.2.3"] {
        assert_eq!(HoldId::parse(id), None, "{id}");
    }
}

proptest! {
    /// Whatever comes in whatever order: one open hold per cause, the same assessment twice is once, and only a
    /// person ends a hold (invariants H2 and H3).
    #[test]
    fn holds_only_end_by_people(steps in prop::collection::vec((0..4_u8, 1..100_i64, 1..60_i64), 1..40)) {
        let mut book = Book::default();
        let mut out: Vec<Excursion> = Vec::new();
        let mut last = 0;
        for (kind, gap, lasts) in steps {
            let before: Vec<_> = book.holds.iter().collect();
            let seen = assessment(last, out.clone());
            match kind {
                0 => { out.push(excursion("hot", last + gap, last + gap + lasts, false)); last += gap + lasts; }
                1 => { out.pop(); }
                2 => { if let Some(one) = out.last_mut() { one.duration_s += 60.0; one.start = minute(last - 100); } }
                _ => book.act(Meaning::Released, Some(&seen)).map_err(TestCaseError::fail)?,
            }
            let seen = assessment(last, out.clone());
            if kind != 3 {
                book.take(&seen);
            }
            prop_assert_eq!(book.take(&seen), (0, 0));
            let open: Vec<_> = book.holds.iter().filter(|hold| hold.state.is_undecided()).collect();
            prop_assert!(open.len() <= 1);
            for hold in &before {
                let now = book.holds.get(hold.id).ok_or_else(|| TestCaseError::fail("a hold is gone"))?;
                prop_assert!(now.state == hold.state || now.acts.last().is_some_and(|act| act.by == name("m.lin")));
                prop_assert!(now.evidence.starts_with(&hold.evidence));
            }
            for hold in book.holds.iter() {
                prop_assert!(hold.evidence.iter().all(|version| version.evidence.product_version == 1));
                prop_assert!(hold.evidence.iter().all(|version| version.evidence.watermark.is_some()));
            }
        }
    }
}

/// Two pieces of work can be as of the same millisecond, and the one that knew less may end last.
#[test]
fn of_one_instant_the_newest_reading_counts() {
    let knew = |watermark: i64, excursions: Vec<Excursion>| {
        let mut assessment = assessment(60, excursions);
        assessment.provenance.watermark = Some(minute(watermark));
        assessment
    };
    let cause = Cause::Finding { code: ReasonCode::Excursion, rule: Some(name("hot")) };
    let (before, after) = (knew(0, vec![]), knew(60, vec![excursion("hot", 10, 60, true)]));
    let (before, after) = (Evidence::of(&before, &cause), Evidence::of(&after, &cause));
    assert!(after.is_no_older_than(&before));
    assert!(!before.is_no_older_than(&after));
    let next = Evidence { as_of: minute(61), ..before };
    assert!(next.is_no_older_than(&after), "an exclusion may take the newest reading away");
}
