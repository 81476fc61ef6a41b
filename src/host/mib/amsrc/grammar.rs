//! The grammar of `amsrc` text.
//!
//! ```text
//! file      = *(line eol)
//! line      = comment / blank / start / end / whole
//! start     = "+" name *(space attribute)     begins an element
//! end       = "-" name *(space attribute)     ends it; the attributes do not count
//! whole     = "*" name *(space attribute)     an element with nothing within it
//! attribute = name "=" [space] value
//! value     = bare / quoted / braced
//! bare      = characters up to white space, the first neither "'" nor "{"
//! quoted    = "'" *(escape / any but "'") "'"
//! braced    = "{" *(escape / any but "}") "}"
//! escape    = "\" any                         stands for the character after it
//! comment   = "#" *any
//! ```
//!
//! Comments and blank lines are ours; ION's loader stops at either.

use std::borrow::Cow;
use std::format;
use std::string::String;
use std::vec::Vec;

use nom::branch::alt;
use nom::bytes::complete::{take_till1, take_while1};
use nom::character::complete::{anychar, char, space0, space1};
use nom::combinator::{cut, eof, map, recognize, rest};
use nom::error::{ErrorKind, ParseError};
use nom::multi::many0;
use nom::sequence::{preceded, terminated};
use nom::{Err, IResult, Parser};

use super::super::error::{MibError, Source};
use super::element::{Attribute, DEPTH_LIMIT, Element};

/// The element declarations of `amsrc` text, nested as they are in it.
pub(super) fn parse<'t>(source: &Source<'t>) -> Result<Vec<Element<'t>>, MibError> {
    let mut tree = Tree { source, done: Vec::new(), open: Vec::new() };
    for text in source.text.lines() {
        match line(source, text) {
            Ok((_, Line::Nothing)) => {}
            Ok((_, Line::Start(element))) => tree.start(element)?,
            Ok((_, Line::End { name, offset })) => tree.end(name, offset)?,
            Ok((_, Line::Whole(element))) => tree.add(element),
            Err(Err::Error(fault) | Err::Failure(fault)) => return Err(fault.error(source)),
            Err(Err::Incomplete(_)) => {
                return Err(Fault { at: text, expected: "a whole line" }.error(source));
            }
        }
    }
    tree.finish()
}

/// What one line says.
enum Line<'t> {
    Nothing,
    Start(Element<'t>),
    End { name: &'t str, offset: usize },
    Whole(Element<'t>),
}

/// What was expected, and the text found in its place.
#[derive(Debug)]
struct Fault<'t> {
    at: &'t str,
    expected: &'static str,
}

impl Fault<'_> {
    fn error(&self, source: &Source<'_>) -> MibError {
        let found = match self.at.split_whitespace().next() {
            Some(word) => format!("`{}`", word.chars().take(20).collect::<String>()),
            None => "the end of the line".into(),
        };
        let problem = format!("{found} is not {}", self.expected);
        let remedy = "write `+name attribute=value …`, `*name …` or `-name` at its beginning";
        source.error(source.offset(self.at), "the line", problem, remedy)
    }
}

impl<'t> ParseError<&'t str> for Fault<'t> {
    fn from_error_kind(at: &'t str, _: ErrorKind) -> Self {
        Self { at, expected: "expected here" }
    }

    fn append(_: &'t str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'t, T> = IResult<&'t str, T, Fault<'t>>;

/// Makes a parser final: where it does not match, `expected` is what is wrong.
fn expect<'t, T>(
    mut parser: impl Parser<&'t str, Output = T, Error = Fault<'t>>,
    expected: &'static str,
) -> impl FnMut(&'t str) -> Parsed<'t, T> {
    move |input| {
        parser.parse(input).map_err(|error| match error {
            Err::Error(_) => Err::Failure(Fault { at: input, expected }),
            other => other,
        })
    }
}

/// The line, whole.
fn line<'t>(source: &Source<'t>, text: &'t str) -> Parsed<'t, Line<'t>> {
    let declaration = || cut(|input| element(source, input));
    let nothing = alt((recognize((char('#'), rest)), terminated(space0, eof)));
    let end = |element: Element<'t>| Line::End { name: element.name, offset: element.offset };
    expect(
        alt((
            map(nothing, |_| Line::Nothing),
            preceded(char('+'), map(declaration(), Line::Start)),
            preceded(char('*'), map(declaration(), Line::Whole)),
            preceded(char('-'), map(declaration(), end)),
        )),
        "`+`, `*`, `-` or `#`",
    )(text)
}

