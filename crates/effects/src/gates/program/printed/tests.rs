use super::*;

async fn printed(bytes: &[u8]) -> Printed {
    let mut printed = Printed::default();
    printed.fill(Some(bytes)).await.unwrap();
    printed
}

#[tokio::test]
async fn what_is_short_is_kept_whole() {
    let short = printed(b"one\ntwo \n\n").await;
    assert_eq!(short.whole(), Some(b"one\ntwo \n\n".as_slice()));
    assert_eq!(short.last_line().as_deref(), Some("two"));
    assert_eq!(printed(b" \n").await.last_line(), None);
}

#[tokio::test]
async fn of_what_is_long_beginning_and_end_are_kept_and_the_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stdout");
    let mut long = Printed::into(File::create(&path).await.unwrap());
    let mut bytes = vec![b'a'; WHOLE_BYTES_MAX];
    bytes.extend(vec![b'b'; 7]);
    bytes.extend(vec![b'c'; END_BYTES_MAX - 4]);
    bytes.extend(b"\nend");
    long.fill(Some(bytes.as_slice())).await.unwrap();
    assert_eq!(long.whole(), None);
    assert_eq!(long.last_line().as_deref(), Some("end"));
    long.close().await.unwrap();
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(kept.starts_with("aaa") && kept.ends_with("ccc\nend"));
    assert!(kept.contains("aa\n[7 bytes are left out here]\ncc"), "the cut is told");
}
