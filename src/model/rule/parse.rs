//! From text to tree, by recursive descent. The text is hostile: each octet is read
//! a bounded number of times, and the descent is as deep as the rule may nest.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use http::HeaderName;
use ipnet::IpNet;

use super::field::{Field, Named};
use super::needle::{Needle, OneOf};
use super::pattern::{Pattern, Replacement};
use super::tree::{Networks, Node, NumberTest, Replace, Test, Text, TextTest};
use super::{RULE_CONDITIONS_MAX, RULE_MAX_BYTES, RULE_NESTING_MAX, RULE_REGEXES_MAX, RuleError};

type Parsed<T> = Result<T, RuleError>;

const FIELD_OR_FUNCTION: &str =
    "a field such as `http.host`, or `lower(...)`, `concat(...)` or `regex_replace(...)`";

pub(super) fn rule(text: &str) -> Parsed<Node> {
    let mut parser = Parser { text, at: 0, depth: 0, conditions: 0, regexes: 0, replacing: false };
    if text.len() > RULE_MAX_BYTES {
        let at = text.floor_char_boundary(RULE_MAX_BYTES);
        return parser.fail(at, format!("a rule has at most {RULE_MAX_BYTES} bytes"));
    }
    let node = parser.any()?;
    if !parser.rest().is_empty() {
        return parser.expected("`and`, `or` or the end");
    }
    let mut length = Length(0);
    if write!(length, "{node}").is_err() || length.0 > RULE_MAX_BYTES {
        let reason = format!("with blanks between its words, more than {RULE_MAX_BYTES} bytes");
        return parser.fail(text.len(), reason);
    }
    Ok(node)
}

/// Counts what is written.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    conditions: usize,
    regexes: usize,
    /// Inside the source of a `regex_replace`.
    replacing: bool,
}

