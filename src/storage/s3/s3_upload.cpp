#include "walwrap/storage/s3/s3_upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "walwrap/os/thread_or_here.hpp"
#include "walwrap/storage/s3/s3_range.hpp"

namespace walwrap::storage {
namespace {

using std::chrono::milliseconds;

// For a small body, in addition to the time for its size. A request that hangs for longer is sent
// again on a new connection, so that the end of an outage is noticed soon. If the store was only
// slow, the repeated create-only put meets the object of the first one.
constexpr std::chrono::milliseconds kWholeLimit{2'500};
// A store needs some time to join ten thousand parts.
constexpr milliseconds kCompletionLimit{180'000};
constexpr std::size_t kSmall = 64 << 10;

bool is_worth_repeating(const Result<S3Reply>& reply) {
  if (reply) return is_transient(reply->meaning);
  return reply.error().code == Code::Unavailable || reply.error().code == Code::Unknown;
}

// Every store returns an ETag for what it has stored. An answer without one has stored nothing.
Result<std::string> require_etag(const S3Reply& reply, const S3Request& request) {
  const auto etag = reply.response.header("etag");
  if (etag.empty()) {
    return fail(Code::Unknown,
                "{}: status {} without an etag; check that the endpoint is an S3 store",
                what_of(request), reply.response.status);
  }
  return std::string(etag);
}

}  // namespace

struct S3Upload::Lane {
  std::unique_ptr<S3Client> client;  // made for its first part
  ByteVector buffer;
  int part = 0;  // whose bytes are under way; 0: none
  S3Access access;
  Result<S3Reply> outcome = fail(Code::Unavailable, "not sent");
  os::Thread thread;  // uses all of the above

  void append(ByteSpan bytes) {
    // A larger body gets memory for a part at once: growing would need the old and the new memory.
    if (buffer.size() + bytes.size() > kSmall) buffer.reserve(kPartBytes);
    buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  }
};

S3Upload::S3Upload(Dependencies deps) : deps_(std::move(deps)) {
  const int lanes = std::clamp(deps_.session.target().dialect->parallel_parts, 1, kMostLanes);
  for (int i = 0; i < lanes; ++i) lanes_.push_back(std::make_unique<Lane>());
}

S3Upload::~S3Upload() {
  for (const auto& lane : lanes_) lane->thread.join();
}

Failure S3Upload::failure_of(const S3Reply& reply, const S3Request& request) const {
  return fail(error_of(reply, request, deps_.clock.wall()));
}

template <typename Attempt>
Result<S3Reply> S3Upload::with_retries(Attempt attempt) const {
  for (milliseconds pause : kPauses) {
    auto reply = attempt();
    if (!is_worth_repeating(reply)) return reply;
    if (reply) pause = std::max(pause, retry_after(reply->response, deps_.clock.wall()));
    deps_.pause(std::min(pause, kLongestPause));
  }
  return attempt();
}

std::vector<http::HeaderField> S3Upload::object_headers() const {
  std::vector<http::HeaderField> headers = {{"content-type", "application/octet-stream"}};
  if (deps_.options.timestamp) {
    headers.push_back(
        {"x-amz-meta-litestream-timestamp", format_rfc3339(*deps_.options.timestamp)});
  }
  return headers;
}

Result<void> S3Upload::write(ByteSpan bytes) {
  while (!bytes.empty()) {
    if (filling().buffer.size() == kPartBytes) {
      TRY(hand_over(filling()));
      filling_ = (filling_ + 1) % lanes_.size();
      TRY(settle(filling()));
    }
    const auto room = static_cast<std::size_t>(kPartBytes) - filling().buffer.size();
    const auto taken = bytes.first(std::min(room, bytes.size()));
    filling().append(taken);
    total_ += taken.size();
    bytes = bytes.subspan(taken.size());
  }
  return {};
}

Result<void> S3Upload::finish() {
  if (upload_id_.empty()) return put_whole();
  TRY(hand_over(filling()));
  // From the oldest on, which is the one after the newest.
  for (std::size_t i = 1; i <= lanes_.size(); ++i) {
    TRY(settle(*lanes_[(filling_ + i) % lanes_.size()]));
  }
  return complete();
}

// Create-only by the condition or, if the store refuses it, by a check.
template <typename Attempt>
Result<S3Reply> S3Upload::make_visible(const S3Request& request, Attempt attempt) {
  if (deps_.options.mode == PutMode::Replace) return attempt(request);
  if (deps_.session.has_conditions()) {
    S3Request conditional = request;
    conditional.headers.push_back({"if-none-match", "*"});
    auto reply = TRY(attempt(conditional));
    if (reply.meaning != Meaning::NotImplemented) return reply;
    deps_.session.on_conditions_refused();
  }
  TRY(require_absent());
  return attempt(request);
}

Result<void> S3Upload::put_whole() {
  S3Request request;
  request.method = http::Method::Put;
  request.key = deps_.key;
  request.headers = object_headers();
  request.body = filling().buffer;
  request.limit = kWholeLimit;
  const auto reply = TRY(make_visible(
      request, [&](const S3Request& attempt) { return deps_.session.perform(attempt); }));
  if (reply.meaning != Meaning::Done) return failure_of(reply, request);
  TRY(require_etag(reply, request));
  return {};
}

Result<void> S3Upload::begin() {
  S3Request request;
  request.method = http::Method::Post;
  request.key = deps_.key;
  request.query = {{"uploads", ""}};
  request.headers = object_headers();
  const auto reply = TRY(deps_.session.perform(request));
  if (reply.meaning != Meaning::Done) return failure_of(reply, request);
  auto id = parse_upload_id(as_text(reply.response.body));
  if (!id) return fail(Code::Unknown, "{}: {}", what_of(request), id.error().text);
  upload_id_ = *std::move(id);
  return {};
}

// Sends its bytes on the lane's own thread.
Result<void> S3Upload::hand_over(Lane& lane) {
  if (upload_id_.empty()) TRY(begin());
  if (begun_parts_ == kMostParts) {
    return fail(Code::Unsupported, "{} is larger than the {} GiB that an upload may have",
                deps_.key, (kMostParts * kPartBytes) >> 30);
  }
  lane.part = ++begun_parts_;
  return send(lane);
}

Result<void> S3Upload::send(Lane& lane) {
  if (!lane.client) {
    auto transport = TRY(deps_.make_transport());
    lane.client = std::make_unique<S3Client>(std::move(transport), deps_.clock);
  }
  lane.access = TRY(deps_.session.access());
  // During a stop at a task limit there may be no thread. Then the parts are sent one by one.
  lane.thread = os::thread_or_here(
      "s3-part", [this, &lane] { lane.outcome = send_part(lane); },
      [&lane](std::string_view what) {
        lane.outcome = fail(Code::Io, "upload of part {}: {}", lane.part, what);
      });
  return {};
}

// On the lane's thread.
Result<S3Reply> S3Upload::send_part(Lane& lane) const {
  S3Request request;
  request.method = http::Method::Put;
  request.key = deps_.key;
  request.query = {{"partNumber", fmt::format("{}", lane.part)}, {"uploadId", upload_id_}};
  request.body = lane.buffer;
  return with_retries([&]() -> Result<S3Reply> {
    auto reply = TRY(lane.client->attempt(request, lane.access));
    if (reply.meaning == Meaning::Done) TRY(require_etag(reply, request));
    return reply;
  });
}

// Waits until its part is stored, and makes room for another one.
Result<void> S3Upload::settle(Lane& lane) {
  if (lane.part == 0) return {};
  S3Session::Mended mended;
  while (true) {
    lane.thread.join();
    const auto reply = TRY(std::exchange(lane.outcome, fail(Code::Unavailable, "not sent")));
    if (reply.meaning == Meaning::Done) {
      uploaded_.push_back({lane.part, std::string(reply.response.header("etag"))});
      lane.part = 0;
      lane.buffer.clear();
      return {};
    }
    if (!deps_.session.mend(reply, mended)) {
      S3Request request;
      request.method = http::Method::Put;
      request.key = fmt::format("{} part {}", deps_.key, lane.part);
      return failure_of(reply, request);
    }
    TRY(send(lane));
  }
}

Result<void> S3Upload::require_absent() {
  const auto reply = TRY(with_retries([&] { return deps_.session.look(deps_.key); }));
  if (reply.meaning == Meaning::Done) return fail(Code::Exists, "{} already exists", deps_.key);
  if (reply.meaning == Meaning::NotThere) return {};
  // Without the right to check, only the condition remains, if there is one.
  if (reply.meaning == Meaning::Denied && deps_.session.has_conditions()) return {};
  S3Request request;
  request.key = deps_.key;
  return failure_of(reply, request);
}

Result<S3Reply> S3Upload::try_completion(const S3Request& request) {
  auto reply = TRY(deps_.session.perform(request));
  if (reply.meaning != Meaning::Done) return reply;
  const auto problem = parse_complete_upload(as_text(reply.response.body));
  if (!problem) return fail(Code::Unknown, "{}: {}", what_of(request), problem.error().text);
  if (problem->has_value()) return reply_of(**problem);
  return reply;
}

Result<void> S3Upload::complete() {
  if (deps_.options.mode == PutMode::CreateOnly) TRY(require_absent());
  const std::string xml = format_complete_upload(uploaded_);
  S3Request request;
  request.method = http::Method::Post;
  request.key = deps_.key;
  request.query = {{"uploadId", upload_id_}};
  request.headers = {{"content-type", "application/xml"}};
  request.body = as_bytes(xml);
  request.limit = kCompletionLimit;
  const auto reply = TRY(make_visible(request, [&](const S3Request& attempt) {
    return with_retries([&] { return try_completion(attempt); });
  }));
  if (reply.error.code == "NoSuchUpload") return on_upload_gone();
  if (reply.meaning != Meaning::Done) return failure_of(reply, request);
  upload_id_.clear();
  return {};
}

// An attempt whose answer was lost completed it, or another client removed it.
Result<void> S3Upload::on_upload_gone() {
  upload_id_.clear();
  S3Request request;
  request.method = http::Method::Head;
  request.key = deps_.key;
  const auto reply = TRY(with_retries([&] { return deps_.session.perform(request); }));
  const bool is_there = reply.meaning == Meaning::Done;
  // A create-only caller compares more than the size.
  if (is_there && deps_.options.mode == PutMode::CreateOnly) {
    return fail(Code::Exists, "{} already exists", deps_.key);
  }
  if (is_there && content_length(reply.response) == total_) return {};
  return fail(Code::Unknown, "the multipart upload of {} no longer exists", deps_.key);
}

void S3Upload::abandon() {
  for (const auto& lane : lanes_) lane->thread.join();
  if (upload_id_.empty()) return;
  S3Request request;
  request.method = http::Method::Delete;
  request.key = deps_.key;
  request.query = {{"uploadId", std::exchange(upload_id_, "")}};
  const auto reply = deps_.session.perform(request);
  if (reply && (reply->meaning == Meaning::Done || reply->error.code == "NoSuchUpload")) return;
  deps_.log.warn(
      "parts of an unfinished upload remain in the store until a lifecycle rule deletes them",
      {{"store", deps_.session.target().url},
       {"key", deps_.key},
       {"cause", reply ? reply->error.code : reply.error().text}});
}

}  // namespace walwrap::storage
