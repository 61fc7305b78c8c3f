//! Formats the entries of long arrays in columns, as Node does.

use crate::handlers::console_log::text::LINE_LENGTH;

/// Maximum number of elements that are printed.
const MAX_ELEMENTS: usize = 100;
/// An array with more entries than this is set in columns.
const MAX_PLAIN_ENTRIES: usize = 6;
/// Maximum number of columns.
const MAX_COLUMNS: u32 = 12;
/// The comma and the space between two entries.
const SEPARATOR: usize = 2;

/// Formats the first elements, and counts the others.
pub(super) fn entries(elements: &[&str], inspect: impl Fn(&str) -> String) -> Vec<String> {
    let shown = elements.iter().take(MAX_ELEMENTS);
    let mut entries: Vec<String> = shown.map(|element| inspect(element)).collect();
    match elements.len() - entries.len() {
        0 => {}
        1 => entries.push("... 1 more item".to_owned()),
        hidden => entries.push(format!("... {hidden} more items")),
    }
    entries
}

/// Sets the entries in columns. Returns the rows, or `None` if columns do not suit these entries.
pub(super) fn columns(entries: &[String], elements: &[&str], indent: usize) -> Option<Vec<String>> {
    if entries.len() <= MAX_PLAIN_ENTRIES {
        return None;
    }
    let (cells, remark) = entries.split_at(entries.len().min(MAX_ELEMENTS));
    let widths: Vec<usize> = cells.iter().map(|cell| width(cell)).collect();
    let count = column_count(&widths, entries.len(), indent)?;
    let columns: Vec<usize> = (0..count)
        .map(|column| {
            widths
                .iter()
                .skip(column)
                .step_by(count)
                .copied()
                .max()
                .unwrap_or_default()
        })
        .collect();
    let numbers = elements
        .iter()
        .take(entries.len())
        .all(|element| element.starts_with(|first: char| first == '-' || first.is_ascii_digit()));
    let rows = cells
        .chunks(count)
        .zip(widths.chunks(count))
        .map(|(cells, widths)| {
            let mut row = String::new();
            for (index, ((cell, width), column)) in
                cells.iter().zip(widths).zip(&columns).enumerate()
            {
                let padding = " ".repeat(column - width);
                let last = index + 1 == cells.len();
                let separator = if last { "" } else { ", " };
                row.extend(match numbers {
                    true => [&padding, cell, separator],
                    false if last => [cell.as_str(), "", ""],
                    false => [cell, separator, &padding],
                });
            }
            row
        });
    Some(rows.chain(remark.iter().cloned()).collect())
}

/// Returns the number of columns, if at least two suit. `entries` counts the remark about further elements as well.
///
/// Node aims at a square whose characters are 2.5 times as high as wide. It sets nothing in columns if fewer than three entries
/// fit on a line, or if one is much longer than the others.
fn column_count(widths: &[usize], entries: usize, indent: usize) -> Option<usize> {
    let longest = widths.iter().copied().max()?;
    let total: usize = widths.iter().map(|width| width + SEPARATOR).sum();
    let cell = longest + SEPARATOR;
    let suits = cell * 3 + indent < LINE_LENGTH && (total > cell * 5 || longest <= 6);
    if !suits {
        return None;
    }
    let cell_width = float(cell)?;
    let bias = (cell_width - float(total)? / float(entries)?).sqrt();
    let biased = (cell_width - 3.0 - bias).max(1.0);
    let ideal = (2.5 * biased * float(widths.len())?).sqrt() / biased;
    let count = (1..=MAX_COLUMNS)
        .rev()
        .find(|count| f64::from(*count) - 0.5 <= ideal)?;
    let count = usize::try_from(count)
        .ok()?
        .min((LINE_LENGTH - indent) / cell);
    (count > 1).then_some(count)
}

fn float(number: usize) -> Option<f64> {
    u32::try_from(number).ok().map(f64::from)
}

/// Returns the number of terminal columns that a text takes: two for each East Asian wide character and emoji.
fn width(text: &str) -> usize {
    let wide = |letter: char| {
        matches!(letter, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1f64f}' | '\u{1f900}'..='\u{1f9ff}' | '\u{20000}'..='\u{3fffd}')
    };
    text.chars()
        .map(|letter| if wide(letter) { 2 } else { 1 })
        .sum()
}