/// Which values a function takes beside texts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Texts,
    AnyValue,
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Parsed<Node> {
        let mut nodes = vec![self.all()?];
        while self.keyword("or") {
            nodes.push(self.all()?);
        }
        Ok(Node::any(nodes))
    }

    fn all(&mut self) -> Parsed<Node> {
        let mut nodes = vec![self.not()?];
        while self.keyword("and") {
            nodes.push(self.not()?);
        }
        Ok(Node::all(nodes))
    }

    fn not(&mut self) -> Parsed<Node> {
        let mut negated = false;
        while self.keyword("not") {
            negated = !negated;
        }
        let node = if self.sign('(') {
            let node = self.nested(Self::any)?;
            self.expect_sign(')')?;
            node
        } else {
            self.condition()?
        };
        Ok(if negated { Node::not(node) } else { node })
    }

    fn condition(&mut self) -> Parsed<Node> {
        let word = self.word();
        self.conditions += 1;
        if self.conditions > RULE_CONDITIONS_MAX {
            return self.expected(&format!("at most {RULE_CONDITIONS_MAX} conditions"));
        }
        match word {
            "true" => {
                self.at += word.len();
                Ok(Node::Always)
            }
            "ssl" => {
                self.at += word.len();
                Ok(Node::Test(Test::Secure))
            }
            "exists" => {
                self.call(word)?;
                let field = self.field()?;
                self.expect_sign(')')?;
                Ok(Node::Test(Test::Exists(field)))
            }
            "starts_with" | "ends_with" => self.affix(word),
            "ip.src" => self.address_condition(word),
            "ip.geoip.asnum" => self.number_condition(word),
            _ => self.text_condition(),
        }
    }

    fn affix(&mut self, function: &str) -> Parsed<Node> {
        self.call(function)?;
        let text = self.text(Takes::Texts)?;
        self.expect_sign(',')?;
        let affix = self.compared_string(&text)?;
        self.expect_sign(')')?;
        let asked = match function {
            "starts_with" => TextTest::StartsWith(affix.into()),
            _ => TextTest::EndsWith(Needle::new(&affix)),
        };
        Ok(Node::Test(Test::Text(text, asked)))
    }

    fn text_condition(&mut self) -> Parsed<Node> {
        let text = self.text(Takes::Texts)?;
        let word = self.word();
        if matches!(word, "gt" | "lt" | "ge" | "le") {
            return self.fail(self.at, format!("`{word}` compares integers, and `{text}` is text"));
        }
        let operator = self.operator(&["eq", "ne", "contains", "matches", "in"])?;
        let asked = match operator {
            "contains" => TextTest::Contains(Needle::new(&self.compared_string(&text)?)),
            "matches" => TextTest::Matches(self.pattern(text.ignores_case())?),
            "in" => TextTest::OneOf(OneOf::new(
                self.set(|parser| Ok(parser.compared_string(&text)?.into()))?,
            )),
            _ => TextTest::OneOf(OneOf::new(vec![self.compared_string(&text)?.into()])),
        };
        Ok(tested(operator, Test::Text(text, asked)))
    }

    fn address_condition(&mut self, field: &str) -> Parsed<Node> {
        self.at += field.len();
        let operator = self.operator(&["eq", "ne", "in"])?;
        let networks = match operator {
            "in" => self.set(Self::network)?,
            _ => vec![self.address()?],
        };
        Ok(tested(operator, Test::Address(Networks::new(&networks))))
    }

    fn number_condition(&mut self, field: &str) -> Parsed<Node> {
        self.at += field.len();
        let operator = self.operator(&["eq", "ne", "gt", "lt", "ge", "le", "in"])?;
        let test = match operator {
            "in" => NumberTest::one_of(self.set(Self::number)?),
            "gt" => NumberTest::Above(self.number()?),
            "lt" => NumberTest::Below(self.number()?),
            "ge" => NumberTest::AtLeast(self.number()?),
            "le" => NumberTest::AtMost(self.number()?),
            _ => NumberTest::one_of(vec![self.number()?]),
        };
        Ok(tested(operator, Test::Number(test)))
    }

    fn operator(&mut self, known: &[&str]) -> Parsed<&'t str> {
        let operator = self.word();
        if !known.contains(&operator) {
            return self.expected(&format!("one of `{}`", known.join("`, `")));
        }
        self.at += operator.len();
        Ok(operator)
    }

    fn text(&mut self, takes: Takes) -> Parsed<Text> {
        let function = self.word();
        match function {
            "lower" => {
                self.call(function)?;
                let text = self.nested(|parser| parser.text(Takes::Texts))?;
                self.expect_sign(')')?;
                Ok(Text::Lower(Box::new(text)))
            }
            "concat" => {
                self.call(function)?;
                let parts = self.nested(Self::parts)?;
                Ok(Text::Concat(parts.into()))
            }
            "regex_replace" => self.replace(function),
            _ if self.rest().starts_with('"') => {
                self.expected(&format!("{FIELD_OR_FUNCTION}; strings stand on the right"))
            }
            _ => {
                let at = self.at;
                match self.field()? {
                    field @ (Field::Address | Field::AsNumber) if takes == Takes::Texts => {
                        self.fail(at, format!("`{field}` is no text; `concat` makes it one"))
                    }
                    field => Ok(Text::Field(field)),
                }
            }
        }
    }

    /// What is concatenated, with the closing parenthesis.
    fn parts(&mut self) -> Parsed<Vec<Text>> {
        let mut parts = Vec::new();
        loop {
            self.blanks();
            parts.push(match self.rest().chars().next() {
                Some('"') => Text::Literal(self.string()?.into()),
                Some('0'..='9') => Text::Literal(self.number()?.to_string().into()),
                _ => self.text(Takes::AnyValue)?,
            });
            if self.sign(')') {
                return Ok(parts);
            }
            self.expect_sign(',')?;
        }
    }

    fn replace(&mut self, function: &str) -> Parsed<Text> {
        if self.replacing {
            // Each replacement may make a text eight times as long.
            return self.expected("no `regex_replace` inside another");
        }
        self.call(function)?;
        self.replacing = true;
        let source = self.nested(|parser| parser.text(Takes::Texts))?;
        self.replacing = false;
        self.expect_sign(',')?;
        let pattern = self.pattern(false)?;
        self.expect_sign(',')?;
        self.blanks();
        let at = self.at;
        let to = self.string()?;
        let to = Replacement::new(&to, &pattern).or_else(|reason| self.fail(at, reason))?;
        self.expect_sign(')')?;
        Ok(Text::Replace(Box::new(Replace { source, pattern, to })))
    }

    fn pattern(&mut self, ignores_case: bool) -> Parsed<Pattern> {
        self.blanks();
        let at = self.at;
        let text = self.string()?;
        self.regexes += 1;
        if self.regexes > RULE_REGEXES_MAX {
            return self
                .fail(at, format!("a rule has at most {RULE_REGEXES_MAX} regular expressions"));
        }
        Pattern::new(&text, ignores_case).or_else(|reason| self.fail(at, reason))
    }

    fn field(&mut self) -> Parsed<Field> {
        let name = self.word();
        let at = self.at;
        let named = match Named::new(name) {
            Some(Named::Refused(why)) => return self.fail(at, format!("`{name}`: {why}")),
            Some(named) => named,
            None if name.is_empty() => return self.expected(FIELD_OR_FUNCTION),
            None => {
                return self
                    .fail(at, format!("`{name}` is no field; expected {FIELD_OR_FUNCTION}"));
            }
        };
        self.at += name.len();
        let headers = match named {
            Named::Field(field) => return Ok(field),
            Named::Headers => true,
            Named::Cookies | Named::Refused(_) => false,
        };
        self.expect_sign('[')?;
        self.blanks();
        let at = self.at;
        let key = self.string()?;
        self.expect_sign(']')?;
        if !headers {
            return Ok(Field::Cookie(key.into()));
        }
        match HeaderName::from_bytes(key.as_bytes()) {
            Ok(name) => Ok(Field::Header(name)),
            Err(_) => self.fail(at, format!("`{key}` is no name of a header field")),
        }
    }

    /// A string to compare `text` with.
    fn compared_string(&mut self, text: &Text) -> Parsed<String> {
        let string = self.string()?;
        Ok(if text.ignores_case() { string.to_ascii_lowercase() } else { string })
    }

    fn string(&mut self) -> Parsed<String> {
        if !self.sign('"') {
            return self.expected("a string in double quotes");
        }
        let mut string = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((offset, char)) = chars.next() {
            match char {
                '"' => {
                    self.at += offset + 1;
                    return Ok(string);
                }
                '\\' if chars.as_str().starts_with(['"', '\\']) => {
                    string.extend(chars.next().map(|(_, escaped)| escaped));
                }
                other => string.push(other),
            }
        }
        self.fail(self.at - 1, "this string has no closing quote".to_owned())
    }

    fn number(&mut self) -> Parsed<u32> {
        self.blanks();
        let rest = self.rest();
        let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
        match digits.parse() {
            Ok(number) if !self.glued(digits.len()) => {
                self.at += digits.len();
                Ok(number)
            }
            _ => self.expected(&format!("an integer from 0 to {}", u32::MAX)),
        }
    }

    fn address(&mut self) -> Parsed<IpNet> {
        let word = self.address_word();
        match word.parse::<IpAddr>() {
            Ok(address) => {
                self.at += word.len();
                Ok(address.into())
            }
            Err(_) if word.parse::<IpNet>().is_ok() => {
                self.expected("an address; networks stand in a set, as in `ip.src in {10.0.0.0/8}`")
            }
            Err(_) => self.expected("an address such as `192.0.2.1`, without quotes"),
        }
    }

    fn network(&mut self) -> Parsed<IpNet> {
        let word = self.address_word();
        let network = word.parse().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => {
                self.at += word.len();
                Ok(network)
            }
            Err(_) => self.expected("an address or a network such as `10.0.0.0/8`, without quotes"),
        }
    }

    fn address_word(&mut self) -> &'t str {
        self.blanks();
        let text = self.text;
        let rest = &text[self.at..];
        let len = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'/'))
            .count();
        &rest[..len]
    }

    /// Members between braces, one at least.
    fn set<T>(&mut self, member: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect_sign('{')?;
        let mut members = vec![member(self)?];
        while !self.sign('}') {
            if self.rest().is_empty() || self.rest().starts_with(',') {
                return self.expected("`}`, or another member after a blank");
            }
            members.push(member(self)?);
        }
        Ok(members)
    }

    fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > RULE_NESTING_MAX {
            let reason = format!("parentheses and functions nest at most {RULE_NESTING_MAX} deep");
            return self.fail(self.at, reason);
        }
        let parsed = inside(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    /// Takes the name of a function and its opening parenthesis.
    fn call(&mut self, function: &str) -> Parsed<()> {
        self.at += function.len();
        self.expect_sign('(')
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.word() == keyword;
        if found {
            self.at += keyword.len();
        }
        found
    }

    /// The word that comes next, which is not taken yet.
    fn word(&mut self) -> &'t str {
        self.blanks();
        let text = self.text;
        let rest = &text[self.at..];
        &rest[..rest.bytes().take_while(|&byte| is_of_word(byte)).count()]
    }

    /// Whether what ends at `len` goes on as a word.
    fn glued(&self, len: usize) -> bool {
        self.rest().as_bytes().get(len).is_some_and(|byte| is_of_word(*byte))
    }

    fn sign(&mut self, sign: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len_utf8();
        }
        found
    }

    fn expect_sign(&mut self, sign: char) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { self.expected(&format!("`{sign}`")) }
    }

    fn blanks(&mut self) {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        self.at += self.rest().bytes().take_while(blank).count();
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        self.fail(self.at, format!("expected {what}"))
    }

    fn fail<T>(&self, position: usize, reason: String) -> Parsed<T> {
        let column = self.text[..position].chars().count() + 1;
        Err(RuleError { position, column, reason })
    }
}

/// `ne` is `not ... eq`, whatever is compared.
fn tested(operator: &str, test: Test) -> Node {
    let node = Node::Test(test);
    if operator == "ne" { Node::not(node) } else { node }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}
