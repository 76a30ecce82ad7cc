#include "walwrap/storage/aws/credential_rules.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "walwrap/base/host_name.hpp"
#include "walwrap/base/text.hpp"
#include "walwrap/http/uri.hpp"

namespace walwrap::storage {
namespace {

using Json = nlohmann::json;

// Longer than any of AWS, and than what a person reads of a message.
constexpr std::size_t kLongestRole = 128;
constexpr std::size_t kLongestMessage = 200;
// Shorter words are ordinary ones.
constexpr std::size_t kSecretWord = 8;

bool is_word_char(char c) {
  return is_digit(c) || is_letter(c) || c == '_' || c == '-';
}

// "": missing or not a text.
std::string text_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

bool is_container_service(std::string_view host) {
  return host == "169.254.170.2" || host == "169.254.170.23" || host == "[fd00:ec2::23]";
}

std::string_view without_port(std::string_view host) {
  const auto end = host.starts_with('[') ? host.find(']') + 1 : host.find(':');
  return host.substr(0, end);
}

}  // namespace

bool is_header_word(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<void> check_keys(const SigningKeys& keys) {
  if (!is_header_word(keys.access_key_id)) {
    return fail(Code::Denied,
                "the access key ID is empty, or contains a space or a control character");
  }
  const std::string& secret = keys.secret_access_key.reveal();
  if (secret.empty()) return fail(Code::Denied, "the secret access key is empty");
  if (secret.front() == ' ' || secret.back() == ' ' ||
      std::any_of(secret.begin(), secret.end(), is_control)) {
    return fail(Code::Denied,
                "the secret access key begins or ends with a space, or contains a line break or "
                "another control character");
  }
  const std::string& token = keys.session_token.reveal();
  if (!token.empty() && !is_header_word(token)) {
    return fail(Code::Denied, "the session token contains a space or a control character");
  }
  return {};
}

Result<KeyAnswer> parse_key_answer(std::string_view json_text) {
  const Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(Code::Corrupt, "the answer is not a JSON object");
  const std::string code = text_in(json, "Code");
  if (!code.empty() && code != "Success") {
    return fail(Code::Denied, "it says {}", without_secret(code, text_in(json, "SecretAccessKey")));
  }
  KeyAnswer answer;
  answer.keys.access_key_id = text_in(json, "AccessKeyId");
  answer.keys.secret_access_key = Secret<std::string>(text_in(json, "SecretAccessKey"));
  answer.keys.session_token = Secret<std::string>(text_in(json, "Token"));
  if (answer.keys.access_key_id.empty()) {
    return fail(Code::Corrupt, "the answer has no AccessKeyId");
  }
  if (answer.keys.secret_access_key.reveal().empty()) {
    return fail(Code::Corrupt, "the answer has no SecretAccessKey");
  }
  if (const auto checked = check_keys(answer.keys); !checked) {
    return fail(Code::Corrupt, "in the answer {}", checked.error().text);
  }
  if (const auto found = json.find("Expiration"); found != json.end() && !found->is_null()) {
    answer.expires = parse_rfc3339(text_in(json, "Expiration"));
    if (!answer.expires) return fail(Code::Corrupt, "Expiration in the answer is not a time");
  }
  return answer;
}

std::optional<std::string> parse_role_name(std::string_view text) {
  constexpr std::string_view kSigns = "+=,.@";  // in addition to word characters, as IAM allows
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  const bool is_name = !text.empty() && text.size() <= kLongestRole &&
                       std::all_of(text.begin(), text.end(), [&](char c) {
                         return is_word_char(c) || kSigns.find(c) != std::string_view::npos;
                       });
  if (!is_name) return std::nullopt;
  return std::string(text);
}

Result<void> check_service_url(std::string_view url, PlainHttp plain) {
  if (!is_header_word(url)) {
    return fail(Code::Denied, "the URL contains a space or a control character");
  }
  auto uri = http::parse_uri(url);
  if (!uri) return fail(Code::Denied, "{}", uri.error().text);
  if (uri->host.empty() || (uri->scheme != "https" && uri->scheme != "http")) {
    return fail(Code::Denied, "the URL is not https://host/path or http://host/path");
  }
  const std::string host = lower_case(without_port(uri->host));
  const bool is_for_containers = plain == PlainHttp::ThisMachineOrContainer;
  if (uri->scheme == "https" || is_loopback_host(host)) return {};
  if (is_for_containers && is_container_service(host)) return {};
  return fail(Code::Denied, "http is allowed only for localhost{}; use https for {}",
              is_for_containers ? ", 169.254.170.2, 169.254.170.23 and [fd00:ec2::23]" : "",
              uri->host);
}

std::string without_secret(std::string_view message, std::string_view secret) {
  std::string clean;
  while (!message.empty() && clean.size() < kLongestMessage) {
    const auto end = std::find_if_not(message.begin(), message.end(), is_word_char);
    const std::string_view word =
        message.substr(0, static_cast<std::size_t>(end - message.begin()));
    message.remove_prefix(word.size());
    const bool is_secret =
        word.size() >= kSecretWord && secret.find(word) != std::string_view::npos;
    clean += is_secret ? "***" : word;
    if (!message.empty()) {
      clean += is_control(message.front()) ? ' ' : message.front();
      message.remove_prefix(1);
    }
  }
  if (clean.size() > kLongestMessage) clean.resize(kLongestMessage);
  return clean;
}

}  // namespace walwrap::storage
