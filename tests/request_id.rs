//! Ids of requests as text: to other processes, and home again.

use crate::common::{Random, Talk, answer, talkative_bus};
use ringbus::{ParseRequestIdError, RequestId, RequestOptions};
use std::collections::HashSet;
use std::env;
use std::process::Command;

/// API, section 2: an id of whichever kind, and of whatever content, equals what its text is parsed
/// to, and no two ids have one text.
#[test]
fn every_kind_of_id_survives_its_text() {
    let numbers = [0, 1, 7, 10, u64::MAX].map(RequestId::from);
    let texts = [
        "",
        "7",
        ":",
        "number:7",
        "text:",
        "unique:0123456789abcdef:1",
        " rollout 7\r\n",
        "\0",
        "\"{}\\",
        "réponse ⚓ 答",
    ];
    let texts = texts.map(RequestId::from);
    let made = [(); 3].map(|()| RequestId::unique());
    let foreign = ["unique:0000000000000000:0", "unique:ffffffffffffffff:18446744073709551615"];
    let foreign = foreign.map(|text| text.parse::<RequestId>().unwrap());
    let ids: Vec<_> = numbers.into_iter().chain(texts).chain(made).chain(foreign).collect();
    for id in &ids {
        let text = id.to_text();
        let parsed: RequestId = text.parse().unwrap();
        assert_eq!(&parsed, id);
        assert_eq!(parsed.to_text(), text);
    }
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    assert_eq!(ids.iter().map(RequestId::to_text).collect::<HashSet<_>>().len(), ids.len());
    assert_eq!(RequestId::from(7).to_text(), "number:7");
    assert_eq!(RequestId::from("7").to_text(), "text:7");
}

/// API, section 2: what is the text of no id is an error that says why.
#[test]
fn malformed_texts_are_errors() {
    let complaint = |text: &str| match text.parse::<RequestId>() {
        Ok(id) => panic!("{text:?} is {id:?}"),
        Err(error) => error.to_string(),
    };
    for text in ["", "7", "rollout", "number", "Number:7", " number:7", "unique", "unique-7", "texts:7"] {
        assert_eq!(complaint(text), "the text of a request id begins with `number:`, `text:` or `unique:`");
    }
    for number in ["", "+7", "-7", "07", "00", " 7", "7 ", "0x7", "7.0", "18446744073709551616", "٧"] {
        let message = "what follows `number:` is not a plain number of at most 64 bits";
        assert_eq!(complaint(&format!("number:{number}")), message);
    }
    let salts = ["", "7", "7:7", "0123456789abcdef", "0123456789ABCDEF:7", "+123456789abcdef:7", "0123456789abcdeff:7"];
    let numbers = ["", "+7", "07", "7:", "18446744073709551616"].map(|number| format!("0123456789abcdef:{number}"));
    for unique in salts.map(String::from).iter().chain(&numbers) {
        let message = "what follows `unique:` is not 16 hexadecimal digits, a colon and a plain number";
        assert_eq!(complaint(&format!("unique:{unique}")), message);
    }
}

/// API, section 2: no text makes an id that this process has yet to make.
#[test]
fn id_of_this_process_that_it_has_not_made_is_an_error() {
    let text = RequestId::unique().to_text();
    let (salt, _) = text.rsplit_once(':').unwrap();
    let parse = |number: u64| format!("{salt}:{number}").parse::<RequestId>();
    let messages = [0, u64::MAX].map(|number| parse(number).map_err(|error: ParseRequestIdError| error.to_string()));
    let message = "a unique request id of this process that it has not made";
    assert_eq!(messages, [Err(message.to_owned()), Err(message.to_owned())]);
}

