#include "walwrap/storage/s3/s3_client.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace walwrap::storage {
namespace {

using std::chrono::milliseconds;

std::chrono::milliseconds limit_of(const S3Request& request) {
  return request.limit +
         milliseconds(1000 * request.body.size() / S3Client::kSlowestBytesPerSecond);
}

Effect effect_of(const S3Request& request) {
  const bool reads = request.method == http::Method::Get || request.method == http::Method::Head;
  return reads ? Effect::Reads : Effect::Writes;
}

bool has_md5(const S3Request& request) {
  if (request.method == http::Method::Put) return true;
  return request.method == http::Method::Post && !request.body.empty();
}

}  // namespace

std::string what_of(const S3Request& request) {
  return fmt::format("{} {}", http::method_name(request.method),
                     request.key.empty() ? "bucket" : request.key);
}

Error error_of(const S3Reply& reply, const S3Request& request, WallTime now) {
  const Effect effect = effect_of(request);
  Error error = error_of(reply.meaning, {reply.response, reply.error, effect}, what_of(request));
  const bool is_obscure = error.code == Code::Corrupt || reply.meaning == Meaning::Malformed;
  if (is_obscure && effect == Effect::Writes) error.code = Code::Unknown;
  if (is_transient(reply.meaning)) error.retry_after = retry_after(reply.response, now);
  return error;
}

S3Reply reply_of(S3Error error) {
  S3Reply reply;
  reply.response.status = 200;
  reply.error = std::move(error);
  reply.meaning = meaning_of({reply.response, reply.error, Effect::Writes});
  return reply;
}

bool is_transient(Meaning meaning) {
  return meaning == Meaning::Throttled || meaning == Meaning::Unavailable ||
         meaning == Meaning::Unknown || meaning == Meaning::Malformed;
}

Result<S3Reply> S3Client::attempt(const S3Request& request, const S3Access& access) {
  const S3Location& target = access.target;
  const std::string key =
      request.key.empty() ? std::string() : fmt::format("{}/{}", target.prefix, request.key);
  const S3Address address = address_of(target, key, request.query);
  const std::string hash = sha256_hex(request.body);
  ToSign to_sign{.method = request.method,
                 .path = address.path,
                 .query = address.query,
                 .headers = request.headers,
                 .payload_hash = hash,
                 .region = target.region,
                 .time = clock_.wall() + access.clock_offset};
  to_sign.headers.push_back({"host", address.host});
  if (has_md5(request)) to_sign.headers.push_back({"content-md5", md5_base64(request.body)});
  if (!target.dialect->extra_header.empty()) {
    to_sign.headers.push_back(
        {std::string(target.dialect->extra_header), std::string(target.dialect->extra_value)});
  }
  http::Request wire;
  wire.method = request.method;
  wire.url = address.url(target.scheme);
  wire.headers = signer_.sign(std::move(to_sign), access.keys);
  wire.body = request.body;
  wire.sink = request.sink;
  wire.on_head = request.on_head;
  wire.limit = limit_of(request);

  S3Reply reply;
  const Effect effect = effect_of(request);
  auto response = transport_->perform(wire);
  if (!response) {
    Error error = response.error();
    if (error.code == Code::Corrupt && effect == Effect::Writes) error.code = Code::Unknown;
    return fail(std::move(error));
  }
  reply.response = *std::move(response);
  if (reply.response.status / 100 != 2) reply.error = parse_error(as_text(reply.response.body));
  reply.meaning = meaning_of({reply.response, reply.error, effect});
  return reply;
}

S3Session::S3Session(Dependencies deps)
    : target_(std::move(deps.target)),
      clock_(deps.clock),
      log_(deps.log),
      client_(std::move(deps.transport), deps.clock),
      shared_(std::move(deps.credentials)),
      chain_({.environment = std::move(deps.environment),
              .transport = client_.transport(),
              .clock = deps.clock,
              .log = deps.log,
              .region = target_.region,
              .shared = shared_.get()}) {}

