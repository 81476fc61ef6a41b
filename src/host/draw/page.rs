//! Pages: drawings one below the other.

use std::fmt;
use std::string::String;

/// A drawing: SVG elements that fill a rectangle from (0, 0), to be put anywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment {
    /// The elements.
    pub svg: String,
    /// The width, in units of the page.
    pub width: f64,
    /// The height.
    pub height: f64,
}

/// Drawings one below the other, each with a heading.
#[derive(Clone, Debug)]
pub struct Page {
    body: String,
    width: f64,
    height: f64,
}

impl Page {
    /// Around everything.
    const MARGIN: f64 = 32.0;

    /// A page with a title and, in smaller letters, what it is about.
    #[must_use]
    pub fn new(title: &str, about: &str) -> Self {
        let body = std::format!(
            "<text x='0' y='24' font-size='24' font-weight='700' fill='{}'>{}</text>\n\
             <text x='0' y='46' font-size='13' fill='{}'>{}</text>\n",
            ink::STRONG,
            escape(title),
            ink::SOFT,
            escape(about),
        );
        Self { body, width: 0.0, height: 54.0 }
    }

    /// Adds a drawing below what there is, under a heading and a note. Either may
    /// be empty.
    pub fn add(&mut self, heading: &str, note: &str, drawing: &Fragment) {
        self.height += 26.0;
        if !heading.is_empty() {
            self.height += 16.0;
            self.line(16.0, "600", ink::STRONG, heading);
            self.height += 8.0;
        }
        if !note.is_empty() {
            self.height += 12.0;
            self.line(12.0, "400", ink::SOFT, note);
            self.height += 6.0;
        }
        self.height += 8.0;
        self.body.push_str(&std::format!(
            "<g transform='translate(0 {})'>\n{}</g>\n",
            Figure(self.height),
            drawing.svg
        ));
        self.height += drawing.height;
        self.width = self.width.max(drawing.width);
    }

    /// The whole page as the text of an SVG file.
    #[must_use]
    pub fn finish(&self) -> String {
        let width = Figure(self.width + 2.0 * Self::MARGIN);
        let height = Figure(self.height + 2.0 * Self::MARGIN);
        std::format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' \
             viewBox='0 0 {width} {height}' font-family=\"Inter, 'Segoe UI', 'Helvetica Neue', \
             Arial, sans-serif\">\n<rect width='100%' height='100%' fill='#ffffff'/>\n\
             <g transform='translate({margin} {margin})'>\n{}</g>\n</svg>\n",
            self.body,
            margin = Self::MARGIN,
        )
    }

    fn line(&mut self, size: f64, weight: &str, fill: &str, text: &str) {
        self.body.push_str(&std::format!(
            "<text x='0' y='{}' font-size='{size}' font-weight='{weight}' fill='{fill}'>{}</text>\n",
            Figure(self.height),
            escape(text)
        ));
    }
}

/// The colours of letters and lines.
pub(super) mod ink {
    /// Headings.
    pub(in super::super) const STRONG: &str = "#16202e";
    /// Notes and axes.
    pub(in super::super) const SOFT: &str = "#5b6777";
}

/// `text` as it must be written in an element. What XML has no way to write
/// becomes a replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A coordinate, to a tenth of a unit and no longer than need be.
pub(super) struct Figure(pub(super) f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0;
        // Never -0, and never what is not a number.
        write!(f, "{}", if tenths == 0.0 || !tenths.is_finite() { 0.0 } else { tenths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(
            escape("a<b> & 'c' \"d\"\u{1}"),
            "a&lt;b&gt; &amp; &#39;c&#39; &quot;d&quot;\u{fffd}"
        );
    }

    #[test]
    fn a_page_holds_its_drawings() {
        let drawing = Fragment { svg: "<rect/>\n".into(), width: 300.0, height: 100.0 };
        let mut page = Page::new("T", "about");
        page.add("One", "", &drawing);
        page.add("", "note", &drawing);
        let svg = page.finish();
        assert!(svg.contains("width='364'"), "{svg}");
        assert!(svg.contains("height='428'"), "{svg}");
        assert_eq!(svg.matches("<rect/>").count(), 2);
    }
}
