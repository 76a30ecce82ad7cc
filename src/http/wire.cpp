#include "walwrap/http/wire.hpp"

#include <algorithm>
#include <array>

#include "walwrap/base/text.hpp"

namespace walwrap::http {
namespace {

std::string_view after_scheme(std::string_view url) {
  constexpr std::string_view kSeparator = "://";
  const auto separator = url.find(kSeparator);
  return separator == std::string_view::npos ? url : url.substr(separator + kSeparator.size());
}

Result<void> check_url(std::string_view url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return fail(Code::Invalid, "the URL of a request begins with http:// or https://");
  }
  const bool is_encoded =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
  if (!is_encoded) {
    return fail(Code::Invalid, "the URL of a request to {} is not percent-encoded", host_of(url));
  }
  const std::string_view rest = after_scheme(url);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.empty() || authority.find('@') != std::string_view::npos) {
    return fail(Code::Invalid, "the URL of a request has a host and no user");
  }
  return {};
}

bool is_field_name(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<void> check_request(const Request& request) {
  TRY(check_url(request.url));
  for (const HeaderField& field : request.headers) {
    if (!is_field_name(field.name)) {
      return fail(Code::Invalid, "the name of a header field is a lower-case word");
    }
    const bool is_one_line = std::none_of(field.value.begin(), field.value.end(),
                                          [](char c) { return is_control(c) && c != '\t'; });
    if (!is_one_line) {
      return fail(Code::Invalid, "control character in the header field {}", field.name);
    }
  }
  return {};
}

std::string_view host_of(std::string_view url) {
  std::string_view host = after_scheme(url);
  host = host.substr(0, host.find_first_of("/?#"));
  const auto at = host.rfind('@');
  return at == std::string_view::npos ? host : host.substr(at + 1);
}

bool is_link_local(std::string_view host) {
  constexpr std::array<std::string_view, 3> kPrefixes = {"169.254.", "[fe80:", "[fd00:ec2:"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return host.starts_with(prefix); });
}

std::string format_field(const HeaderField& field) {
  if (field.value.find_first_not_of(" \t") == std::string::npos) return field.name + ";";
  return field.name + ": " + field.value;
}

}  // namespace walwrap::http