/// API, section 2: whatever bytes there are, they are an id whose text they are, or an error.
#[test]
fn random_bytes_are_an_id_or_an_error() {
    let mut random = Random::new(7);
    let pieces = ["number:", "text:", "unique:", "0123456789abcdef", ":", "0", "7", "18446744073709551615", "+", "é"];
    let (mut ids, mut errors) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..random.below(6) {
            if random.below(4) == 0 {
                bytes.push(random.below(256) as u8);
            } else {
                bytes.extend(pieces[random.below(pieces.len() as u64) as usize].bytes());
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match text.parse::<RequestId>() {
            Ok(id) => {
                assert_eq!(id.to_text(), text);
                ids += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                errors += 1;
            }
        }
    }
    assert!(ids > 1_000 && errors > 1_000, "{ids} ids, {errors} errors");
}

/// API, section 2: unique ids of two processes are never equal, although each counts from 1, and
/// one that comes home from another process equals itself.
#[test]
fn unique_id_travels_to_another_process_and_home() {
    const PARENT_SENDS: &str = "RINGBUS_TEST_SENT_IDS";
    const TEST: &str = "unique_id_travels_to_another_process_and_home";
    const IDS: usize = 100;
    if let Ok(sent) = env::var(PARENT_SENDS) {
        // The other process: sends back what it got, and ids of its own.
        let own: HashSet<_> = (0..IDS).map(|_| RequestId::unique()).collect();
        let visiting: Vec<RequestId> = sent.split(' ').map(|text| text.parse().unwrap()).collect();
        assert!(visiting.iter().all(|id| !own.contains(id)));
        visiting.iter().for_each(|id| println!("\nhome {}", id.to_text()));
        own.iter().for_each(|id| println!("\nnew {}", id.to_text()));
        return;
    }
    let sent: Vec<_> = (0..IDS).map(|_| RequestId::unique()).collect();
    let texts: Vec<_> = sent.iter().map(RequestId::to_text).collect();
    // If several of these files make one program, the module is part of the name.
    let test = module_path!().split_once("::").map_or(TEST.to_owned(), |(_, module)| format!("{module}::{TEST}"));
    let child = Command::new(env::current_exe().unwrap())
        .args([&test, "--exact", "--nocapture"])
        .env(PARENT_SENDS, texts.join(" "))
        .output()
        .unwrap();
    let told = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{told}\n{}", String::from_utf8_lossy(&child.stderr));
    let parse = |word: &str| -> Vec<RequestId> {
        told.lines().filter_map(|line| line.strip_prefix(word)).map(|text| text.parse().unwrap()).collect()
    };
    assert_eq!(parse("home "), sent);
    let foreign = parse("new ");
    assert_eq!(foreign.len(), IDS);
    let own: HashSet<_> = (0..10 * IDS).map(|_| RequestId::unique()).chain(sent).collect();
    assert!(foreign.iter().all(|id| !own.contains(id)));
    assert_eq!(foreign.iter().collect::<HashSet<_>>().len(), IDS);
}

/// API, section 2: only the salt tells the ids of two processes apart.
#[test]
fn unique_ids_with_one_number_and_two_salts_differ() {
    let id = RequestId::unique();
    let text = id.to_text();
    let first_digit = text.find(':').unwrap() + 1;
    let other_digit = if text[first_digit..].starts_with('0') { "1" } else { "0" };
    let mut other = text.clone();
    other.replace_range(first_digit..=first_digit, other_digit);
    let foreign: RequestId = other.parse().unwrap();
    assert_ne!(foreign, id);
    assert_ne!(foreign.to_string(), id.to_string());
    assert_eq!(foreign, other.parse().unwrap());
}

/// API, section 2: no text makes an id that `unique` gives later, not even the very next one.
#[test]
fn id_that_comes_next_is_not_made_by_its_text() {
    for _ in 0..100 {
        let text = RequestId::unique().to_text();
        let (salt, number) = text.rsplit_once(':').unwrap();
        let next = format!("{salt}:{}", number.parse::<u64>().unwrap() + 1);
        // (Another test may have made it meanwhile; then it does not come again.)
        let early = next.parse::<RequestId>();
        assert_ne!(early, Ok(RequestId::unique()));
    }
}

/// G8: an answer whose id has travelled as text finds its request.
#[test]
fn answer_with_an_id_that_was_sent_as_text_is_gathered() {
    let (bus, questions) = talkative_bus();
    let gather = bus.request(Talk::Question(RequestId::unique()), RequestOptions::expecting(["far"])).unwrap();
    let sent = questions.try_recv().unwrap().id().to_text();
    answer(&bus, &sent.parse().unwrap(), "far", 7);
    assert!(gather.wait().unwrap().is_complete());
}
