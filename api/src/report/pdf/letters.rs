//! Fonts, and text as glyphs of them.
//!
//! Latin, Greek and Cyrillic are in the program. For Chinese, Japanese and Korean the machine's own font is taken, when a
//! report needs one; what no font has is shown as `�` and keeps its character for whoever copies or searches the text.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use krilla::text::Font;
use skrifa::instance::{LocationRef, Size};
use skrifa::string::StringId;
use skrifa::{FontRef, MetadataProvider};

use super::PdfError;

/// What is shown for a character that no font has.
const REPLACEMENT: char = '\u{fffd}';
/// How deep below a font directory is looked.
const DEEPEST: usize = 6;
/// The largest font file taken.
const MAX_FONT_BYTES: u64 = 64 << 20;

/// Fonts with Chinese, Japanese and Korean characters, the best first, as the beginnings of their files' names.
const WIDE_FONTS: [&str; 9] = [
    "NotoSansCJK-Regular",
    "NotoSansCJKsc-Regular",
    "NotoSansSC-Regular",
    "NotoSansSC",
    "SourceHanSansSC-Regular",
    "SourceHanSansCN-Regular",
    "wqy-microhei",
    "wqy-zenhei",
    "DroidSansFallback",
];

/// Which font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaceId {
    Regular,
    Strong,
    Mono,
    /// The machine's font for Chinese, Japanese and Korean.
    Wide,
}

/// A font and a size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) face: FaceId,
    pub(super) size: f32,
}

/// A style.
pub(super) const fn style(face: FaceId, size: f32) -> Style {
    Style { face, size }
}

/// A font with what is needed to set text in it.
pub(super) struct Face {
    pub(super) font: Font,
    /// Glyph and advance (of 1) of every character.
    glyphs: HashMap<char, (u32, f32)>,
}

impl Face {
    fn new(data: krilla::Data, bytes: &[u8], index: u32) -> Option<Self> {
        let reference = FontRef::from_index(bytes, index).ok()?;
        let metrics = reference.glyph_metrics(Size::new(1.0), LocationRef::default());
        let glyphs = reference.charmap().mappings().filter_map(|(code, glyph)| {
            let sign = char::from_u32(code)?;
            Some((sign, (glyph.to_u32(), metrics.advance_width(glyph)?)))
        });
        let glyphs = glyphs.collect();
        Some(Self { font: Font::new(data, index)?, glyphs })
    }
}

/// The fonts reports are set in. Made once.
pub struct Fonts {
    regular: Face,
    strong: Face,
    mono: Face,
    wide: Option<PathBuf>,
}

impl Fonts {
    /// The program's own fonts, and from `directories` one for Chinese, Japanese and Korean, if there is any.
    ///
    /// # Errors
    /// When the program is damaged.
    pub fn load(directories: &[PathBuf]) -> Result<Self, PdfError> {
        let own =
            |name: &'static str, bytes: &'static [u8]| Face::new(bytes.into(), bytes, 0).ok_or(PdfError::Font(name));
        Ok(Self {
            regular: own("NotoSans-Regular", include_bytes!("../../../fonts/NotoSans-Regular.ttf"))?,
            strong: own("NotoSans-SemiBold", include_bytes!("../../../fonts/NotoSans-SemiBold.ttf"))?,
            mono: own("NotoSansMono-Regular", include_bytes!("../../../fonts/NotoSansMono-Regular.ttf"))?,
            wide: wide_font(directories),
        })
    }

    /// The directories in which systems keep fonts.
    #[must_use]
    pub fn system_directories() -> Vec<PathBuf> {
        ["/usr/share/fonts", "/usr/local/share/fonts"].into_iter().map(PathBuf::from).collect()
    }
}

/// The best font of [`WIDE_FONTS`] below `directories`; of equals the first by path.
fn wide_font(directories: &[PathBuf]) -> Option<PathBuf> {
    let mut found = Vec::new();
    directories.iter().for_each(|directory| collect(directory, 0, &mut found));
    let rank = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        let known = matches!(path.extension()?.to_str()?, "ttf" | "otf" | "ttc" | "otc");
        WIDE_FONTS.iter().position(|start| known && name.starts_with(start))
    };
    let ranked = found.into_iter().filter_map(|path| rank(&path).map(|rank| (rank, path)));
    ranked.min().map(|(_, path)| path)
}

fn collect(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && depth < DEEPEST {
            collect(&path, depth + 1, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Loads the font at `path`; of a collection the one for simplified Chinese.
fn load_wide(path: &Path) -> Option<Face> {
    let size = std::fs::metadata(path).ok()?.len();
    let bytes = (size <= MAX_FONT_BYTES).then(|| std::fs::read(path).ok()).flatten()?;
    let bytes = std::sync::Arc::new(bytes);
    let simplified = |index: &u32| {
        let name = FontRef::from_index(&bytes, *index).ok().and_then(|font| {
            font.localized_strings(StringId::FAMILY_NAME)
                .english_or_first()
                .map(|name| name.chars().collect::<String>())
        });
        name.is_some_and(|name| name.ends_with(" SC"))
    };
    let index = (0..32).take_while(|index| FontRef::from_index(&bytes, *index).is_ok()).find(simplified).unwrap_or(0);
    Face::new(krilla::Data::from(std::sync::Arc::clone(&bytes)), &bytes, index)
}

/// One glyph of a run: which, how far the next one is (of 1), and which bytes of the run's text it shows.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) glyph: u32,
    pub(super) advance: f32,
    pub(super) range: Range<usize>,
}

/// Text in one font.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) face: FaceId,
    pub(super) text: String,
    pub(super) glyphs: Vec<Placed>,
}

/// A line of text, set.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
    pub(super) size: f32,
    pub(super) width: f32,
}

