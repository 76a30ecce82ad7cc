#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/s3_rig.hpp"
#include "tests/support/text.hpp"
#include "walwrap/storage/s3/s3_store.hpp"

using namespace walwrap;
using namespace walwrap::storage;
using testing::asked;
using testing::has;
using testing::keys;
using testing::S3Fault;
using testing::S3Rig;

TEST_CASE("an S3 listing is in byte order, by prefix, starts after a key, and has many pages") {
  S3Rig rig;
  rig.server.page_keys = 2;
  const auto store = rig.open();
  for (const std::string key : {"0000/01", "0000/02", "0000/03", "0001/01", "0009/05", "a+b &c",
                                "walwrap/claim/1", "walwrap/identity.json"}) {
    rig.server.set("app/db/" + key, "xyz");
  }
  rig.server.set("app/db/", "");          // a "directory", as some tools make it
  rig.server.set("app/db-2/0000/1", "");  // somebody else's
  rig.server.set("app/a", "");
  struct Row {
    std::string prefix, after, found;
  };
  const Row rows[] = {
      {"", "",
       "0000/01 0000/02 0000/03 0001/01 0009/05 a+b &c walwrap/claim/1 walwrap/identity.json"},
      {"0000/", "", "0000/01 0000/02 0000/03"},
      {"0000/", "0000/01", "0000/02 0000/03"},
      {"0000/", "0000/03", ""},
      {"000", "0000/02", "0000/03 0001/01 0009/05"},
      {"", "a", "a+b &c walwrap/claim/1 walwrap/identity.json"},
      {"0007/", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.prefix);
    CAPTURE(row.after);
    CHECK(keys(*store, row.prefix, row.after) == row.found);
  }
  const auto listed = store->list("0009/", "");
  REQUIRE(listed.has_value());
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().size == 3);
  CHECK(listed->front().modified == rig.clock.wall());

  rig.server.forget_calls();
  CHECK(keys(*store, "000", "0000/00") == "0000/01 0000/02 0000/03 0001/01 0009/05");
  const auto pages = asked(rig);
  REQUIRE(pages.size() == 3);
  CHECK(pages[0] ==
        "GET /?encoding-type=url&list-type=2&prefix=app/db/000&start-after=app/db/0000/00");
  CHECK(has(pages[1], "continuation-token=+=&/app/db/0000/02"));
}

TEST_CASE("the first objects come from one request, with a flag for more") {
  S3Rig rig;
  rig.server.page_keys = 3;
  const auto store = rig.open();
  const auto look = [&] {
    rig.server.forget_calls();
    const auto first = store->list_first().value();
    CHECK(asked(rig).size() == 1);
    std::string found = first.are_all ? "all:" : "of more:";
    for (const auto& object : first.objects) found += " " + object.key;
    return found;
  };
  CHECK(look() == "all:");
  for (const std::string key : {"0000/01", "0001/01", "walwrap/identity.json"}) {
    rig.server.set("app/db/" + key, "xyz");
  }
  rig.server.set("app/db-2/0000/1", "");  // somebody else's
  CHECK(look() == "all: 0000/01 0001/01 walwrap/identity.json");
  rig.server.set("app/db/0009/05", "xyz");
  CHECK(look() == "of more: 0000/01 0001/01 0009/05");
}

TEST_CASE("a malformed listing is an error instead of an empty one") {
  const std::string page = "<ListBucketResult><IsTruncated>{}</IsTruncated>{}</ListBucketResult>";
  struct Row {
    const char* name;
    int status;
    std::string body;
    Code code;
  };
  const auto with = [](const std::string& inside) {
    return "<ListBucketResult>" + inside + "</ListBucketResult>";
  };
  const Row rows[] = {
      {"nothing", 200, "", Code::Unavailable},
      {"a login page", 200, "<html>welcome</html>", Code::Unavailable},
      {"another's key", 200,
       with("<IsTruncated>false</IsTruncated><Contents><Key>x</Key><LastModified>2026-01-01T00:00:"
            "00Z</LastModified><Size>1</Size></Contents>"),
       Code::Unavailable},
      {"goes on without a token", 200, with("<IsTruncated>true</IsTruncated>"), Code::Unavailable},
      {"a page that follows itself", 200,
       with("<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"),
       Code::Unavailable},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    S3Rig rig;
    const auto store = rig.open();
    S3Fault fault{S3Fault::Kind::Answer, {.status = row.status}};
    fault.answer.body.assign(as_bytes(row.body).begin(), as_bytes(row.body).end());
    rig.fail_next(9, "GET", fault);
    const auto listed = store->list("", "");
    REQUIRE_FALSE(listed.has_value());
    CHECK(listed.error().code == row.code);
  }
  // A bucket that is not there is no empty one either, whether the store says so or not.
  for (const auto& fault : {S3Fault::error(404, "NoSuchBucket"), S3Fault::error(404, "")}) {
    S3Rig rig;
    const auto store = rig.open();
    rig.fail_next(9, "GET", fault);
    const auto listed = store->list("", "");
    REQUIRE_FALSE(listed.has_value());
    CHECK(listed.error().code != Code::NotFound);
  }
}

