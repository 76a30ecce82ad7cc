#include "walwrap/http/message.hpp"

#include <algorithm>

#include "walwrap/base/check.hpp"

namespace walwrap::http {

std::string_view method_name(Method method) {
  switch (method) {
    case Method::Get:
      return "GET";
    case Method::Head:
      return "HEAD";
    case Method::Put:
      return "PUT";
    case Method::Post:
      return "POST";
    case Method::Delete:
      return "DELETE";
  }
  panic(__FILE__, __LINE__, "method is one of Method");
}

std::string_view Response::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const HeaderField& field) { return field.name == name; });
  return found == headers.end() ? std::string_view() : found->value;
}

}  // namespace walwrap::http
