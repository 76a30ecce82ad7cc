#include "walwrap/client/answer.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace walwrap::client {
namespace {

using State = Answer::State;

State read(std::string_view bytes) {
  Answer answer;
  return answer.feed(bytes);
}

const std::string kStoredStatus =
    "HTTP/1.1 200 OK\r\nDate: Mon, 30 Nov 2026 08:05:53 GMT\r\nContent-Type: application/json\r\n"
    "Content-Length: 15\r\nConnection: close\r\n\r\n{\"stored\":true}";

TEST_CASE("an answer is parsed however its bytes are divided") {
  for (std::size_t first = 0; first <= kStoredStatus.size(); ++first) {
    Answer answer;
    answer.feed(std::string_view(kStoredStatus).substr(0, first));
    CHECK(answer.feed(std::string_view(kStoredStatus).substr(first)) == State::Whole);
    CHECK(answer.status() == 200);
    CHECK(answer.body() == "{\"stored\":true}");
  }
  Answer answer;
  for (std::size_t i = 0; i < kStoredStatus.size(); ++i) {
    CHECK(answer.state() == State::Partial);
    answer.feed(std::string_view(kStoredStatus).substr(i, 1));
  }
  CHECK(answer.state() == State::Whole);
}

TEST_CASE("an answer that ends early is never complete") {
  for (std::size_t size = 0; size < kStoredStatus.size(); ++size) {
    Answer answer;
    CHECK(answer.feed(std::string_view(kStoredStatus).substr(0, size)) == State::Partial);
    CHECK(answer.body().empty());
  }
}

TEST_CASE("an answer may have any status, any reason and field names in any case") {
  const auto status = [](const std::string& line) {
    Answer answer;
    answer.feed(line + "\r\ncONTENT-lENGTH:\t 0 \r\n\r\n");
    return answer.state() == State::Whole ? answer.status() : -1;
  };
  CHECK(status("HTTP/1.1 200 OK") == 200);
  CHECK(status("HTTP/1.0 504 Gateway Timeout") == 504);
  CHECK(status("HTTP/1.1 409 ") == 409);
  CHECK(status("HTTP/1.1 503") == 503);
}

TEST_CASE("bytes that are not an answer of walwrap are refused") {
  const auto with_fields = [](const std::string& fields) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\n";
  };
  for (const std::string& wrong :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"),
        std::string("\r\n"),
        std::string(1, '\0'),
        std::string("HTTP/2 200\r\nContent-Length: 0\r\n\r\n"),
        std::string("http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\n\r\n"),
        with_fields("Date: today"),
        with_fields("Content-Length:"),
        with_fields("Content-Length: -1"),
        with_fields("Content-Length: +1"),
        with_fields("Content-Length: 0x1"),
        with_fields("Content-Length: 1 1"),
        with_fields("Content-Length: 1.0"),
        with_fields("Content-Length: 99999999999999999999999"),
        with_fields("Content-Length: 16777217"),
        with_fields("Content-Length : 0"),
        with_fields(" Content-Length: 0"),
        with_fields("Content-Length 0"),
        with_fields("Content-Length: 0\r\nContent-Length: 0"),
        with_fields("Content-Length: 0\r\n: nameless"),
        with_fields("Content-Length: 0\r\n folded"),
        with_fields("Content-Length: 0\r\nA: b\rc"),
        with_fields("Content-Length: 0\r\nA: b\nc: d"),
        with_fields("Content-Length: 0\r\nTransfer-Encoding: chunked"),
        with_fields(std::string("Content-Length: 0\r\nA: \0", 23)),
        kStoredStatus + "x",
        kStoredStatus + kStoredStatus}) {
    CAPTURE(wrong);
    CHECK(read(wrong) == State::Malformed);
  }
}

TEST_CASE("a head that is too long is refused, and a body is held to its length") {
  Answer endless;
  const std::string field = "X: " + std::string(1'000, 'x') + "\r\n";
  auto state = endless.feed("HTTP/1.1 200 OK\r\n");
  std::size_t fed = 0;
  for (; state == State::Partial && fed < 2 * kMostHeadBytes; fed += field.size()) {
    state = endless.feed(field);
  }
  CHECK(state == State::Malformed);
  CHECK(fed < kMostHeadBytes + 2 * field.size());
  const std::string full(kMostBodyBytes, 'b');
  Answer large;
  large.feed("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(full.size()) + "\r\n\r\n");
  CHECK(large.feed(full) == State::Whole);
  CHECK(large.body().size() == full.size());
  CHECK(large.feed("b") == State::Malformed);
  CHECK(large.body().empty());
}

TEST_CASE("after clear() another answer can be parsed") {
  Answer answer;
  answer.feed("garbage");
  CHECK(answer.state() == State::Malformed);
  CHECK(answer.feed(kStoredStatus) == State::Malformed);
  answer.clear();
  CHECK(answer.feed(kStoredStatus) == State::Whole);
}

// Random changes: it must end in one of its states, and keep to the length it was told.
TEST_CASE("a randomly changed answer either has its given length or is refused") {
  std::mt19937 random(4'711);
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes = kStoredStatus;
    for (std::size_t i = 0; i < 1 + random() % 4; ++i) {
      const auto at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, random() % 8);
          break;
        default:
          bytes.insert(at, std::string(random() % 8, static_cast<char>(random())));
      }
      if (bytes.empty()) bytes = "H";
    }
    Answer answer;
    if (answer.feed(bytes) != State::Whole) continue;
    CAPTURE(bytes);
    CHECK(answer.status() >= 200);
    CHECK(answer.status() < 600);
    CHECK(bytes.ends_with(answer.body()));
  }
}

}  // namespace
}  // namespace walwrap::client
