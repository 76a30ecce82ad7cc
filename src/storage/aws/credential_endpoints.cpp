#include "walwrap/storage/aws/credential_endpoints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "walwrap/base/text.hpp"
#include "walwrap/http/uri.hpp"
#include "walwrap/storage/aws/credential_rules.hpp"
#include "walwrap/storage/aws/sts_xml.hpp"

namespace walwrap::storage {
namespace {

constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kInstanceHost = "http://169.254.169.254";
constexpr std::string_view kInstanceHostIpv6 = "http://[fd00:ec2::254]";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kTokenSeconds = "21600";

bool is_temporary(int status) {
  return status / 100 == 5 || status == 429 || status == 408;
}

// For the transport, as the credential chain uses it: repeating is harmless, and a proxy's page is
// not an answer.
Error as_asked(Error error) {
  if (error.code == Code::Unknown || error.code == Code::Corrupt) error.code = Code::Unavailable;
  if (error.code == Code::Invalid) error.code = Code::Denied;
  return error;
}

Failure unreadable(const Error& error) {
  return fail(error.code == Code::Corrupt ? Code::Unavailable : error.code, "{}", error.text);
}

Result<http::Response> ask(const CredentialService& service, const http::Request& request) {
  for (int left = CredentialService::kTries - 1;; --left) {
    auto response = service.transport.perform(request);
    const bool again = response ? is_temporary(response->status)
                                : as_asked(response.error()).code == Code::Unavailable;
    if (again && left > 0) continue;
    if (!response) return fail(as_asked(response.error()));
    return response;
  }
}

http::Request request_to(http::Method method, std::string url, std::chrono::seconds limit) {
  http::Request request;
  request.method = method;
  request.url = std::move(url);
  request.response_limit = CredentialService::kAnswerLimit;
  request.limit = limit;
  return request;
}

Failure refused(int status) {
  return fail(is_temporary(status) ? Code::Unavailable : Code::Denied, "the answer has status {}",
              status);
}

Result<Credentials> read_keys(const http::Response& response, CredentialSource kind,
                              std::string source) {
  if (response.status != 200) return refused(response.status);
  auto answer = parse_key_answer(as_text(response.body));
  if (!answer) return unreadable(answer.error());
  return Credentials{.keys = std::move(answer->keys),
                     .expires = answer->expires,
                     .kind = kind,
                     .source = std::move(source)};
}

// Only AWS has regions with a dash and an STS in each of them.
Result<std::string> sts_url(const CredentialService& service) {
  constexpr std::string_view kName = "AWS_ENDPOINT_URL_STS";
  if (auto set = value_of(service.environment, kName)) {
    TRY(check_service_url(*set, PlainHttp::ThisMachine).context(kName));
    if (!set->ends_with('/')) *set += '/';
    return *std::move(set);
  }
  const std::string_view region = service.region;
  if (region.find('-') == std::string_view::npos || !is_region_name(region)) {
    return std::string("https://sts.amazonaws.com/");
  }
  return fmt::format("https://sts.{}.amazonaws.com{}/", region,
                     region.starts_with("cn-") ? ".cn" : "");
}

Failure sts_refusal(const http::Response& response, std::string_view token) {
  const StsError error = parse_sts_error(as_text(response.body));
  constexpr std::array<std::string_view, 3> kLater = {"IDPCommunicationError", "Throttling",
                                                      "ThrottlingException"};
  const bool is_later = is_temporary(response.status) ||
                        std::find(kLater.begin(), kLater.end(), error.code) != kLater.end();
  const std::string text =
      error.code.empty() ? "" : fmt::format(" {}: {}", error.code, error.message);
  return fail(is_later ? Code::Unavailable : Code::Denied, "STS answers {}{}", response.status,
              without_secret(text, token));
}

Result<Credentials> ask_sts(const WebIdentity& role, const CredentialService& service) {
  auto url = TRY(sts_url(service));
  const auto token = TRY(read_secret("the role's token", role.token_file));
  const auto encoded = [](std::string_view text) {
    return http::percent_encode(text, http::Slash::Encode);
  };
  const std::string body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&DurationSeconds=3600"
      "&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
      encoded(role.role_arn), encoded(role.session_name), encoded(token.reveal()));
  auto request = request_to(http::Method::Post, std::move(url), CredentialService::kStsLimit);
  request.headers = {{"content-type", "application/x-www-form-urlencoded"},
                     {"accept", "application/xml"}};
  request.body = as_bytes(body);
  const auto response = TRY(ask(service, request));
  if (response.status != 200) return sts_refusal(response, token.reveal());
  auto given = parse_web_identity(as_text(response.body));
  if (!given) return unreadable(given.error());
  Credentials found{.keys = {.access_key_id = std::move(given->access_key_id),
                             .secret_access_key = std::move(given->secret_access_key),
                             .session_token = std::move(given->session_token)},
                    .expires = given->expires,
                    .kind = CredentialSource::WebIdentity,
                    .source = fmt::format("{} {}", role.source, role.role_arn)};
  if (const auto checked = check_keys(found.keys); !checked) {
    return fail(Code::Unavailable, "in the answer {}", checked.error().text);
  }
  return found;
}

// As the header of a request. "": none. The file has priority and is read each time.
Result<std::string> container_token(const LookupFn& environment) {
  constexpr std::string_view kFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
  constexpr std::string_view kValue = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
  std::string token;
  std::string_view from = kValue;
  if (const auto file = value_of(environment, kFile)) {
    from = kFile;
    const auto read = TRY(read_secret(kFile, *file));
    token = read.reveal();
  } else {
    token = value_of(environment, kValue).value_or("");
  }
  const bool is_text =
      std::all_of(token.begin(), token.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!is_text) return fail(Code::Denied, "{} contains a line break or a control character", from);
  return token;
}

Result<std::string> instance_url(const LookupFn& environment) {
  const auto mode =
      value_of(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").value_or("IPv4");
  std::string url = value_of(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("");
  if (url.empty()) {
    if (mode != "IPv4" && mode != "IPv6" && mode != "ipv4" && mode != "ipv6") {
      return fail(Code::Denied, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6");
    }
    return std::string(mode.back() == '4' ? kInstanceHost : kInstanceHostIpv6);
  }
  const auto uri = http::parse_uri(url);
  const bool is_http = uri && (uri->scheme == "http" || uri->scheme == "https") &&
                       !uri->host.empty() && uri->query.empty() && is_header_word(url);
  if (!is_http) {
    return fail(Code::Denied, "AWS_EC2_METADATA_SERVICE_ENDPOINT is not an http://host URL");
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool is_switched_off(const LookupFn& environment) {
  const std::string value =
      lower_case(value_of(environment, "AWS_EC2_METADATA_DISABLED").value_or(""));
  return value == "true" || value == "1";
}

Result<Credentials> instance_keys(const CredentialService& service, http::Request request,
                                  const std::string& role) {
  request.url += http::percent_encode(role, http::Slash::Encode);
  const auto response = TRY(ask(service, request));
  auto found =
      TRY(read_keys(response, CredentialSource::Instance, fmt::format("instance role {}", role)));
  if (!found.expires) return fail(Code::Unavailable, "the answer has no Expiration");
  return found;
}

Result<Finding> ask_instance_at(const CredentialService& service, const std::string& url,
                                Instance instance) {
  auto request =
      request_to(http::Method::Put, url + "/latest/api/token", CredentialService::kInstanceLimit);
  request.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", std::string(kTokenSeconds)}};
  const auto token = ask(service, request);
  if (!token) {
    const bool is_nobody = token.error().code == Code::Unavailable && instance == Instance::May;
    if (!is_nobody) return fail(token.error());
    return Finding{.absent = "no answer from the instance metadata service (IMDS)"};
  }
  if (token->status != 200) {
    if (is_temporary(token->status) || instance == Instance::Must) return refused(token->status);
    return Finding{.absent =
                       fmt::format("no IMDSv2 token from the instance metadata service (status {})",
                                   token->status)};
  }
  const std::string_view text = as_text(token->body);
  if (!is_header_word(text)) return fail(Code::Unavailable, "the token in its answer is malformed");

  request = request_to(http::Method::Get, url + std::string(kRolePath),
                       CredentialService::kInstanceLimit);
  request.headers = {{"x-aws-ec2-metadata-token", std::string(text)}};
  const auto roles = TRY(ask(service, request));
  const bool is_none = roles.status == 404 || (roles.status == 200 && roles.body.empty());
  if (is_none && instance == Instance::May) return Finding{.absent = "an instance without a role"};
  if (is_none) return fail(Code::Denied, "the instance has no role");
  if (roles.status != 200) return refused(roles.status);
  const auto role = parse_role_name(as_text(roles.body));
  if (!role) return fail(Code::Unavailable, "the role name in its answer is malformed");
  auto found = TRY(instance_keys(service, request, *role));
  return Finding{.credentials = std::move(found)};
}

}  // namespace

Result<Credentials> take_role(const WebIdentity& role, const CredentialService& service) {
  return ask_sts(role, service).context(role.source);
}

Result<Finding> ask_container(const CredentialService& service) {
  constexpr std::string_view kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
  constexpr std::string_view kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  const auto relative = value_of(service.environment, kRelative);
  const auto full = value_of(service.environment, kFull);
  if (!relative && !full) return Finding{.absent = fmt::format("no {}", kFull)};
  if (relative && !relative->starts_with('/')) {
    return fail(Code::Denied, "{} does not begin with '/'", kRelative);
  }
  const std::string url = relative ? std::string(kContainerHost) + *relative : *full;
  TRY(check_service_url(url, PlainHttp::ThisMachineOrContainer)
          .context(relative ? kRelative : kFull));
  const auto token = TRY(container_token(service.environment));
  auto request = request_to(http::Method::Get, url, CredentialService::kContainerLimit);
  request.headers = {{"accept", "application/json"}};
  if (!token.empty()) request.headers.push_back({"authorization", token});
  const auto response = TRY(ask(service, request).context("container credentials"));
  auto found = TRY(read_keys(response, CredentialSource::Container, "container")
                       .context("container credentials"));
  return Finding{.credentials = std::move(found)};
}

Result<Finding> ask_instance(const CredentialService& service, Instance instance) {
  if (is_switched_off(service.environment)) {
    return Finding{.absent =
                       "the instance metadata service is disabled (AWS_EC2_METADATA_DISABLED)"};
  }
  const auto url = TRY(instance_url(service.environment));
  // A user who configures an address expects an answer.
  if (value_of(service.environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT")) instance = Instance::Must;
  return ask_instance_at(service, url, instance).context("instance credentials");
}

}  // namespace walwrap::storage