TEST_CASE("a listing without an end is given up") {
  S3Rig rig;
  const auto store = rig.open();
  rig.server.fault = [](const testing::S3Call&, int number) -> std::optional<S3Fault> {
    S3Fault fault{S3Fault::Kind::Answer, {.status = 200}};
    const auto xml = fmt::format(
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{}"
        "</NextContinuationToken></ListBucketResult>",
        number);
    fault.answer.body.assign(as_bytes(xml).begin(), as_bytes(xml).end());
    return fault;
  };
  const auto listed = store->list("", "");
  REQUIRE_FALSE(listed.has_value());
  CHECK(listed.error().code == Code::Unsupported);
  CHECK(rig.server.count("GET") == S3Store::kMostPages);
}

TEST_CASE("a listing whose pages keep coming ends at its time limit") {
  struct Row {
    std::optional<std::chrono::seconds> deadline;  // of whoever waits, from the beginning
    std::chrono::milliseconds ends_after;
  };
  const Row rows[] = {{std::nullopt, S3Store::kLongestListing},
                      {std::chrono::seconds(30), S3Store::kLongestLateListing},
                      {std::chrono::seconds(300), std::chrono::seconds(300)},
                      {std::chrono::hours(1), S3Store::kLongestListing}};
  for (const Row& row : rows) {
    CAPTURE(row.ends_after.count());
    S3Rig rig;
    const MonoTime begun = rig.clock.mono();
    std::optional<MonoTime> deadline;
    if (row.deadline) deadline = begun + *row.deadline;
    rig.budget = [&] { return CallBudget{.deadline = deadline}; };
    const auto store = rig.open();
    rig.server.fault = [&](const testing::S3Call&, int number) -> std::optional<S3Fault> {
      rig.clock.advance(std::chrono::seconds(10));
      S3Fault fault{S3Fault::Kind::Answer, {.status = 200}};
      const auto xml = fmt::format(
          "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{}"
          "</NextContinuationToken></ListBucketResult>",
          number);
      fault.answer.body.assign(as_bytes(xml).begin(), as_bytes(xml).end());
      return fault;
    };
    const auto listed = store->list("", "");
    REQUIRE_FALSE(listed.has_value());
    CHECK(listed.error().code == Code::Deadline);
    CHECK(listed.error().text.find("does not end") != std::string::npos);
    CHECK(rig.clock.mono() - begun == row.ends_after);
  }
}

TEST_CASE("a listing that repeats a page token is refused") {
  S3Rig rig;
  const auto store = rig.open();
  rig.server.fault = [](const testing::S3Call&, int number) -> std::optional<S3Fault> {
    S3Fault fault{S3Fault::Kind::Answer, {.status = 200}};
    const auto xml = fmt::format(
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{}"
        "</NextContinuationToken></ListBucketResult>",
        number % 3);
    fault.answer.body.assign(as_bytes(xml).begin(), as_bytes(xml).end());
    return fault;
  };
  CHECK(store->list("", "").error().code == Code::Unavailable);
  CHECK(rig.server.count("GET") == 4);
}

TEST_CASE("many objects are removed with few requests") {
  S3Rig rig;
  const auto store = rig.open();
  std::vector<std::string> all;
  for (int i = 0; i < 2'500; ++i) {
    all.push_back(fmt::format("0000/{:05}", i));
    rig.server.set("app/db/" + all.back(), "x");
  }
  REQUIRE(store->remove_many(all).has_value());
  CHECK(rig.server.keys().empty());
  CHECK(asked(rig) == std::vector<std::string>(3, "POST /?delete="));
  for (const auto& call : rig.server.calls()) CHECK(call.headers.contains("content-md5"));

  rig.server.forget_calls();
  REQUIRE(store->remove_many({}).has_value());
  CHECK(rig.server.calls().empty());
}

TEST_CASE("a store without bulk removal gets one removal per object") {
  S3Rig rig;
  rig.server.knows_multi_delete = false;
  const auto store = rig.open();
  for (const std::string key : {"a", "b", "c", "d"}) rig.server.set("app/db/" + key, "x");
  REQUIRE(store->remove_many({"a", "b"}).has_value());
  REQUIRE(store->remove_many({"c", "d"}).has_value());
  CHECK(rig.server.keys().empty());
  CHECK(rig.server.count("POST") == 1);  // then it is known
  CHECK(rig.server.count("DELETE") == 4);
}

TEST_CASE("an object that may not be removed is named") {
  S3Rig rig;
  rig.server.locked = {"app/db/b"};
  const auto store = rig.open();
  for (const std::string key : {"a", "b", "c"}) rig.server.set("app/db/" + key, "x");
  const auto removed = store->remove_many({"a", "b", "c"});
  REQUIRE_FALSE(removed.has_value());
  CHECK(removed.error().code == Code::Denied);
  CHECK(has(removed.error().text, "app/db/b"));
  CHECK(rig.server.keys() == std::vector<std::string>{"app/db/b"});

  rig.fail_next(1, "POST", S3Fault::error(503, "SlowDown"));
  CHECK(store->remove_many({"a", "b"}).error().code == Code::Unavailable);
  rig.fail_next(1, "POST", S3Fault::error(403, "AccessDenied"));
  CHECK(store->remove_many({"a", "b"}).error().code == Code::Denied);
  CHECK(rig.server.count("DELETE") == 0);
}
