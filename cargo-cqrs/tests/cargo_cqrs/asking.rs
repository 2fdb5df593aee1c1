use std::{
    fs,
    io::{Read as _, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use crate::terminal::Terminal;

/// The program in a terminal, where somebody answers.
struct Person {
    session: Child,
    hears: Receiver<String>,
    said: String,
    /// What it ended with.
    code: PathBuf,
}

impl Person {
    fn types(terminal: &Terminal, line: &str) -> Self {
        let code = terminal.path().join("code");
        let own = terminal.command(line);
        let words = [own.get_program()].into_iter().chain(own.get_args());
        let words: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
        // The shell outlives a terminal that is gone, to say how the program ended.
        let script = format!("trap '' HUP; {}; echo $? > {}", words.join(" "), code.display());
        let mut session = Command::new("script");
        session.args(["--quiet", "--flush", "--command", &script, "/dev/null"]).current_dir(terminal.path());
        let mut session = session.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = session.stdout.take().unwrap();
        let (says, hears) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 1_024];
            while let Ok(read @ 1..) = out.read(&mut buffer) {
                if says.send(String::from_utf8_lossy(&buffer[..read]).into_owned()).is_err() {
                    break;
                }
            }
        });
        Self { session, hears, said: String::new(), code }
    }

    /// Waits for a question, and answers.
    fn answers(&mut self, question: &str, answer: &str) {
        while !self.said.contains(question) {
            let heard = self.hears.recv_timeout(Duration::from_secs(20));
            self.said.push_str(&heard.unwrap_or_else(|_| panic!("{question} is not in {}", self.said)));
        }
        self.session.stdin.as_mut().unwrap().write_all(answer.as_bytes()).unwrap();
    }

    fn code(&self) -> String {
        let late = Instant::now() + Duration::from_mins(1);
        loop {
            match fs::read_to_string(&self.code) {
                Ok(code) if code.ends_with('\n') => return code.trim().to_owned(),
                _ => assert!(Instant::now() < late, "it does not end: {}", self.said),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.session.kill().unwrap();
        self.session.wait().unwrap();
    }
}

#[test]
fn what_was_not_given_is_asked_for() {
    for (options, asked, not, answers) in [
        ("--write postgres", "Where are the views", "Where are the events", ["postgres", "SQLite"]),
        ("--read mongo", "Where are the events", "Where are the views", ["mongo", "SQLite"]),
    ] {
        let terminal = Terminal::new();
        let mut person = Person::types(&terminal, &format!("new {options}"));
        person.answers("Name of the project", "shop\r");
        person.answers(asked, "\r");
        person.answers("How many processes", "\r");
        assert_eq!(person.code(), "0", "{}", person.said);
        assert!(!person.said.contains(not), "{}", person.said);
        let file = |path: &str| fs::read_to_string(terminal.path().join("shop").join(path)).unwrap();
        assert!(file("compose.yaml").contains(&format!("\n  {}:\n", answers[0])));
        assert!(file("README.md").contains(answers[1]));
    }
}

#[test]
fn a_terminal_that_is_gone_stops_it() {
    for question in ["Name of the project", "Where are the events"] {
        let terminal = Terminal::new();
        let mut person = Person::types(&terminal, "new");
        if question != "Name of the project" {
            person.answers("Name of the project", "shop\r");
        }
        person.answers(question, "");
        person.session.kill().unwrap();
        assert_eq!(person.code(), "130", "{}", person.said);
        assert!(!terminal.path().join("shop").exists());
    }
}
