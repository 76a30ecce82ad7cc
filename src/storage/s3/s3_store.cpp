#include "walwrap/storage/s3/s3_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "walwrap/storage/s3/s3_range.hpp"
#include "walwrap/storage/s3/s3_xml.hpp"

namespace walwrap::storage {
namespace {

using std::chrono::milliseconds;

// For one answer. A reader continues after the last byte with another one.
constexpr milliseconds kGetLimit{300'000};
// For a small object or none, including its answer. A body gets more time (S3Client).
constexpr milliseconds kPutLimit{20'000};
constexpr std::string_view kTimestampHeader = "x-amz-meta-litestream-timestamp";

bool is_quoted(std::string_view etag) {
  return etag.size() > 2 && etag.front() == '"' && etag.back() == '"';
}

// The time given with the put, else the time of the upload.
WallTime modified_of(const http::Response& head) {
  const auto given = parse_rfc3339(head.header(kTimestampHeader));
  if (given) return *given;
  http::Response dated;
  dated.headers = {{"date", std::string(head.header("last-modified"))}};
  return server_time(dated).value_or(WallTime{});
}

// An answer without a body does not give the reason of a refusal.
bool says_no_reason(const S3Reply& reply) {
  return reply.response.status < 500 && !is_transient(reply.meaning);
}

// A key that is listed twice counts once.
void sort_by_key(std::vector<ObjectInfo>& found) {
  std::sort(found.begin(), found.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  const auto end =
      std::unique(found.begin(), found.end(),
                  [](const ObjectInfo& a, const ObjectInfo& b) { return a.key == b.key; });
  found.erase(end, found.end());
}

}  // namespace

S3Store::S3Store(Dependencies deps, std::unique_ptr<http::Transport> transport)
    : deps_(std::move(deps)),
      session_({.target = deps_.target,
                .transport = std::move(transport),
                .environment = deps_.environment,
                .credentials = deps_.credentials,
                .clock = deps_.clock,
                .log = deps_.log}) {}

Result<std::unique_ptr<S3Store>> S3Store::open(Dependencies deps) {
  auto transport = TRY(deps.make_transport());
  return std::unique_ptr<S3Store>(new S3Store(std::move(deps), std::move(transport)));
}

Failure S3Store::failure_of(const S3Reply& reply, const S3Request& request) const {
  return fail(error_of(reply, request, deps_.clock.wall()));
}

Result<void> S3Store::put(const std::string& key, const Body& body, const PutOptions& options) {
  etags_.erase(key);
  S3Upload upload({.session = session_,
                   .make_transport = deps_.make_transport,
                   .pause = deps_.pause,
                   .clock = deps_.clock,
                   .log = deps_.log,
                   .key = key,
                   .options = options});
  auto done = body([&](ByteSpan bytes) { return upload.write(bytes); });
  if (done) done = upload.finish();
  if (!done) upload.abandon();
  return done;
}

Result<void> S3Store::get(const std::string& key, ByteRange range, const WriteFn& sink) {
  const bool is_whole = range.offset == 0 && range.length == 0;
  const auto known = etags_.find(key);
  std::string etag = is_whole || known == etags_.end() ? "" : known->second;
  const bool is_bare = unquoted_etags_ && is_quoted(etag);
  const std::string bare = is_quoted(etag) ? etag.substr(1, etag.size() - 2) : etag;
  auto meaning = TRY(try_get(key, range, sink, is_bare ? bare : etag));
  if (meaning == Meaning::Changed && !is_bare && is_quoted(etag)) {
    meaning = TRY(try_get(key, range, sink, bare));
    if (meaning == Meaning::Done) unquoted_etags_ = true;
  }
  if (meaning == Meaning::Done) return {};
  etags_.erase(key);
  if (range.offset == 0) {
    // A reader that begins accepts another object.
    meaning = TRY(try_get(key, range, sink, ""));
    if (meaning == Meaning::Done) return {};
  }
  // The object that was being read no longer exists.
  return fail(Code::NotFound, "{} was replaced while it was read", key);
}

// Done, or Changed: no byte was handed on. Every other meaning is an error.
Result<Meaning> S3Store::try_get(const std::string& key, ByteRange range, const WriteFn& sink,
                                 const std::string& if_match) {
  RangedBody body(key, range, sink);
  S3Request request;
  request.key = key;
  request.limit = kGetLimit;
  if (auto asked = format_range(range); !asked.empty()) {
    request.headers.push_back({"range", std::move(asked)});
  }
  if (!if_match.empty()) request.headers.push_back({"if-match", if_match});
  request.on_head = [&](const http::Response& head) { return body.on_head(head); };
  request.sink = [&](ByteSpan bytes) { return body.take(bytes); };
  const auto reply = session_.perform(request);
  if (!body.etag().empty() && if_match.empty()) remember_etag(key, body.etag());
  if (!reply && body.is_complete()) return Meaning::Done;
  if (!reply) return fail(reply.error());
  if (reply->meaning == Meaning::Changed && !if_match.empty()) return Meaning::Changed;
  if (reply->meaning == Meaning::OutOfRange) {
    TRY(settle_range(key, range));
    return Meaning::Done;
  }
  if (reply->meaning != Meaning::Done) return failure_of(*reply, request);
  TRY(body.finish());
  return Meaning::Done;
}

// The range is outside the object: correct if it is the empty range at the object's end.
Result<void> S3Store::settle_range(const std::string& key, ByteRange range) {
  const ObjectInfo info = TRY(head(key));
  if (range.offset > info.size || range.length > info.size - range.offset) {
    return fail(Code::Corrupt, "{} has {} bytes, too few for {} from {}", key, info.size,
                range.length, range.offset);
  }
  if (range.offset == info.size) return {};
  return fail(Code::Unavailable, "{} has {} bytes, yet the store refuses those from {}", key,
              info.size, range.offset);
}

void S3Store::remember_etag(const std::string& key, const std::string& etag) {
  if (etags_.size() >= kMostEtags) etags_.clear();
  etags_.insert_or_assign(key, etag);
}

Result<ObjectInfo> S3Store::head(const std::string& key) {
  S3Request request;
  request.method = http::Method::Head;
  request.key = key;
  request.limit = kPutLimit;
  auto reply = TRY(session_.perform(request));
  if (says_no_reason(reply) && reply.meaning != Meaning::Done) {
    reply = TRY(session_.look(key));
    // Whatever was wrong, the check has corrected it.
    if (reply.meaning == Meaning::Done) reply = TRY(session_.perform(request));
  }
  if (reply.meaning != Meaning::Done) return failure_of(reply, request);
  const auto size = content_length(reply.response);
  if (!size) return fail(Code::Corrupt, "HEAD {}: the answer has no size", key);
  return ObjectInfo{.key = key, .size = *size, .modified = modified_of(reply.response)};
}

Result<ListPage> S3Store::list_page(const QueryPairs& query) {
  S3Request request;
  request.query = query;
  auto reply = TRY(session_.perform(request));
  // Only the bucket can be missing here, and that does not mean an empty bucket.
  if (reply.meaning == Meaning::NotThere) reply.meaning = Meaning::NoBucket;
  if (reply.meaning != Meaning::Done) return failure_of(reply, request);
  auto page = parse_list(as_text(reply.response.body));
  if (page) return page;
  // A page from a proxy says nothing about the stored data: neither that it is missing nor that it
  // is damaged. Another answer may come through.
  return fail(Code::Unavailable, "listing: malformed answer: {}", page.error().text);
}

Result<void> S3Store::take_page(const ListPage& page, const std::string& prefix,
                                const std::string& start_after,
                                std::vector<ObjectInfo>& found) const {
  const std::string root = session_.target().prefix + "/";
  for (const ListedObject& object : page.objects) {
    if (!object.key.starts_with(root + prefix)) {
      return fail(Code::Unavailable, "listing: requested {}{}, got {}", root, prefix, object.key);
    }
    std::string key = object.key.substr(root.size());
    // The root itself: an object that some tools make for a directory.
    if (key.empty() || key <= start_after) continue;
    found.push_back({.key = std::move(key), .size = object.size, .modified = object.modified});
  }
  return {};
}

// Each page has its own limit, but a store could send one more page for ever.
Result<void> S3Store::may_ask_for_more(MonoTime begun, std::size_t found) const {
  const CallBudget budget = deps_.budget();
  if (!budget.go_on) return fail(Code::Cancelled, "stopped while listing");
  const MonoTime now = deps_.clock.mono();
  const bool is_late = budget.deadline && now >= *budget.deadline;
  if (now < begun + (is_late ? kLongestLateListing : kLongestListing)) return {};
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(now - begun);
  return fail(Code::Deadline,
              "the listing of {} does not end: {} keys after {}, and more follow; check the URL",
              describe(), found, format_duration(took));
}

Result<std::vector<ObjectInfo>> S3Store::list(const std::string& prefix,
                                              const std::string& start_after) {
  const std::string root = session_.target().prefix + "/";
  std::vector<ObjectInfo> found;
  std::string token;
  std::set<std::string> tokens;
  Bytes key_bytes = 0;
  const MonoTime begun = deps_.clock.mono();
  for (int pages = 0; pages < kMostPages; ++pages) {
    QueryPairs query = {{"encoding-type", "url"}, {"list-type", "2"}, {"prefix", root + prefix}};
    if (!token.empty()) query.push_back({"continuation-token", token});
    if (token.empty() && !start_after.empty()) query.push_back({"start-after", root + start_after});
    const ListPage page = TRY(list_page(query));
    for (const ListedObject& object : page.objects) key_bytes += object.key.size();
    if (key_bytes > kMostKeyBytes) break;
    TRY(take_page(page, prefix, start_after, found));
    if (page.next_token.empty()) {
      sort_by_key(found);
      return found;
    }
    if (!tokens.insert(page.next_token).second) {
      return fail(Code::Unavailable, "listing: a page names itself as the next one");
    }
    token = page.next_token;
    TRY(may_ask_for_more(begun, found.size()));
  }
  return fail(Code::Unsupported, "{}/{} has more keys than a replica can have; check the URL",
              describe(), prefix);
}

Result<FirstObjects> S3Store::list_first() {
  const ListPage page = TRY(list_page(
      {{"encoding-type", "url"}, {"list-type", "2"}, {"prefix", session_.target().prefix + "/"}}));
  FirstObjects first{.objects = {}, .are_all = page.next_token.empty()};
  TRY(take_page(page, "", "", first.objects));
  sort_by_key(first.objects);
  return first;
}

Result<void> S3Store::remove(const std::string& key) {
  etags_.erase(key);
  S3Request request;
  request.method = http::Method::Delete;
  request.key = key;
  request.limit = kPutLimit;
  const auto reply = TRY(session_.perform(request));
  if (reply.meaning == Meaning::Done || reply.meaning == Meaning::NotThere) return {};
  return failure_of(reply, request);
}

Result<void> S3Store::remove_many(const std::vector<std::string>& keys) {
  std::span<const std::string> rest(keys);
  while (!rest.empty()) {
    const auto batch = rest.first(std::min(rest.size(), kKeysPerDelete));
    TRY(remove_batch(batch));
    rest = rest.subspan(batch.size());
  }
  return {};
}

Result<void> S3Store::remove_batch(std::span<const std::string> keys) {
  if (removes_many_ && keys.size() > 1) {
    std::vector<std::string> whole;
    whole.reserve(keys.size());
    for (const std::string& key : keys) {
      etags_.erase(key);
      whole.push_back(fmt::format("{}/{}", session_.target().prefix, key));
    }
    const std::string xml = format_delete(whole);
    S3Request request;
    request.method = http::Method::Post;
    request.query = {{"delete", ""}};
    request.headers = {{"content-type", "application/xml"}};
    request.body = as_bytes(xml);
    const auto reply = TRY(session_.perform(request));
    if (reply.meaning == Meaning::Done) {
      const auto problems = parse_delete(as_text(reply.response.body));
      if (!problems) return fail(Code::Unknown, "{}: {}", what_of(request), problems.error().text);
      if (problems->empty()) return {};
      request.key = problems->front().first;
      return failure_of(reply_of(problems->front().second), request);
    }
    const int status = reply.response.status;
    const bool is_unknown_here = status == 400 || status == 405 || status == 501;
    if (!is_unknown_here || is_transient(reply.meaning)) return failure_of(reply, request);
    removes_many_ = false;
  }
  for (const std::string& key : keys) TRY(remove(key));
  return {};
}

CreateOnly S3Store::create_only() const {
  return session_.has_conditions() ? CreateOnly::NotKnown : CreateOnly::LookBefore;
}

std::string S3Store::describe() const {
  const S3Location& target = session_.target();
  const auto where = target.host.ends_with(".amazonaws.com")
                         ? std::string()
                         : fmt::format("?endpoint={}://{}", target.scheme, target.host);
  return fmt::format("s3://{}/{}{}", target.bucket, target.prefix, where);
}

}  // namespace walwrap::storage