/// The fonts as one report uses them.
pub(super) struct Letters<'a> {
    fonts: &'a Fonts,
    wide: OnceCell<Option<Face>>,
    missing: Cell<bool>,
}

impl<'a> Letters<'a> {
    pub(super) fn new(fonts: &'a Fonts) -> Self {
        Self { fonts, wide: OnceCell::new(), missing: Cell::new(false) }
    }

    /// Whether a character was met that no font has.
    pub(super) fn lacked(&self) -> bool {
        self.missing.get()
    }

    /// The font of a face; the regular one where a machine has no wide one.
    pub(super) fn face(&self, id: FaceId) -> &Face {
        match id {
            FaceId::Regular => &self.fonts.regular,
            FaceId::Strong => &self.fonts.strong,
            FaceId::Mono => &self.fonts.mono,
            FaceId::Wide => self.wide().unwrap_or(&self.fonts.regular),
        }
    }

    fn wide(&self) -> Option<&Face> {
        self.wide.get_or_init(|| self.fonts.wide.as_deref().and_then(load_wide)).as_ref()
    }

    /// The font, the glyph and the advance (of 1) for `sign` in `face`, and what the text then says.
    fn glyph(&self, face: FaceId, sign: char) -> (FaceId, u32, f32, char) {
        let own = |id: FaceId| self.face(id).glyphs.get(&sign).map(|(glyph, advance)| (id, *glyph, *advance, sign));
        let found = own(face).or_else(|| (face != FaceId::Regular).then(|| own(FaceId::Regular)).flatten());
        // A private or invisible character says nothing to anybody else: its place is shown.
        let spoken = !sign.is_control()
            && !matches!(sign, '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{f0000}'..);
        let wide = || self.wide()?.glyphs.get(&sign).map(|(glyph, advance)| (FaceId::Wide, *glyph, *advance, sign));
        match found.filter(|_| spoken).or_else(|| if spoken && sign > '\u{7f}' { wide() } else { None }) {
            Some(found) => found,
            None => {
                self.missing.set(true);
                let (glyph, advance) = self.fonts.regular.glyphs.get(&REPLACEMENT).copied().unwrap_or((0, 0.6));
                (FaceId::Regular, glyph, advance, if spoken { sign } else { REPLACEMENT })
            }
        }
    }

    /// `text` in one line.
    pub(super) fn line(&self, style: Style, text: &str) -> Line {
        let mut line = Line { runs: Vec::new(), size: style.size, width: 0.0 };
        for sign in text.chars() {
            let (face, glyph, advance, said) = self.glyph(style.face, sign);
            if line.runs.last().is_none_or(|run| run.face != face) {
                line.runs.push(Run { face, text: String::new(), glyphs: Vec::new() });
            }
            if let Some(run) = line.runs.last_mut() {
                let start = run.text.len();
                run.text.push(said);
                run.glyphs.push(Placed { glyph, advance, range: start..run.text.len() });
            }
            line.width += advance * style.size;
        }
        line
    }

    /// How wide `text` is in one line.
    pub(super) fn width(&self, style: Style, text: &str) -> f32 {
        text.chars().map(|sign| self.glyph(style.face, sign).2).sum::<f32>() * style.size
    }

    /// `text` in lines no wider than `width`: broken at spaces, between wide characters, and where nothing else helps
    /// anywhere.
    pub(super) fn wrap(&self, style: Style, text: &str, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut filled = 0.0;
        for word in pieces(text) {
            let mut word = word;
            let mut long = self.width(style, word.trim_end());
            if filled > 0.0 && filled + long > width {
                lines.push(String::new());
                filled = 0.0;
            }
            while long > width && word.chars().nth(1).is_some() {
                let fits = self.fitting(style, word, width - filled);
                let (head, rest) = word.split_at(fits);
                if let Some(line) = lines.last_mut() {
                    line.push_str(head);
                }
                lines.push(String::new());
                (filled, word, long) = (0.0, rest, self.width(style, rest.trim_end()));
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(word);
            }
            filled += self.width(style, word);
        }
        lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
        if lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// How many bytes of `word` fit into `width`; at least one character.
    fn fitting(&self, style: Style, word: &str, width: f32) -> usize {
        let mut used = 0.0;
        for (at, sign) in word.char_indices() {
            used += self.glyph(style.face, sign).2 * style.size;
            if used > width && at > 0 {
                return at;
            }
        }
        word.len()
    }

    /// The width below which `text` would be broken within a word.
    pub(super) fn longest_word(&self, style: Style, text: &str) -> f32 {
        pieces(text).map(|word| self.width(style, word.trim_end())).fold(0.0, f32::max)
    }
}

/// The pieces a text may be broken into: words with the space behind them, wide characters one by one.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        let mut before: Option<char> = None;
        for (at, sign) in rest.char_indices() {
            let breaks =
                before.is_some_and(|before| sign != ' ' && (before == ' ' || is_wide(before) || is_wide(sign)));
            if breaks {
                end = at;
                break;
            }
            before = Some(sign);
        }
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

fn is_wide(sign: char) -> bool {
    matches!(sign, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