Result<S3Access> S3Session::access() {
  auto credentials = TRY(chain_.get());
  return S3Access{
      .target = target_, .keys = std::move(credentials.keys), .clock_offset = clock_offset_};
}

Result<std::string> S3Session::credentials_source() {
  auto credentials = TRY(chain_.get());
  return std::move(credentials.source);
}

Result<S3Reply> S3Session::perform(const S3Request& request) {
  Mended mended;
  while (true) {
    const auto with = TRY(access());
    auto reply = TRY(client_.attempt(request, with));
    if (!mend(reply, mended)) return reply;
  }
}

Result<S3Reply> S3Session::look(const std::string& key) {
  bool is_there = false;
  S3Request request;
  request.key = key;
  request.headers = {{"range", "bytes=0-0"}};
  request.on_head = [&](const http::Response& /*head*/) -> Result<void> {
    is_there = true;
    return {};
  };
  // A server without ranges sends the whole object, which is not needed.
  request.sink = [](ByteSpan bytes) -> Result<void> {
    if (bytes.size() > 1) return fail(Code::Cancelled, "more bytes than requested");
    return {};
  };
  auto reply = perform(request);
  if (!reply && !is_there) return reply;
  if (!reply) reply = S3Reply{};
  const bool is_empty = reply->meaning == Meaning::OutOfRange;
  if (is_there || is_empty) reply->meaning = Meaning::Done;
  return reply;
}

bool S3Session::mend(const S3Reply& reply, Mended& mended) {
  switch (reply.meaning) {
    case Meaning::ClockSkew:
      return !std::exchange(mended.clock, true) && mend_clock(reply);
    case Meaning::CredentialsExpired:
      if (std::exchange(mended.credentials, true)) return false;
      chain_.forget();
      return true;
    case Meaning::Denied:
      return !std::exchange(mended.credentials, true) && mend_keys(reply);
    case Meaning::WrongRegion:
      return !std::exchange(mended.region, true) && mend_region(reply);
    default:
      return false;
  }
}

// Credentials in a file were replaced there: the store no longer accepts the old ones.
bool S3Session::mend_keys(const S3Reply& reply) {
  const std::string& code = reply.error.code;
  const bool is_told = !code.empty();  // a refused HEAD has no reason
  if (is_told && code != "InvalidAccessKeyId" && code != "SignatureDoesNotMatch") return false;
  const auto before = chain_.get();
  chain_.forget();
  const auto after = chain_.get();
  return before && after && !is_same(before->keys, after->keys);
}

bool S3Session::mend_clock(const S3Reply& reply) {
  const auto theirs = server_time(reply.response);
  if (!theirs) return false;
  clock_offset_ = *theirs - clock_.wall();
  log_.warn("the clock differs from the store's; signing requests with the store's time",
            {{"store", target_.url}, {"ahead_ms", clock_offset_.count()}});
  return true;
}

bool S3Session::mend_region(const S3Reply& reply) {
  std::string region = reply.error.region;
  if (region.empty()) region = reply.response.header("x-amz-bucket-region");
  if (!is_region_name(region) || region == target_.region) return false;
  log_.warn("the bucket is in another region; add ?region= to the URL",
            {{"store", target_.url}, {"configured", target_.region}, {"region", region}});
  target_ = in_region(std::move(target_), region);
  return true;
}

void S3Session::on_conditions_refused() {
  if (!std::exchange(has_conditions_, false)) return;
  log_.warn("the store does not support create-only writes; checking each key before a put",
            {{"store", target_.url}});
}

S3Location in_region(S3Location target, const std::string& region) {
  const std::string old_label = fmt::format(".{}.", target.region);
  if (const auto at = target.host.find(old_label); at != std::string::npos) {
    target.host.replace(at, old_label.size(), fmt::format(".{}.", region));
  }
  target.region = region;
  return target;
}

}  // namespace walwrap::storage
