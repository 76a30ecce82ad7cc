#include "walwrap/replication/replica/ownership.hpp"

#include <nlohmann/json.hpp>

#include "walwrap/base/check.hpp"
#include "walwrap/replication/replica/layout.hpp"

namespace walwrap::replication {
namespace {

constexpr Bytes kIdentityLimit = 4096;
constexpr int kVersion = 1;

}  // namespace

std::string format_identity(const Identity& identity) {
  const nlohmann::ordered_json json = {{"version", kVersion},
                                       {"lineage", format_hex16(identity.lineage.value)}};
  return json.dump() + "\n";
}

Result<Identity> parse_identity(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(Code::Corrupt, "{} is not a JSON object", kIdentityKey);
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer() || *version != kVersion) {
    return fail(Code::Corrupt, "{} has an unknown version", kIdentityKey);
  }
  const auto lineage = json.find("lineage");
  if (lineage == json.end() || !lineage->is_string()) {
    return fail(Code::Corrupt, "{} has no lineage", kIdentityKey);
  }
  const auto value = parse_hex16(lineage->get<std::string>());
  if (!value) return fail(Code::Corrupt, "{} has a malformed lineage", kIdentityKey);
  return Identity{RandomId{*value}};
}

Result<std::optional<Identity>> read_identity(storage::ObjectStore& store) {
  const auto bytes = storage::get_all(store, std::string(kIdentityKey), kIdentityLimit);
  if (!bytes && bytes.error().code == Code::NotFound) return std::optional<Identity>();
  if (!bytes && bytes.error().code == Code::Invalid) {
    return fail(Code::Corrupt, "{}", bytes.error().text);
  }
  if (!bytes) return fail(bytes.error());
  const auto identity = TRY(parse_identity(as_text(*bytes)));
  return std::optional(identity);
}

Result<Identity> claim_identity(storage::ObjectStore& store, RandomId lineage) {
  const std::string text = format_identity({lineage});
  WW_CHECK(parse_identity(text).value().lineage == lineage);  // it never changes
  const auto put = store.put(std::string(kIdentityKey), storage::body_of(as_bytes(text)),
                             {.mode = storage::PutMode::CreateOnly, .timestamp = std::nullopt});
  if (!put && put.error().code != Code::Exists) return fail(put.error());
  const auto identity = TRY(read_identity(store));
  if (!identity) return fail(Code::Unavailable, "{} was written but does not exist", kIdentityKey);
  return *identity;
}

Result<Fencing> probe_fencing(storage::ObjectStore& store) {
  // The first put creates the name, if no earlier start has. Only the second put shows whether the
  // store refuses it.
  for (int i = 0; i < 2; ++i) {
    if (store.create_only() == storage::CreateOnly::Atomic) return Fencing::On;
    const auto put = store.put(std::string(kProbeKey), storage::body_of({}),
                               {.mode = storage::PutMode::CreateOnly,
                                .timestamp = std::nullopt,
                                .repeat = storage::Repeat::Once});
    if (store.create_only() == storage::CreateOnly::LookBefore) return Fencing::Off;
    if (put) continue;
    if (put.error().code == Code::Exists) return Fencing::On;
    return fail(put.error());
  }
  return Fencing::Off;
}

}  // namespace walwrap::replication
