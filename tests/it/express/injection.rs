//! Tests that no client can break a log line or get a secret into one.

use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::AsyncWriteExt;

use super::case::Script;
use super::served;
use super::wire::exchange;

/// All tokens that can show a value from a client.
const ALL: &str = "%D:method :url :status :res[content-length] :req[x-a] :date[iso] :remote-addr \
    :remote-user :referrer :user-agent :http-version %{x}i";

fn send(address: SocketAddr, target: &[u8], headers: &[(&str, &[u8])]) -> u16 {
    let mut request = [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n"].concat();
    for (name, value) in headers {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    let responses = exchange(address, &Script::of("GET", request));
    responses.first().map_or(0, |response| response.status)
}

/// Returns `true` if a terminal shows the line as one line, unchanged.
fn is_plain(line: &str) -> bool {
    let odd = |letter: char| {
        letter.is_control()
            || ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'].contains(&letter)
            || ('\u{202a}'..='\u{202e}').contains(&letter)
            || ('\u{2066}'..='\u{2069}').contains(&letter)
    };
    !line.contains(odd)
}

#[test]
fn no_value_breaks_its_line() {
    let (address, lines) = served::serve(ALL, &[]);
    let mut odd: Vec<Vec<u8>> = (1..=255_u8).map(|byte| vec![b'a', byte, b'b']).collect();
    for text in [
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{61c}",
        "\u{1b}[2J",
        "\" 200 0\n\"",
    ] {
        odd.push(text.as_bytes().to_vec());
    }
    for value in odd {
        let user = [value.as_slice(), b":x"].concat();
        let credentials = format!("Basic {}", BASE64_STANDARD.encode(user));
        for (place, header) in ["x-a", "referer", "user-agent"].iter().enumerate() {
            let headers = [
                (*header, value.as_slice()),
                ("authorization", credentials.as_bytes()),
            ];
            let status = send(address, b"/nope", &headers);
            let expected = usize::from(status == 404);
            let got = lines.take(expected);
            assert_eq!(got.len(), expected, "{value:?} {place} {status} {got:?}");
            assert!(got.iter().all(|line| is_plain(line)), "{value:?} {got:?}");
        }
        send(address, &[b"/nope?".as_slice(), &value].concat(), &[]);
        send(address, b"/last", &[]);
        let mut got = lines.take(1);
        while !got.last().is_some_and(|line| line.contains("/last")) {
            got.extend(lines.take(1));
        }
        assert!(
            got.len() <= 2 && got.iter().all(|line| is_plain(line)),
            "{value:?} {got:?}"
        );
    }
}

#[test]
fn lines_have_no_secrets() {
    let (address, lines) = served::serve(ALL, &[]);
    let secret = "aGlkZGVu";
    let url = format!("/x?code={secret}&y=1&%74oken={secret}");
    let referer = format!("https://a/b?c=1&ACCESS_TOKEN={secret}#session_key={secret}");
    let bearer = format!("Bearer {secret}");
    let headers = [
        ("referer", referer.as_bytes()),
        ("authorization", bearer.as_bytes()),
    ];
    send(address, url.as_bytes(), &headers);
    let line = lines.take(1).remove(0);
    assert!(!line.contains(secret), "{line}");
    assert!(line.contains("/x?code=***&y=1&%74oken=***"), "{line}");
    assert!(
        line.contains("https://a/b?c=1&ACCESS_TOKEN=***#session_key=***"),
        "{line}"
    );
    assert!(
        line.starts_with("%DGET ") && line.ends_with(" %{x}i"),
        "{line}"
    );
}

#[test]
fn a_skipped_path_has_no_line() {
    let (address, lines) = served::serve("tiny", &[]);
    send(address, b"/livez?x=1", &[]);
    send(address, b"/live", &[]);
    let got = lines.take(1);
    assert!(
        got.len() == 1 && got[0].starts_with("GET /live 404 "),
        "{got:?}"
    );
}

#[test]
fn a_total_time_is_measured_at_the_end_of_the_response() {
    let format = ":total-time[0] :response-time[9] :status :res[content-length]";
    let (address, lines) = served::serve(format, &[]);
    send(address, b"/nope", &[]);
    let got = lines.take(1);
    let words: Vec<&str> = got[0].split(' ').collect();
    assert!(
        words[0].parse::<u32>().is_ok() && words[1].parse::<f64>().is_ok(),
        "{got:?}"
    );
    assert_eq!(
        (words[1].split_once('.').unwrap().1.len(), words[2]),
        (9, "404")
    );
    assert!(words[3].parse::<u32>().is_ok(), "{got:?}");
    assert_eq!(send(address, b"/panic", &[]), 500);
    assert!(lines.take(1)[0].contains(" 500 "));
}

const UNANSWERED: &str = "\u{1b}[0mPOST /slow \u{1b}[0m-\u{1b}[0m - ms - -\u{1b}[0m";

#[actix_web::test]
async fn a_request_whose_client_disconnects_has_a_line() {
    let (address, lines) = served::serve("dev", &[]);
    let body: &[u8] = b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    let halfway: &[u8] = b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
        Content-Length: 9\r\n\r\n{";
    for (request, path) in [(body, "/slow"), (halfway, "/login")] {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        socket.write_all(request).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        socket.set_zero_linger().unwrap();
        drop(socket);
        assert_eq!(lines.take(1), [UNANSWERED.replace("/slow", path)]);
    }
}

#[test]
fn a_panic_has_a_line_and_a_malformed_head_has_none() {
    let (address, lines) = served::serve("dev", &[]);
    send(address, b"/panic", &[]);
    let line = lines.take(1).remove(0);
    assert!(
        line.starts_with("\u{1b}[0mGET /panic \u{1b}[31m500\u{1b}[0m "),
        "{line:?}"
    );
    exchange(
        address,
        &Script::of("GET", b"GET /a b HTTP/1.1\r\n\r\n".to_vec()),
    );
    send(address, b"/nope", &[]);
    assert_eq!(lines.take(1).len(), 1);
}
