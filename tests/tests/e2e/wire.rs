//! Speaks to a service in bytes, where a client of HTTP would not let a request pass.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
};

use ureq::http::{HeaderMap, HeaderName, HeaderValue};

use crate::{deadline::DEADLINE, http::Answer, service::Service};

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    pub(crate) fn connect(service: &Service) -> Self {
        let stream = TcpStream::connect(service.address()).expect("the service listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline can be set");
        stream.set_write_timeout(Some(DEADLINE)).expect("a deadline can be set");
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Sends `METHOD PATH`, headers and a body on a connection that is kept.
    pub(crate) fn request(&mut self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers: String =
            headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let length = body.len();
        let head = format!("{line} HTTP/1.1\r\nhost: test\r\n{headers}content-length: {length}\r\n\r\n");
        self.send([head.as_bytes(), body].concat()).expect("the connection is kept");
        self.answer(line).expect("an answer")
    }

    /// The next answer.
    pub(crate) fn answer(&mut self, what: &str) -> std::io::Result<Answer> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status =
            status.ok_or_else(|| std::io::Error::other(format!("{what}: {line:?} is no status line")))?;
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).map_err(std::io::Error::other)?,
                HeaderValue::from_str(value.trim()).map_err(std::io::Error::other)?,
            );
        }
        let length = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { what: what.to_owned(), status, headers, body })
    }

    /// Tells the service that nothing more comes.
    pub(crate) fn close_writing(&mut self) {
        // An error means that the service has closed the connection already.
        let _: std::io::Result<()> = self.stream.get_mut().shutdown(Shutdown::Write);
    }

    /// All that still comes, until the service closes the connection.
    pub(crate) fn rest(mut self) -> std::io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).map(|_| rest)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
