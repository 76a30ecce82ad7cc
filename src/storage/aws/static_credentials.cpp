#include "walwrap/storage/aws/static_credentials.hpp"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

#include "walwrap/storage/aws/credential_rules.hpp"
#include "walwrap/storage/aws/profile_files.hpp"

namespace walwrap::storage {
namespace {

// Far above any token, and above any profile file written by a person (Law 5).
constexpr Bytes kSecretLimit = 64 << 10;
constexpr Bytes kProfileFileLimit = 1 << 20;
// AWS's own names first, then the names that other platforms and tools use.
constexpr std::array<std::string_view, 4> kPrefixes = {"AWS_", "LITESTREAM_", "BUCKETEER_AWS_",
                                                       "SPACES_"};
constexpr std::string_view kSessionName = "walwrap";
constexpr std::string_view kInstead =
    "walwrap supports AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, "
    "aws_access_key_id and aws_secret_access_key in a profile, role_arn with "
    "web_identity_token_file, or the role of a container or an instance";

Error as_denied(Error error) {
  if (error.code != Code::Unavailable) error.code = Code::Denied;
  return error;
}

// The value of `name`, or the content of the file that `name`_FILE names.
Result<std::optional<Secret<std::string>>> secret_of(const LookupFn& environment,
                                                     const std::string& name) {
  const std::string file_name = name + "_FILE";
  auto value = value_of(environment, name);
  const auto file = value_of(environment, file_name);
  if (value && file) {
    return fail(Code::Denied, "both {} and {} are set; unset one of them", name, file_name);
  }
  if (value) return std::optional(Secret<std::string>(*std::move(value)));
  if (!file) return std::optional<Secret<std::string>>();
  auto read = TRY(read_secret(file_name, *file));
  return std::optional(std::move(read));
}

Result<std::optional<Credentials>> pair_of(const LookupFn& environment, std::string_view prefix) {
  const std::string id_name = fmt::format("{}ACCESS_KEY_ID", prefix);
  const std::string secret_name = fmt::format("{}SECRET_ACCESS_KEY", prefix);
  const auto id = TRY(secret_of(environment, id_name));
  const auto secret = TRY(secret_of(environment, secret_name));
  if (!id && !secret) return std::optional<Credentials>();
  if (!id || !secret) {
    return fail(Code::Denied, "{} is set and {} is not; set both", id ? id_name : secret_name,
                id ? secret_name : id_name);
  }
  const auto token = TRY(secret_of(environment, fmt::format("{}SESSION_TOKEN", prefix)));
  Credentials found{.keys = {.access_key_id = id->reveal(),
                             .secret_access_key = *secret,
                             .session_token = token.value_or(Secret<std::string>())}};
  TRY(check_keys(found.keys).context(fmt::format("{} and {}", id_name, secret_name)));
  found.source = "environment";
  if (prefix != kPrefixes.front()) found.source += fmt::format(" ({}*)", prefix);
  return std::optional(std::move(found));
}

// "~/x" as the AWS tools expand it.
std::string at_home(const LookupFn& environment, const std::string& path) {
  const auto home = value_of(environment, "HOME");
  return home && path.starts_with("~/") ? *home + path.substr(1) : path;
}

struct ProfilePlace {
  ProfileFile kind;
  std::string path;  // "": none
  bool is_named;
};

ProfilePlace place_of(const LookupFn& environment, ProfileFile kind) {
  const bool is_config = kind == ProfileFile::Config;
  const auto named =
      value_of(environment, is_config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
  if (named) return {kind, at_home(environment, *named), true};
  const auto home = value_of(environment, "HOME");
  if (!home) return {kind, "", false};
  return {kind, *home + (is_config ? "/.aws/config" : "/.aws/credentials"), false};
}

Result<Profiles> read_profiles(const ProfilePlace& place) {
  const auto bytes = TRY(os::read_file(place.path, kProfileFileLimit));
  return parse_profiles(as_text(bytes), place.kind).context(place.path);
}

struct Loaded {
  Profiles profiles = {};
  std::string passed_over = {};  // why the file gives no profiles
};

// A file that cannot be read or parsed counts as absent, unless the user named it: a forgotten file
// at home must not hide the role of a container.
Result<Loaded> load(const ProfilePlace& place, bool is_wanted) {
  if (place.path.empty()) return Loaded{};
  auto profiles = read_profiles(place);
  if (profiles) return Loaded{.profiles = *std::move(profiles)};
  const Error& error = profiles.error();
  if (error.code == Code::NotFound) return Loaded{};
  const bool must_be_told = error.code == Code::Unavailable || is_wanted || place.is_named;
  if (must_be_told) return fail(as_denied(error));
  return Loaded{.passed_over = error.text};
}

Failure refuse(std::string_view source, std::string_view why) {
  return fail(Code::Denied, "{} {}; {}", source, why, kInstead);
}

Result<Finding> find_in(const LookupFn& environment, const Profile& profile,
                        const std::string& source) {
  const auto has = [&](std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) {
      if (!value_of(profile, key).empty()) return true;
    }
    return false;
  };
  const std::string token_file(value_of(profile, "web_identity_token_file"));
  if (has({"role_arn"})) {
    if (token_file.empty()) {
      return refuse(source,
                    "has a role_arn with source_profile or credential_source, which walwrap does "
                    "not support");
    }
    const std::string_view session = value_of(profile, "role_session_name");
    return Finding{
        .role = WebIdentity{.role_arn = std::string(value_of(profile, "role_arn")),
                            .token_file = at_home(environment, token_file),
                            .session_name = std::string(session.empty() ? kSessionName : session),
                            .source = source}};
  }
  const bool has_id = has({"aws_access_key_id"});
  const bool has_secret = has({"aws_secret_access_key"});
  if (has_id != has_secret) {
    return fail(Code::Denied, "{} has {} and no {}", source,
                has_id ? "aws_access_key_id" : "aws_secret_access_key",
                has_id ? "aws_secret_access_key" : "aws_access_key_id");
  }
  if (has_id) {
    const auto secret_in = [&](std::string_view key) {
      return Secret<std::string>(std::string(value_of(profile, key)));
    };
    Credentials found{.keys = {.access_key_id = std::string(value_of(profile, "aws_access_key_id")),
                               .secret_access_key = secret_in("aws_secret_access_key"),
                               .session_token = secret_in("aws_session_token")},
                      .kind = CredentialSource::Profile,
                      .source = source};
    TRY(check_keys(found.keys).context(source));
    return Finding{.credentials = std::move(found)};
  }
  if (has({"sso_session", "sso_start_url", "sso_account_id", "login_session"})) {
    return refuse(source, "uses SSO, which walwrap does not support");
  }
  if (has({"credential_process"})) {
    return refuse(source, "has a credential_process, which walwrap does not run");
  }
  if (!token_file.empty()) {
    return fail(Code::Denied, "{} has web_identity_token_file and no role_arn", source);
  }
  return Finding{.absent = fmt::format("no keys in {}", source)};
}

}  // namespace

std::optional<std::string> value_of(const LookupFn& environment, std::string_view name) {
  if (!environment) return std::nullopt;
  auto value = environment(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

Result<Secret<std::string>> read_secret(std::string_view what, const os::Path& path) {
  const auto bytes = os::read_file(path, kSecretLimit);
  if (!bytes) return Result<Secret<std::string>>(fail(as_denied(bytes.error()))).context(what);
  std::string_view text = as_text(*bytes);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return fail(Code::Denied, "{}: {} is empty", what, path.native());
  return Secret<std::string>(std::string(text));
}

Result<Finding> find_in_environment(const LookupFn& environment) {
  for (const auto prefix : kPrefixes) {
    auto found = TRY(pair_of(environment, prefix));
    if (found) return Finding{.credentials = std::move(found)};
  }
  return Finding{.absent = "no AWS_ACCESS_KEY_ID in the environment"};
}

Result<Finding> find_web_identity(const LookupFn& environment) {
  const auto role = value_of(environment, "AWS_ROLE_ARN");
  const auto file = value_of(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (!file) {
    // A role alone is not an incomplete configuration: the app may have it for itself.
    return Finding{.absent = role ? "AWS_ROLE_ARN without AWS_WEB_IDENTITY_TOKEN_FILE"
                                  : "no AWS_WEB_IDENTITY_TOKEN_FILE"};
  }
  if (!role) {
    return fail(Code::Denied,
                "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not; set both");
  }
  const auto session = value_of(environment, "AWS_ROLE_SESSION_NAME");
  return Finding{.role = WebIdentity{.role_arn = *role,
                                     .token_file = *file,
                                     .session_name = session.value_or(std::string(kSessionName)),
                                     .source = "web identity"}};
}

Result<Finding> find_in_profile(const LookupFn& environment) {
  auto named = value_of(environment, "AWS_PROFILE");
  if (!named) named = value_of(environment, "AWS_DEFAULT_PROFILE");
  const std::string name = named.value_or("default");
  const ProfilePlace credentials = place_of(environment, ProfileFile::Credentials);
  const ProfilePlace config = place_of(environment, ProfileFile::Config);
  auto loaded = TRY(load(credentials, named.has_value()));
  const auto more = TRY(load(config, named.has_value()));
  Profiles& profiles = loaded.profiles;
  merge_profiles(profiles, more.profiles);
  const std::string where = credentials.path.empty() && config.path.empty()
                                ? std::string("any file, as HOME is not set")
                                : fmt::format("{} or {}", credentials.path, config.path);
  const auto absent = [&](std::string why) {
    for (const std::string& error : {loaded.passed_over, more.passed_over}) {
      if (!error.empty()) why += fmt::format(" ({})", error);
    }
    return Finding{.absent = std::move(why)};
  };
  const auto found = profiles.find(name);
  if (found == profiles.end()) {
    if (named && name != "default") {
      return fail(Code::Denied, "AWS_PROFILE is {}, and that profile is not in {}", name, where);
    }
    return absent(fmt::format("no profile {} in {}", name, where));
  }
  auto finding = TRY(find_in(environment, found->second, fmt::format("profile {}", name)));
  return finding.absent.empty() ? finding : absent(finding.absent);
}

}  // namespace walwrap::storage
