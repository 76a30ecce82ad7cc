#include "walwrap/base/check.hpp"

#include <fmt/format.h>

namespace walwrap {

void panic(const char* file, int line, std::string_view what) {
  // The path as the compiler saw it depends on where the tree was built; its end does not.
  std::string_view path(file);
  for (const std::string_view root : {"src/", "include/"}) {
    const auto at = path.rfind(root);
    if (at != std::string_view::npos) {
      path.remove_prefix(at);
      break;
    }
  }
  throw Panic(fmt::format("{}:{}: check failed: {}", path, line, what));
}

}  // namespace walwrap
