//! Rows in columns, for people.

/// The rows under `titles`, each column as wide as its widest cell; the last one runs free.
pub fn table<const N: usize>(titles: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(titles[column])]).max().unwrap_or_default()
    });
    let mut text = line(&titles.map(str::to_uppercase), &widths);
    for row in rows {
        text.push_str(&line(row, &widths));
    }
    text
}

fn line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for (cell, width_of_column) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width_of_column - width(cell) + 2));
    }
    let mut line = line.trim_end().to_owned();
    line.push('\n');
    line
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// `1 tenant`, `2 tenants`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

#[cfg(test)]
mod tests;
