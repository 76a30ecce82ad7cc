#include "walwrap/ltx/capacity.hpp"

#include <doctest/doctest.h>

#include "tests/support/ltx_files.hpp"

namespace walwrap::ltx {
namespace {

TEST_CASE("no file holds more pages than its upper bound, and the bound is close") {
  for (std::uint32_t bytes = 512; bytes <= 65536; bytes *= 2) {
    const PageSize size{bytes};
    testing::PageMap pages;
    for (std::uint32_t pgno = 1; pgno <= 100; ++pgno) pages[pgno] = ByteVector(bytes);
    const auto file = testing::encode_ltx(testing::ltx_header(size, 100, 1, 1), pages).value();
    CAPTURE(bytes);
    CHECK(most_pages_in(file.size(), size) >= 100);
    CHECK(most_pages_in(file.size(), size) < 500);
  }
}

}  // namespace
}  // namespace walwrap::ltx
