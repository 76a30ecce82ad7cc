// What object stores ask for requests and space. Pure.
//
// List prices in US dollars before tax, of the region that each provider names first, as their
// price pages and reports of these gave them at the date in the row. Who bills by another rule is
// not here.
#pragma once

#include <cstdint>
#include <string_view>

#include "walwrap/storage/store_counts.hpp"

namespace walwrap::storage {

struct Prices {
  std::string_view provider;  // Dialect::name
  double million_puts;        // and posts
  double million_lists;
  double million_gets;  // and heads; deleting is free
  double gigabyte_month;
  double free_puts;     // a month
  bool whole_millions;  // rounded up to the next
  std::string_view as_of;
};
// nullptr: not known here, as those of AWS in China, which are in yuan.
const Prices* prices_of(std::string_view provider, std::string_view region);

// Of so many uploads in a month.
double price_of_puts(const Prices& prices, std::uint64_t puts);
// Of these requests, as if nothing were free.
double price_of_requests(const Prices& prices, const StoreCounts& counts);

}  // namespace walwrap::storage