/// A name and its attributes, up to the end of the line.
fn element<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Element<'t>> {
    let (at, name) = expect(name, "the name of an element")(input)?;
    let (at, attributes) = many0(preceded(space1, |at| attribute(source, at))).parse(at)?;
    let (at, _) = space0(at)?;
    let (at, _) = expect(eof, "an attribute `name=value`")(at)?;
    let offset = source.offset(name);
    Ok((at, Element { name, offset, attributes, children: Vec::new() }))
}

fn attribute<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Attribute<'t>> {
    let (at, name) = terminated(name, char('=')).parse(input)?;
    let (at, _) = space0(at)?;
    let (after, value) = expect(attribute_value, "a value")(at)?;
    let (offset, value_offset) = (source.offset(name), source.offset(at));
    Ok((after, Attribute { name, offset, value, value_offset }))
}

fn name(input: &str) -> Parsed<'_, &str> {
    take_while1(|c: char| c.is_ascii_alphanumeric() || c == '_').parse(input)
}

fn attribute_value(input: &str) -> Parsed<'_, Cow<'_, str>> {
    let bare = take_till1(char::is_whitespace);
    alt((
        preceded(char('\''), expect(terminated(escaped('\''), char('\'')), "closed by `'`")),
        preceded(char('{'), expect(terminated(escaped('}'), char('}')), "closed by `}`")),
        map(bare, Cow::Borrowed),
    ))
    .parse(input)
}

/// Text up to `close`, without the escapes in it.
fn escaped<'t>(close: char) -> impl Parser<&'t str, Output = Cow<'t, str>, Error = Fault<'t>> {
    let plain = move |c: char| c == close || c == '\\';
    map(
        many0(alt((take_till1(plain), preceded(char('\\'), recognize(anychar))))),
        |parts: Vec<&str>| match parts.as_slice() {
            [] => Cow::Borrowed(""),
            [part] => Cow::Borrowed(*part),
            parts => Cow::Owned(parts.concat()),
        },
    )
}

/// The elements seen so far. Those that are still open enclose one another.
struct Tree<'s, 't> {
    source: &'s Source<'t>,
    done: Vec<Element<'t>>,
    open: Vec<Element<'t>>,
}

impl<'t> Tree<'_, 't> {
    fn start(&mut self, element: Element<'t>) -> Result<(), MibError> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(too_deep(self.source, &element));
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self, name: &str, offset: usize) -> Result<(), MibError> {
        match self.open.pop() {
            Some(element) if element.name == name => {
                self.add(element);
                Ok(())
            }
            Some(open) => {
                let problem = format!("`{}` is still open", open.name);
                let remedy = format!("end it with `-{}` before this", open.name);
                Err(self.source.error(offset, format!("`-{name}`"), problem, remedy))
            }
            None => {
                let problem = "no element is open";
                let remedy = format!("leave it out, or begin with `+{name}`");
                Err(self.source.error(offset, format!("`-{name}`"), problem, remedy))
            }
        }
    }

    fn add(&mut self, element: Element<'t>) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.done.push(element),
        }
    }

    fn finish(mut self) -> Result<Vec<Element<'t>>, MibError> {
        let Some(open) = self.open.pop() else { return Ok(self.done) };
        let problem = "it is not ended";
        let remedy = format!("add the line `-{}`", open.name);
        Err(self.source.error(open.offset, format!("`+{}`", open.name), problem, remedy))
    }
}

/// The error of an element within too many others.
pub(super) fn too_deep(source: &Source<'_>, element: &Element<'_>) -> MibError {
    let problem = format!("it is within {DEPTH_LIMIT} other elements");
    source.error(element.offset, format!("`{}`", element.name), problem, "end some of them before")
}
