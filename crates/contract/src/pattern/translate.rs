//! From the syntax of ECMA-262 to that of the automata.

const DIGIT: &str = "0-9";
const WORD: &str = "A-Za-z0-9_";
/// WhiteSpace and LineTerminator of ECMA-262.
const SPACE: &str = r"\t\n\x0B\x0C\r \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF";
const LINE_END: &str = r"\n\r\u2028\u2029";

/// `None` for what is read in two ways or is not regular.
pub fn translate(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut letters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let next = letters.next()?;
                out.push_str(&escape(next, in_class)?);
                if next == 'u' && letters.peek() == Some(&'{') {
                    return None;
                }
            }
            '[' if in_class => out.push_str(r"\["),
            '[' => {
                in_class = true;
                out.push('[');
                if letters.peek() == Some(&'^') {
                    letters.next();
                    out.push('^');
                }
                // An empty class and a class of everything: neither is written by people.
                if letters.peek() == Some(&']') {
                    return None;
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Operators on classes to the automata, letters to ECMA.
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(letter);
            }
            '-' if in_class && letters.peek() == Some(&'-') => return None,
            '.' if !in_class => {
                out.push_str("[^");
                out.push_str(LINE_END);
                out.push(']');
            }
            '(' if letters.peek() == Some(&'?') => {
                letters.next();
                match letters.next()? {
                    ':' => out.push_str("(?:"),
                    '<' if !matches!(letters.peek(), Some('=' | '!')) => out.push_str("(?<"),
                    _ => return None,
                }
            }
            // A brace that does not count is a letter to ECMA and a mistake to the automata, which say so.
            letter => out.push(letter),
        }
    }
    (!in_class).then_some(out)
}

fn escape(letter: char, in_class: bool) -> Option<String> {
    let class = |negated: bool, members: &str| match (in_class, negated) {
        (true, false) => members.to_owned(),
        (true, true) => format!("[^{members}]"),
        (false, false) => format!("[{members}]"),
        (false, true) => format!("[^{members}]"),
    };
    Some(match letter {
        'd' => class(false, DIGIT),
        'D' => class(true, DIGIT),
        'w' => class(false, WORD),
        'W' => class(true, WORD),
        's' => class(false, SPACE),
        'S' => class(true, SPACE),
        't' | 'n' | 'r' | 'f' | 'v' | 'x' | 'u' => format!("\\{letter}"),
        // References back, borders of words, properties and control letters.
        letter if letter.is_ascii_alphanumeric() => return None,
        letter if letter.is_ascii() => format!("\\{letter}"),
        letter => letter.to_string(),
    })
}

/// A pattern of ECMA-262 for one string.
pub fn literal(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if letter.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
