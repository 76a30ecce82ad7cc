#include "walwrap/storage/aws/static_credentials.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <string>

#include "tests/support/key_rig.hpp"
#include "tests/support/text.hpp"

namespace walwrap::storage {
namespace {

using testing::has;
using Rig = testing::KeyRig;

// "source: id secret token", "role arn from file as session (source)", "absent: why", or the error.
std::string static_keys_text(const Result<Finding>& finding) {
  if (!finding) {
    CHECK(finding.error().code == Code::Denied);
    CHECK_FALSE(has(finding.error().text, "hunter2"));
    return "error: " + finding.error().text;
  }
  if (finding->credentials) {
    const auto& found = *finding->credentials;
    CHECK_FALSE(found.expires.has_value());
    return fmt::format("{}: {} {} {}", found.source, found.keys.access_key_id,
                       found.keys.secret_access_key.reveal(), found.keys.session_token.reveal());
  }
  if (finding->role) {
    const auto& role = *finding->role;
    return fmt::format("role {} from {} as {} ({})", role.role_arn, role.token_file.native(),
                       role.session_name, role.source);
  }
  return "absent: " + finding->absent;
}

TEST_CASE("credentials in the environment are found by AWS's names, then by others") {
  struct Row {
    std::map<std::string, std::string, std::less<>> variables;
    std::string_view what;
  };
  const Row rows[] = {
      {{{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}}, "environment: A s "},
      {{{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}},
       "environment: A s t"},
      {{{"LITESTREAM_ACCESS_KEY_ID", "L"}, {"LITESTREAM_SECRET_ACCESS_KEY", "s"}},
       "environment (LITESTREAM_*): L s "},
      {{{"BUCKETEER_AWS_ACCESS_KEY_ID", "B"}, {"BUCKETEER_AWS_SECRET_ACCESS_KEY", "s"}},
       "environment (BUCKETEER_AWS_*): B s "},
      {{{"SPACES_ACCESS_KEY_ID", "S"}, {"SPACES_SECRET_ACCESS_KEY", "s"}},
       "environment (SPACES_*): S s "},
      {{{"SPACES_ACCESS_KEY_ID", "S"},
        {"SPACES_SECRET_ACCESS_KEY", "s"},
        {"AWS_ACCESS_KEY_ID", "A"},
        {"AWS_SECRET_ACCESS_KEY", "s"}},
       "environment: A s "},
      {{{"AWS_ACCESS_KEY_ID", ""},
        {"AWS_SECRET_ACCESS_KEY", ""},
        {"SPACES_ACCESS_KEY_ID", "S"},
        {"SPACES_SECRET_ACCESS_KEY", "s"}},
       "environment (SPACES_*): S s "},
      {{}, "absent: no AWS_ACCESS_KEY_ID in the environment"},
      {{{"AWS_SESSION_TOKEN", "t"}}, "absent: no AWS_ACCESS_KEY_ID in the environment"},
      // Half a pair is a mistake, and no reason to be somebody else.
      {{{"AWS_ACCESS_KEY_ID", "A"}},
       "error: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; set both"},
      {{{"AWS_SECRET_ACCESS_KEY", "hunter2"}},
       "error: AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not; set both"},
      {{{"AWS_SECRET_ACCESS_KEY", "hunter2"},
        {"SPACES_ACCESS_KEY_ID", "S"},
        {"SPACES_SECRET_ACCESS_KEY", "s"}},
       "error: AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not; set both"},
      {{{"BUCKETEER_AWS_ACCESS_KEY_ID", "B"}, {"AWS_SECRET_ACCESS_KEY_FILE", "/none"}},
       "error: AWS_SECRET_ACCESS_KEY_FILE: open /none: No such file or directory"},
      {{{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "hunter2\n"}},
       "error: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: the secret access key begins or ends "
       "with a space, or contains a line break or another control character"},
  };
  for (const Row& row : rows) {
    Rig rig;
    rig.variables = row.variables;
    CHECK(static_keys_text(find_in_environment(rig.environment())) == row.what);
  }
}

TEST_CASE("each secret may be in a file named by a variable, which is read each time") {
  Rig rig;
  rig.variables["AWS_ACCESS_KEY_ID"] = "A";
  rig.variables["AWS_SECRET_ACCESS_KEY_FILE"] = rig.file("secret", "s1\n");
  rig.variables["AWS_SESSION_TOKEN_FILE"] = rig.file("token", "t1\r\n");
  CHECK(static_keys_text(find_in_environment(rig.environment())) == "environment: A s1 t1");
  rig.file("secret", "s2");
  rig.file("token", "t2\n");
  CHECK(static_keys_text(find_in_environment(rig.environment())) == "environment: A s2 t2");
  rig.variables.erase("AWS_ACCESS_KEY_ID");
  rig.variables["AWS_ACCESS_KEY_ID_FILE"] = rig.file("id", "B\n");
  CHECK(static_keys_text(find_in_environment(rig.environment())) == "environment: B s2 t2");

  struct Row {
    std::string_view secret;
    std::string_view said;
  };
  const Row rows[] = {{"", "is empty"},
                      {"\n", "is empty"},
                      {"hunter2\n\n", "line break"},
                      {"hunter2\nmore", "line break"}};
  for (const Row& row : rows) {
    rig.file("secret", row.secret);
    CHECK(has(static_keys_text(find_in_environment(rig.environment())), row.said));
  }
  rig.file("secret", std::string(70'000, 'x'));
  CHECK(has(static_keys_text(find_in_environment(rig.environment())), "larger than"));
  rig.variables["AWS_SECRET_ACCESS_KEY"] = "hunter2";
  CHECK(has(static_keys_text(find_in_environment(rig.environment())),
            "both AWS_SECRET_ACCESS_KEY and AWS_SECRET_ACCESS_KEY_FILE are set"));
}

TEST_CASE("a role is assumed with a token file when both are named") {
  Rig rig;
  CHECK(static_keys_text(find_web_identity(rig.environment())) ==
        "absent: no AWS_WEB_IDENTITY_TOKEN_FILE");
  rig.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/x";
  CHECK(
      has(static_keys_text(find_web_identity(rig.environment())), "absent: AWS_ROLE_ARN without"));
  rig.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  CHECK(static_keys_text(find_web_identity(rig.environment())) ==
        "role arn:aws:iam::1:role/x from /token as walwrap (web identity)");
  rig.variables["AWS_ROLE_SESSION_NAME"] = "machine-7";
  CHECK(has(static_keys_text(find_web_identity(rig.environment())), "as machine-7"));
  rig.variables.erase("AWS_ROLE_ARN");
  CHECK(static_keys_text(find_web_identity(rig.environment())) ==
        "error: AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not; set both");
}

TEST_CASE("a profile gives credentials or a role with a token, and other kinds are refused") {
  struct Row {
    std::string_view profile;
    std::string_view what;
  };
  const Row rows[] = {
      {"aws_access_key_id = A\naws_secret_access_key = s/+=\n", "profile x: A s/+= "},
      {"aws_access_key_id = A\naws_secret_access_key = s\naws_session_token = t\n",
       "profile x: A s t"},
      {"aws_access_key_id = A\naws_secret_access_key = s\nsso_session = y\n", "profile x: A s "},
      {"role_arn = arn:r\nweb_identity_token_file = /t\n",
       "role arn:r from /t as walwrap (profile x)"},
      {"role_arn = arn:r\nweb_identity_token_file = /t\nrole_session_name = n\n",
       "role arn:r from /t as n (profile x)"},
      {"region = eu-west-1\n", "absent: no keys in profile x"},
      {"aws_access_key_id = A\n",
       "error: profile x has aws_access_key_id and no aws_secret_access_key"},
      {"aws_secret_access_key = hunter2\n",
       "error: profile x has aws_secret_access_key and no aws_access_key_id"},
      {"aws_access_key_id = A B\naws_secret_access_key = hunter2\n",
       "error: profile x: the access key ID is empty, or contains a space or a control character"},
      {"web_identity_token_file = /t\n",
       "error: profile x has web_identity_token_file and no role_arn"},
  };
  const std::string path_of_config = "/none";
  for (const Row& row : rows) {
    Rig rig;
    rig.variables = {{"AWS_PROFILE", "x"}, {"AWS_CONFIG_FILE", path_of_config}};
    rig.variables["AWS_SHARED_CREDENTIALS_FILE"] =
        rig.file("keys", fmt::format("[x]\n{}", row.profile));
    CHECK(static_keys_text(find_in_profile(rig.environment())) == row.what);
  }
  const Row refused[] = {
      {"role_arn = arn:r\nsource_profile = y\n", "source_profile"},
      {"role_arn = arn:r\ncredential_source = Ec2InstanceMetadata\n", "credential_source"},
      {"role_arn = arn:r\naws_access_key_id = A\naws_secret_access_key = hunter2\n", "role_arn"},
      {"credential_process = /bin/keys hunter2\n", "does not run"},
      {"sso_session = y\n", "SSO"},
      {"sso_start_url = https://y\nsso_account_id = 1\n", "SSO"},
  };
  for (const Row& row : refused) {
    CAPTURE(row.profile);
    Rig rig;
    rig.variables = {{"AWS_PROFILE", "x"}, {"AWS_SHARED_CREDENTIALS_FILE", path_of_config}};
    rig.variables["AWS_CONFIG_FILE"] =
        rig.file("config", fmt::format("[profile x]\n{}", row.profile));
    const std::string said = static_keys_text(find_in_profile(rig.environment()));
    CHECK(has(said, "error: profile x "));
    CHECK(has(said, row.what));
    CHECK(has(said, "walwrap supports AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
  }
}

TEST_CASE("profile files are read from the home directory or the configured path") {
  Rig rig;
  CHECK(has(static_keys_text(find_in_profile(rig.environment())),
            "absent: no profile default in any file"));
  rig.variables["HOME"] = rig.dir.path().string();
  CHECK(has(static_keys_text(find_in_profile(rig.environment())),
            fmt::format("absent: no profile default in {0}/.aws/credentials or {0}/.aws/config",
                        rig.dir.path().string())));
  rig.file(".aws/config", "[default]\naws_access_key_id = C\naws_secret_access_key = s\n");
  CHECK(static_keys_text(find_in_profile(rig.environment())) == "profile default: C s ");
  rig.file(".aws/credentials", "[default]\naws_access_key_id = D\naws_secret_access_key = s\n");
  CHECK(static_keys_text(find_in_profile(rig.environment())) == "profile default: D s ");
  rig.file("mine", "[default]\naws_access_key_id = E\naws_secret_access_key = s\n");
  rig.variables["AWS_SHARED_CREDENTIALS_FILE"] = "~/mine";
  CHECK(static_keys_text(find_in_profile(rig.environment())) == "profile default: E s ");
  rig.file("mine", "[other]\naws_access_key_id = F\naws_secret_access_key = s\n");
  rig.variables["AWS_DEFAULT_PROFILE"] = "other";
  CHECK(static_keys_text(find_in_profile(rig.environment())) == "profile other: F s ");
}

TEST_CASE("a named profile that does not exist is an error") {
  Rig rig;
  rig.variables = {{"AWS_PROFILE", "prod"}, {"HOME", rig.dir.path().string()}};
  CHECK(has(static_keys_text(find_in_profile(rig.environment())),
            "error: AWS_PROFILE is prod, and that "));
  rig.file(".aws/credentials", "[default]\naws_access_key_id = D\naws_secret_access_key = s\n");
  CHECK(has(static_keys_text(find_in_profile(rig.environment())),
            "error: AWS_PROFILE is prod, and that "));
  rig.variables["AWS_PROFILE"] = "default";
  CHECK(static_keys_text(find_in_profile(rig.environment())) == "profile default: D s ");
}

TEST_CASE("a malformed profile file at home does not prevent other credentials") {
  Rig rig;
  rig.variables["HOME"] = rig.dir.path().string();
  rig.file(".aws/config", "hunter2\n");
  const std::string said = static_keys_text(find_in_profile(rig.environment()));
  CHECK(has(said, "absent: no profile default in "));
  CHECK(has(said, ".aws/config: line 1: is before the first [section])"));
  rig.file(".aws/credentials", "[default]\nregion = r\n");
  CHECK(has(static_keys_text(find_in_profile(rig.environment())),
            "absent: no keys in profile default ("));
  rig.file(".aws/credentials", "[default]\naws_access_key_id = D\naws_secret_access_key = s\n");
  CHECK(static_keys_text(find_in_profile(rig.environment())) == "profile default: D s ");
  rig.variables["AWS_PROFILE"] = "default";
  CHECK(has(static_keys_text(find_in_profile(rig.environment())), "error: "));
}

TEST_CASE("an unreadable profile file is an error if the user named it") {
  Rig rig;
  std::filesystem::create_directories(rig.dir / ".aws/credentials");  // a directory: EISDIR
  rig.variables["HOME"] = rig.dir.path().string();
  CHECK(has(static_keys_text(find_in_profile(rig.environment())), "absent: no profile default"));
  rig.variables["AWS_PROFILE"] = "x";
  CHECK(has(static_keys_text(find_in_profile(rig.environment())), "Is a directory"));
  rig.variables.erase("AWS_PROFILE");
  rig.variables["AWS_SHARED_CREDENTIALS_FILE"] = (rig.dir / ".aws").string();
  CHECK(has(static_keys_text(find_in_profile(rig.environment())), "Is a directory"));
  rig.variables["AWS_SHARED_CREDENTIALS_FILE"] = rig.file("keys", "[default]\nhunter2\n");
  CHECK(has(static_keys_text(find_in_profile(rig.environment())), "keys: line 2"));
  rig.file("keys", std::string((1 << 20) + 1, '\n'));
  CHECK(has(static_keys_text(find_in_profile(rig.environment())), "larger than"));
}

}  // namespace
}  // namespace walwrap::storage
