//! Answers as servers have given them.

use super::*;

fn read(body: &str) -> Result<Answer, String> {
    Answer::read(StatusCode::OK, body.as_bytes())
}

#[track_caller]
fn refused(status: u16, body: &str, problem: &str) {
    let refused = Answer::read(StatusCode::from_u16(status).unwrap(), body.as_bytes()).unwrap_err();
    assert!(refused.contains(problem), "{body}: {refused}");
}

#[test]
fn numbers_are_read() {
    assert_eq!(
        read(r#"{"status":"success","data":{"resultType":"scalar","result":[1764717319.417,"42"]}}"#),
        Ok(Answer::Scalar(Point {
            at: 1_764_717_319.417,
            value: 42.0
        }))
    );
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","instance":"127.0.0.1:9090","job":"p"},"value":[1764717319.417,"1"]},
        {"metric":{},"value":[1764717319.417,"-Inf"]}]}}"#;
    let Ok(Answer::Vector(found)) = read(vector) else {
        panic!("no vector");
    };
    assert_eq!(
        (found[0].points[0].value, found[1].points[0].value),
        (1.0, f64::NEG_INFINITY)
    );
    assert_eq!(
        in_words(&found[0].labels),
        r#"{__name__="up",instance="127.0.0.1:9090",job="p"}"#
    );
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"a":"b"},"values":[[1764717300,"1e3"],[1764717315,"NaN"]]}]}}"#;
    let Ok(Answer::Matrix(found)) = read(matrix) else {
        panic!("no matrix");
    };
    assert_eq!(found[0].points[0].value, 1_000.0);
    assert!(found[0].points[1].value.is_nan());
    assert_eq!(
        read(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
        Ok(Answer::Vector(Vec::new()))
    );
}

#[test]
fn fields_of_others_are_left_alone() {
    // VictoriaMetrics, Mimir, and notes of Prometheus 3, which say nothing of lacking data.
    for body in [
        r#"{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[]},"stats":{"seriesFetched":"0"}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[],"analysis":{}},"warnings":[]}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":null,"infos":["PromQL info: metric might not be a counter"]}"#,
    ] {
        assert_eq!(read(body), Ok(Answer::Vector(Vec::new())), "{body}");
    }
}

#[test]
fn a_refusal_says_why() {
    refused(
        400,
        r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"}"#,
        "answered 400 Bad Request: bad_data: invalid parameter \"query\": 1:5: parse error",
    );
    refused(
        422,
        r#"{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}"#,
        "answered 422 Unprocessable Entity: execution: query processing would load too many samples",
    );
    refused(
        503,
        r#"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#,
        "timeout: query timed out",
    );
    // One that says so with a status that is right.
    refused(
        200,
        r#"{"status":"error","errorType":"internal","error":"x"}"#,
        "internal: x",
    );
    refused(
        401,
        "Unauthorized",
        "answered 401 Unauthorized with what is no answer of Prometheus: Unauthorized",
    );
    refused(302, r#"<a href="/login">Found</a>."#, "a redirection is not followed");
}

#[test]
fn what_is_not_whole_is_no_answer() {
    refused(
        200,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0"]}]},"warnings":["No StoreAPIs matched for this query"]}"#,
        "may not be whole: No StoreAPIs matched",
    );
    refused(
        200,
        r#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0"]}]}}"#,
        "a part of the numbers only",
    );
}

#[test]
fn what_is_no_answer_is_no_number() {
    for body in [
        "",
        "<!doctype html><title>Sign in</title>",
        "{}",
        r#"{"status":"success"}"#,
        r#"{"status":"error"}"#,
        r#"{"status":"success","data":{"resultType":"vector"}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":{}}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,0]}]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1]}}"#,
    ] {
        refused(200, body, "no answer of Prometheus");
    }
    for (result, problem) in [
        (r#""string","result":[1,"up"]"#, "a string, which is no number"),
        (r#""scalar","result":[1,"one"]"#, "`one`, which is no number"),
        (
            r#""vector","result":[{"metric":{"a":"b"}}]"#,
            r#"without a value ({a="b"})"#,
        ),
        (
            r#""vector","result":[{"metric":{},"histogram":[1,{"count":"2"}]}]"#,
            "a histogram",
        ),
        (
            r#""matrix","result":[{"metric":{},"histograms":[[1,{}]]}]"#,
            "a histogram",
        ),
        (
            r#""matrix","result":[{"metric":{},"values":[[2,"1"],[1,"1"]]}]"#,
            "do not rise",
        ),
    ] {
        let body = format!(r#"{{"status":"success","data":{{"resultType":{result}}}}}"#);
        refused(200, &body, problem);
    }
}
