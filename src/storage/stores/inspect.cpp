#include "walwrap/storage/stores/inspect.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/storage/s3/s3_client.hpp"
#include "walwrap/storage/s3/s3_errors.hpp"
#include "walwrap/storage/s3/s3_xml.hpp"

namespace walwrap::storage {
namespace {

constexpr Bytes kProbeLimit = 4096;

Result<void> get_same(ObjectStore& store, const std::string& key, ByteSpan expected) {
  const auto got = TRY(get_all(store, key, kProbeLimit));
  if (std::ranges::equal(got, expected)) return {};
  return fail(Code::Corrupt, "{} was read back with different content", key);
}

Result<void> remove_whole(ObjectStore& store, const std::string& key) {
  TRY(store.remove(key));
  const auto left = get_all(store, key, kProbeLimit);
  if (!left && left.error().code == Code::NotFound) return {};
  if (!left) return fail(left.error());
  return fail(Code::Mismatch, "{} still exists after it was deleted", key);
}

}  // namespace

Result<void> look_at_bucket(const Location& location, const Surroundings& surroundings,
                            BucketFacts& facts) {
  facts.provider = location.s3.dialect->name;
  auto transport = TRY(open_transport(location, surroundings));
  S3Session session({.target = location.s3,
                     .transport = std::move(transport),
                     .environment = location.environment,
                     .credentials = location.credentials,
                     .clock = surroundings.clock,
                     .log = surroundings.log});
  facts.credentials = TRY(session.credentials_source());
  S3Request request;
  request.query = {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", location.s3.prefix + "/"}};
  auto reply = TRY(session.perform(request));
  facts.peer = reply.response.peer;
  if (const auto theirs = server_time(reply.response)) {
    facts.clock_offset =
        std::chrono::duration_cast<std::chrono::milliseconds>(*theirs - surroundings.clock.wall());
  }
  if (reply.meaning == Meaning::NotThere) reply.meaning = Meaning::NoBucket;
  if (reply.meaning != Meaning::Done) {
    return fail(error_of(reply, request, surroundings.clock.wall()));
  }
  TRY(parse_list(as_text(reply.response.body)).context("listing"));
  return {};
}

StoreRights try_rights(ObjectStore& store, const std::string& key) {
  constexpr std::string_view kText = "walwrap doctor was here\n";
  const auto put_new = [&] {
    return store.put(key, body_of(as_bytes(kText)), {.mode = PutMode::CreateOnly});
  };
  StoreRights rights;
  auto listed = store.list(key, "");
  rights.list = listed ? Result<void>() : fail(listed.error());
  rights.put = put_new();
  if (!*rights.put) {
    // The put may still have been carried out.
    if (rights.put->error().code != Code::Denied) {
      ignore(store.remove(key), "the cause that prevented the put may prevent the removal");
    }
    return rights;
  }
  rights.get = get_same(store, key, as_bytes(kText));
  const auto again = put_new();
  const bool is_refused = !again && again.error().code == Code::Exists;
  if (again || is_refused) {
    rights.create_only = is_refused && store.create_only() != CreateOnly::LookBefore;
  }
  rights.remove = remove_whole(store, key);
  return rights;
}

}  // namespace walwrap::storage
