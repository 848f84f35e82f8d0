//! A report, as text for a terminal or as one page that says everything: no script, and
//! nothing from elsewhere.

use std::fmt::Write;

use super::number::one_line;
use super::table::{Column, Table};

/// A verdict, and what it rests on.
#[derive(Debug, Clone)]
pub struct Page {
    pub title: String,
    /// What was found; nothing is good.
    pub findings: Vec<String>,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub enum Part {
    Heading(String),
    Text(String),
    /// What belongs to the text before it, one by one.
    Items(Vec<String>),
    /// SVG of ours, which is taken as it stands. A terminal shows none.
    Plot(String),
    Table(Table),
    /// What was typed, by whoever reads the terminal.
    Command(String),
}

/// Paper and ink by the reader's wish, and always light in print.
const STYLE: &str = "
:root{color-scheme:light dark;--paper:#fdfdfc;--ink:#1d1f21;--grid:#dcdcd8;--soft:#f1f1ee;--good:#1f7a45;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--paper:#17181a;--ink:#e6e6e3;--grid:#3a3c3f;--soft:#232528;--good:#6ecb93;--bad:#ff8a80}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--grid:#ccc;--soft:#fff;--good:#1f7a45;--bad:#b3261e}section{break-inside:avoid}}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.verdict{border-left:.4rem solid var(--good);background:var(--soft);padding:.6rem 1rem}
.verdict.bad{border-color:var(--bad)}.verdict p{margin:.2rem 0}.verdict b{color:var(--good)}.verdict.bad b{color:var(--bad)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{padding:.25rem .8rem .25rem 0;text-align:left;white-space:nowrap;border-bottom:1px solid var(--grid)}
th.right,td.right{text-align:right}
svg{width:100%;max-width:52rem;height:auto;display:block}
svg text{font-family:system-ui,sans-serif}
svg [stroke='#010101']{stroke:var(--ink)}svg [fill='#010101']{fill:var(--ink)}
svg [stroke='#020202']{stroke:var(--grid)}svg [fill='#020202']{fill:var(--grid)}
pre{background:var(--soft);padding:.8rem;white-space:pre-wrap}
";

impl Page {
    /// The verdict is last, where a terminal ends.
    pub fn to_text(&self) -> String {
        let mut text = one_line(&self.title) + "\n";
        for part in &self.parts {
            match part {
                Part::Heading(said) => text.extend(["\n", &one_line(said), "\n"]),
                Part::Text(said) => text.extend([&one_line(said), "\n"]),
                Part::Items(items) => {
                    for item in items {
                        text.extend(["  ", &one_line(item), "\n"]);
                    }
                }
                Part::Table(table) => text.push_str(&table.to_string()),
                Part::Plot(_) | Part::Command(_) => {}
            }
        }
        text.push('\n');
        if self.findings.is_empty() {
            text.push_str("good\n");
        }
        for finding in &self.findings {
            text.extend(["FAILED: ", &one_line(finding), "\n"]);
        }
        text
    }

    pub fn to_html(&self) -> String {
        let mut html = String::new();
        self.write(&mut html).expect("a text takes whatever is written to it");
        html
    }

    fn write(&self, html: &mut String) -> std::fmt::Result {
        let title = escaped(&self.title);
        write!(
            html,
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <h1>{title}</h1>\n"
        )?;
        if self.findings.is_empty() {
            writeln!(html, "<div class=\"verdict\"><p><b>Good</b></p></div>")?;
        } else {
            writeln!(html, "<div class=\"verdict bad\">")?;
            for finding in &self.findings {
                writeln!(html, "<p><b>Failed</b> {}</p>", escaped(finding))?;
            }
            writeln!(html, "</div>")?;
        }
        for part in &self.parts {
            match part {
                Part::Heading(text) => writeln!(html, "<h2>{}</h2>", escaped(text))?,
                Part::Text(text) => writeln!(html, "<p>{}</p>", escaped(text))?,
                Part::Items(items) => {
                    let items = items.iter().map(|item| format!("<li>{}", escaped(item)));
                    writeln!(html, "<ul>{}</ul>", items.collect::<String>())?;
                }
                Part::Plot(svg) => writeln!(html, "<section>{svg}</section>")?,
                Part::Table(table) => write_table(table, html)?,
                Part::Command(text) => writeln!(html, "<pre>{}</pre>", marked_up(text))?,
            }
        }
        writeln!(html, "</html>")
    }
}

fn write_table(table: &Table, html: &mut String) -> std::fmt::Result {
    writeln!(html, "<section class=\"wide\"><table>")?;
    let class = |column: Column| match column {
        Column::Left(_) => "",
        Column::Right(_) => " class=\"right\"",
    };
    let columns = table.filled();
    write!(html, "<tr>")?;
    for (_, column) in &columns {
        write!(html, "<th{}>{}</th>", class(*column), escaped(column.title()))?;
    }
    writeln!(html, "</tr>")?;
    for row in table.rows() {
        write!(html, "<tr>")?;
        for (at, column) in &columns {
            let cell = row.get(*at).map(String::as_str).unwrap_or_default();
            write!(html, "<td{}>{}</td>", class(*column), escaped(cell))?;
        }
        writeln!(html, "</tr>")?;
    }
    writeln!(html, "</table></section>")
}

/// What others have said, as text of a page.
fn escaped(text: &str) -> String {
    marked_up(&one_line(text))
}

fn marked_up(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_and_what_others_say_is_text() {
        let mut table = Table::new(&[Column::Left("version"), Column::Right("users")]);
        table.row(["<script>".to_owned(), "7".to_owned()]);
        let page = Page {
            title: "a & b".to_owned(),
            findings: vec!["<b>".to_owned()],
            parts: vec![
                Part::Table(table),
                Part::Items(vec!["\x1b[2J".to_owned()]),
                Part::Command("serin load \"x\"".to_owned()),
            ],
        };
        let html = page.to_html();
        assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
        assert!(html.contains("<td>&lt;script&gt;</td><td class=\"right\">7</td>"), "{html}");
        assert!(html.contains("<b>Failed</b> &lt;b&gt;") && !html.contains("<script"), "{html}");
        assert!(html.contains("a &amp; b") && html.contains("serin load &quot;x&quot;"), "{html}");
        let text = page.to_text();
        let expected = "\
a & b
version   users
<script>      7
  \u{fffd}[2J

FAILED: <b>
";
        assert_eq!(text, expected);
        let good = Page { findings: Vec::new(), ..page }.to_html();
        assert!(good.contains("<b>Good</b>"));
    }
}
