// What a source of keys looks at: an environment, a few files, services behind a FakeTransport, and
// a clock; and a log of which no line may hold a secret.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_transport.hpp"
#include "tests/support/files.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/storage/aws/s3_location.hpp"

namespace walwrap::testing {

struct KeyRig {
  TempDir dir;
  std::map<std::string, std::string, std::less<>> variables;
  FakeTransport transport;
  ManualClock clock;
  std::vector<std::string> lines;
  Log log{{.minimum = LogLevel::Debug,
           .now = [this] { return clock.wall(); },
           .sink = [this](std::string_view line) { lines.emplace_back(line); }}};

  KeyRig() = default;
  KeyRig(const KeyRig&) = delete;
  KeyRig& operator=(const KeyRig&) = delete;

  storage::LookupFn environment() const {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
  }
  // A file, and its path.
  std::string file(std::string_view name, std::string_view text) const {
    std::filesystem::create_directories((dir / name).parent_path());
    write_text(dir / name, text);
    return (dir / name).string();
  }
  // How many lines hold that.
  int count_lines(std::string_view part) const {
    int found = 0;
    for (const auto& line : lines) found += line.find(part) != std::string::npos;
    return found;
  }
};

// What services answer. `number` makes keys different from those before: "ASIA1", "secret1", ...
inline constexpr const char* kInstanceUrl = "http://169.254.169.254";

inline std::string key_json(int number, WallTime expires) {
  return fmt::format(
      R"({{"Code":"Success","AccessKeyId":"ASIA{0}","SecretAccessKey":"hunter2-secret{0}",)"
      R"("Token":"hunter2-token{0}","Expiration":"{1}"}})",
      number, format_rfc3339(expires));
}

inline std::string sts_xml(int number, WallTime expires) {
  return fmt::format(
      R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">)"
      "<AssumeRoleWithWebIdentityResult><Credentials>"
      "<AccessKeyId>ASIA{0}</AccessKeyId><SecretAccessKey>hunter2-secret{0}</SecretAccessKey>"
      "<SessionToken>hunter2-token{0}</SessionToken><Expiration>{1}</Expiration>"
      "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
      number, format_rfc3339(expires));
}

inline std::string sts_error(std::string_view code, std::string_view message) {
  return fmt::format(
      "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>"
      "</ErrorResponse>",
      code, message);
}

// An instance with the role "web" whose keys are these.
inline void set_instance(FakeTransport& transport, std::vector<Result<http::Response>> keys,
                         const std::string& url = kInstanceUrl) {
  const std::string roles = url + "/latest/meta-data/iam/security-credentials/";
  transport.on("PUT " + url + "/latest/api/token", {FakeTransport::answer(200, "hunter2-imds")});
  transport.on("GET " + roles, {FakeTransport::answer(200, "web\n")});
  transport.on("GET " + roles + "web", std::move(keys));
}

}  // namespace walwrap::testing
