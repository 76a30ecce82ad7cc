#include "walwrap/storage/aws/sts_xml.hpp"

#include <doctest/doctest.h>

#include <string>

namespace walwrap::storage {
namespace {

TEST_CASE("credentials from STS are complete or refused") {
  const auto answer = [](const std::string& inside) {
    return "<AssumeRoleWithWebIdentityResponse xmlns=\"x\"><AssumeRoleWithWebIdentityResult>"
           "<Credentials>" +
           inside +
           "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
  };
  const std::string keys =
      "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
      "<SessionToken>t</SessionToken>";
  const auto whole =
      parse_web_identity(answer(keys + "<Expiration>2026-01-01T01:00:00Z</Expiration>"));
  REQUIRE(whole.has_value());
  CHECK(whole->access_key_id == "ASIA");
  CHECK(whole->secret_access_key.reveal() == "s");
  CHECK(whole->session_token.reveal() == "t");
  CHECK(format_rfc3339(whole->expires) == "2026-01-01T01:00:00.000Z");
  for (const auto& text : {answer(keys), answer(""), std::string("<x/>"), std::string()}) {
    CHECK(parse_web_identity(text).error().code == Code::Corrupt);
  }
}

TEST_CASE("an error of STS is parsed into its code and its message") {
  const auto error = parse_sts_error(
      "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>AccessDenied</Code>"
      "<Message>not you</Message></Error><RequestId>1</RequestId></ErrorResponse>");
  CHECK(error.code == "AccessDenied");
  CHECK(error.message == "not you");
  CHECK(parse_sts_error("<html/>").code.empty());
  CHECK(parse_sts_error("").code.empty());
}

}  // namespace
}  // namespace walwrap::storage
