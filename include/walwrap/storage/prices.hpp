// What object stores ask for requests and space. Pure.
//
// List prices in US dollars before tax, of the region that each provider names first. Sources: the
// providers' price pages, as of the date in the row.
#pragma once

#include <cstdint>
#include <string_view>

namespace walwrap::storage {

struct Prices {
  std::string_view provider;  // Dialect::name
  double million_puts;        // or listings
  double gigabyte_month;
  double free_puts;     // a month
  bool whole_millions;  // rounded up to the next
  std::string_view as_of;
};
// nullptr: not known here.
const Prices* prices_of(std::string_view provider);

// Of so many uploads in a month.
double price_of_puts(const Prices& prices, std::uint64_t puts);

}  // namespace walwrap::storage
