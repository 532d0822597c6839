use super::*;

fn read(path: &str, text: &str) -> Result<Vec<String>, Vec<String>> {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let (tenants, diagnostics) = read_roster(&source);
    let in_words = |(id, listed): (TenantName, Listed)| format!("{id} {} {}", listed.cell, listed.suspended);
    match tenants {
        Some(tenants) => Ok(tenants.into_iter().map(in_words).collect()),
        None => Err(diagnostics
            .iter()
            .map(|found| format!("{found} [{}]", found.help.clone().unwrap_or_default()))
            .collect()),
    }
}

#[test]
fn a_list_is_csv_or_yaml() {
    let expect = Ok(vec!["acme eu false".to_owned(), "bolt us true".to_owned()]);
    assert_eq!(
        read("list.csv", "id,cell,suspended\r\nacme,eu,\r\n\"bolt\", us ,true\r\n"),
        expect
    );
    let yaml = "tenants:\n  - {id: acme, cell: eu}\n  - {id: bolt, cell: us, suspended: true}\n";
    assert_eq!(read("list.yaml", yaml), expect);
}

#[test]
fn every_mistake_is_told_at_once_with_its_line_and_what_to_write() {
    let text = "id,cell,suspended\nacme,eu,maybe\nacme\n,eu,\nbolt,EU west,\ncato,eu,\ncato,us,\n\"dune,eu,\n";
    let found = read("list.csv", text).unwrap_err();
    let lines: Vec<&str> = found.iter().filter_map(|text| text.split(':').nth(1)).collect();
    assert_eq!(lines, ["2", "3", "4", "5", "7", "8"], "{found:#?}");
    assert!(found[0].contains("write `true` or `false`"), "{found:#?}");
    assert!(found[4].contains("listed twice"), "{found:#?}");
}

#[test]
fn columns_are_known_by_their_names() {
    let found = read("list.csv", "id;cell\nacme;eu\n").unwrap_err();
    assert!(
        found.iter().any(|text| text.contains("with a comma between them")),
        "{found:#?}"
    );
    let found = read("list.csv", "cell,id\neu,acme\n").unwrap();
    assert_eq!(found, ["acme eu false"]);
    assert!(read("list.csv", "").is_err());
    let twice = "tenants:\n  - {id: acme, cell: eu}\n  - {id: acme, cell: us}\n";
    assert!(read("list.yaml", twice).unwrap_err()[0].contains("listed twice"));
}
